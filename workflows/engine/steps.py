"""What a step is, and lists of steps. `step_decorators` makes steps of functions, `step_groups` steps of other steps.

Nothing here touches the database or the settings: product packages import it before Django is set up.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, SupportsIndex, TypeAlias, overload

from workflows.engine.step_context import Undone
from workflows.engine.step_options import NOT_DECLARED, Effect, StepOptions, Undo

if TYPE_CHECKING:
    from workflows.engine.blocks import BlocksOf
    from workflows.engine.forks import Fork

State: TypeAlias = dict[str, Any]
StepFunction: TypeAlias = Callable[..., "State | None"]
Predicate: TypeAlias = Callable[[State], bool]
AuthCallback: TypeAlias = Callable[..., "bool | Awaitable[bool]"]
FormFactory: TypeAlias = Callable[..., Any]

# What a row and a process can hold of a step's name.
NAME_LENGTH = 255
SYSTEM_ASSIGNEE = "SYSTEM"
# Of the placeholder that does not say what it stands for.
OBSOLETE_NAME: Final = "Obsolete step"
DEFAULT_CALLBACK_ROUTE_KEY = "callback_route"
DEFAULT_CALLBACK_RESULT_KEY = "callback_result"


class StepKind(StrEnum):
    """What the runner does with a step."""

    PLAIN = "plain"
    # An exception makes the process wait instead of fail.
    RETRY = "retry"
    INPUT = "input"
    GROUP = "group"
    START = "start"
    DONE = "done"
    ABORT = "abort"
    CALLBACK_CREATE = "callback_create"
    CALLBACK_AWAIT = "callback_await"
    CALLBACK_CLEANUP = "callback_cleanup"
    # In the place of one that was removed, see `obsolete_step`.
    OBSOLETE = "obsolete"
    # Runs others side by side and waits for them, see `workflows.engine.forks`.
    FORK = "fork"
    # Stands for the steps of blocks until the workflow is composed, see `workflows.engine.blocks`.
    BLOCKS = "blocks"


@dataclass(frozen=True)
class Lens:
    """How a step sees a part of the state: `get` cuts it out, `set` puts the changed part back."""

    get: Callable[[State], State]
    set: Callable[[State, State], State]

    def inside(self, outer: Lens) -> Lens:
        """Return the lens that looks through `outer` first and then through this one."""
        return Lens(
            get=lambda state: self.get(outer.get(state)),
            set=lambda state, part: outer.set(state, self.set(outer.get(state), part)),
        )


@dataclass(frozen=True)
class CallbackOptions:
    """Of a callback step: where the address and the answer stand in the state, and how long to wait in seconds."""

    route_key: str
    result_key: str
    timeout: float | None


@dataclass(eq=False)
class Step:
    """One step of a workflow. Treat it as immutable: combinators make changed copies."""

    name: str
    kind: StepKind = StepKind.PLAIN
    function: StepFunction | None = None
    form: FormFactory | None = None
    assignee: str = SYSTEM_ASSIGNEE
    resume_auth_callback: AuthCallback | None = None
    retry_auth_callback: AuthCallback | None = None
    # Body and result in one transaction, see `step`.
    atomic: bool = False
    options: StepOptions = field(default_factory=StepOptions)
    # All must hold on the state before the step, or it is skipped.
    conditions: tuple[Predicate, ...] = ()
    lens: Lens | None = None
    # Within a group: the steps that enter the groups within it that it stands in; without these it is left out.
    entered: tuple[str, ...] = ()
    # Of a group: its steps, entered one after the other and shown as one.
    steps: StepList = field(default_factory=lambda: StepList())
    callback: CallbackOptions | None = None
    fork: Fork | None = None
    blocks: BlocksOf | None = None
    # What takes back what it did, see `workflows.engine.undo`.
    undo: Step | None = None
    # Of such a step, while it runs: what it takes back.
    undone: Undone | None = None
    __wrapped__: Callable[..., Any] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.function is not None:
            take_names(self, self.function)

    def __rshift__(self, other: Step | StepList) -> StepList:
        return StepList([self]) >> other

    @property
    def effects(self) -> frozenset[Effect]:
        """What it does, as declared: of a step that holds others, what all of them do, if each says so."""
        if self.options.effects:
            return self.options.effects
        if self.function is None and not self.steps and self.fork is None:
            return frozenset({Effect.READ})
        lists = [self.steps, *(self.fork.step_lists() if self.fork is not None else ())]
        inner = [step.effects for steps in lists for step in steps]
        return frozenset().union(*inner) if inner and all(inner) else NOT_DECLARED

    def __repr__(self) -> str:
        return f"<Step {self.name!r} {self.kind}>"


def take_names(step: Step, function: Callable[..., Any]) -> None:
    """Let tools that look at a step see the function that was decorated."""
    for name in functools.WRAPPER_ASSIGNMENTS:
        if hasattr(function, name):
            setattr(step, name, getattr(function, name))
    step.__wrapped__ = function


class StepList(list[Step]):
    """Steps in order. `a >> b` joins; slices stay step lists."""

    def __rshift__(self, other: Step | StepList) -> StepList:
        if isinstance(other, StepList):
            return StepList([*self, *other])
        if isinstance(other, Step):
            return StepList([*self, other])
        raise ValueError(f"Expected @step decorated function or type Step or StepList, got {other!r}")

    @overload
    def __getitem__(self, index: SupportsIndex) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> StepList: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Step | StepList:
        if isinstance(index, slice):
            return StepList(super().__getitem__(index))
        return super().__getitem__(index)

    def map(self, change: Callable[[Step], Step]) -> StepList:
        return StepList(change(step) for step in self)

    def everything(self) -> Iterator[Step]:
        """Go through all steps, also those within groups and branches, and those that undo them."""
        for step in self:
            yield step
            yield from step.steps.everything()
            yield from StepList([step.undo] if step.undo is not None else []).everything()
            for branch in step.fork.step_lists() if step.fork is not None else ():
                yield from branch.everything()

    def keys(self) -> list[str]:
        """Return one key per step, unique and stable: its name, and `name#2` for the second of that name."""
        seen: dict[str, int] = {}
        keys = []
        for step in self:
            seen[step.name] = seen.get(step.name, 0) + 1
            keys.append(step.name if seen[step.name] == 1 else f"{step.name}#{seen[step.name]}")
        return keys


begin = StepList()


def as_steps(steps: Step | StepList | Iterable[Step]) -> StepList:
    """Return `steps` as a list of steps. Raises ValueError for anything that is not a step."""
    if isinstance(steps, Step):
        return StepList([steps])
    result = StepList(steps)
    for item in result:
        if not isinstance(item, Step):
            raise ValueError(f"Expected @step decorated function or type Step or StepList, got {item!r}")
    return result


# Declared as the undo of a step: it changed nothing that would have to be taken back.
nothing_to_undo = Step("Nothing to undo")

_MAY_UNDO: Final = frozenset({StepKind.PLAIN, StepKind.RETRY, StepKind.INPUT, StepKind.GROUP})


def as_undo(name: str, undo: Undo | None) -> Step | None:
    """Return the step that undoes the step `name`. Raises ValueError for one that cannot stand alone."""
    if undo is None or (isinstance(undo, Step) and undo.kind in _MAY_UNDO):
        return undo
    if isinstance(undo, Step) or not callable(undo):
        raise ValueError(f"{undo!r} cannot be the undo of {name!r}; give a function, a step or a step group")
    return Step(f"Undo: {name}"[:NAME_LENGTH], function=undo)


def without_forks(steps: StepList, where: str) -> StepList:
    """Refuse what runs, or may run, others side by side where its row, or the state it joins into, is not its own."""
    if fork := next((item for item in steps if item.kind in (StepKind.FORK, StepKind.BLOCKS)), None):
        raise ValueError(
            f"{fork.name!r} runs others side by side and cannot stand inside {where}. Put it beside it in the workflow."
        )
    return steps


init = Step("Start", StepKind.START)
done = Step("Done", StepKind.DONE)
abort = Step("Abort", StepKind.ABORT)
