"""What a step that runs others side by side says of them: who they are, when it goes on, what they add to the state.

The engine makes a child process of each branch, item or workflow, lets the parent wait, and joins what they came to.
Nothing here touches the database.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Self, TypeAlias

from wfo_site.common.errors import Conflict
from workflows.engine.state import Delta, difference
from workflows.engine.steps import State, StepList, done

Join: TypeAlias = "Literal['all', 'any'] | int"
OnTimeout: TypeAlias = Literal["fail", "retry", "continue"]
Items: TypeAlias = "str | Callable[[State], Iterable[Any]]"
MergeBranches: TypeAlias = Callable[[State, "dict[str, State]"], State]
MergeItems: TypeAlias = Callable[[State, "list[State | None]"], State]

DEFAULT_ITEM_KEY = "item"
ITEM_INDEX_KEY = "item_index"
DEFAULT_SUB_PROCESS_KEY = "sub_process"
# The copies of locked subscriptions come together from all branches; each branch has made its own of what it locked.
OLD_SUBSCRIPTIONS_KEY = "__old_subscriptions__"


class BranchesDisagree(Conflict):
    """Branches that ran side by side set one key to different values, and nothing says which counts."""

    code = "branches_disagree"


@dataclass(frozen=True, kw_only=True)
class Child:
    """One part of a fork, as the state says it is to be. `pages` and `workflow` are those of a sub-workflow."""

    name: str
    item: Any = None
    workflow: str = ""
    pages: Sequence[State] = ()


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a child ended. `changes` is what a branch did to the state, `state` the whole state of a sub-workflow."""

    index: int
    name: str
    process_id: str
    status: str
    changes: Delta = field(default_factory=Delta)
    state: State = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Fork(ABC):
    """What a step that waits for children says of them.

    `join`: how many must end well before it goes on. `max_parallel`: how many may be at work at once. `timeout` in
    seconds, and what then. `waits`: False lets the parent go on at once and never look back.
    """

    is_workflow: ClassVar[bool] = False

    join: Join = "all"
    max_parallel: int | None = None
    timeout: float | None = None
    on_timeout: OnTimeout = "fail"
    # An aborted child is as good as one that ended well.
    allow_aborted: bool = False
    waits: bool = True

    def __post_init__(self) -> None:
        if self.max_parallel is not None and self.max_parallel < 1:
            raise ValueError(f"max_parallel is {self.max_parallel}; at least 1 must be allowed at once")
        if self.max_parallel is not None and not self.waits:
            raise ValueError(
                "max_parallel is kept by the step that waits, and with wait=False none does; limit what is started "
                "with max_running of its workflow"
            )
        if not isinstance(self.join, int) and self.join not in ("all", "any"):
            raise ValueError(f"join is {self.join!r}; give 'all', 'any' or a number")
        if isinstance(self.join, int) and self.join < 1:
            raise ValueError(f"join is {self.join}; at least 1 must end well")

    @property
    def reads_children(self) -> bool:
        """Say whether what the children wrote is needed to join them."""
        return True

    def needed(self, total: int) -> int:
        """Return how many of `total` children must end well. Raises ValueError if there are not enough."""
        if self.join == "all":
            return total
        wanted = 1 if self.join == "any" else self.join
        if wanted > total:
            raise ValueError(f"{wanted} must end well, but there are only {total}")
        return wanted

    @abstractmethod
    def children(self, state: State) -> list[Child]:
        """Return what to run, from the state before the step."""

    def steps_of(self, index: int) -> StepList:
        """Return the steps of one child; empty where a child is a whole workflow."""
        return StepList()

    def step_lists(self) -> list[StepList]:
        """Return the steps of all that it runs, each once."""
        return []

    def with_steps(self, change: Callable[[StepList], StepList]) -> Self:
        """Return the same with other steps in place of those of each child."""
        return self

    def given_to(self, item: Any, index: int) -> State:
        """Return what a child finds in its state beside that of its parent."""
        return {}

    @abstractmethod
    def joined(self, state: State, ended: Sequence[Ended]) -> State:
        """Return what the children's work adds to the state; `ended` holds those that count, in order."""


@dataclass(frozen=True)
class Branch:
    """Steps that run beside others. `sets` names the state keys that are this branch's to decide."""

    name: str
    steps: StepList
    sets: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class ParallelFork(Fork):
    """A fixed number of branches, each with steps of its own."""

    branches: tuple[Branch, ...]
    merge: MergeBranches | None = None

    def children(self, state: State) -> list[Child]:
        return [Child(name=one.name) for one in self.branches]

    def steps_of(self, index: int) -> StepList:
        return self.branches[index].steps >> done

    def step_lists(self) -> list[StepList]:
        return [one.steps for one in self.branches]

    def with_steps(self, change: Callable[[StepList], StepList]) -> Self:
        return replace(self, branches=tuple(replace(one, steps=change(one.steps)) for one in self.branches))

    def joined(self, state: State, ended: Sequence[Ended]) -> State:
        if self.merge is not None:
            return self.merge(state, {one.name: dict(one.changes.set) for one in ended})
        passing = {key for branch in self.branches for key in _passing_keys(branch.steps)}
        owners = {key: branch.name for branch in self.branches for key in branch.sets}
        return merge_changes(state, ended, owners=owners, passing=passing)


@dataclass(frozen=True, kw_only=True)
class ForeachFork(Fork):
    """The same steps for each item of a list."""

    items: Items
    steps: StepList
    item_key: str = DEFAULT_ITEM_KEY
    result_key: str = ""
    label: Callable[[Any], str] | None = None
    merge: MergeItems | None = None

    def children(self, state: State) -> list[Child]:
        if callable(self.items):
            found: Any = self.items(state)
        elif self.items not in state:
            raise KeyError(f"Could not find key {self.items!r} in state, which names the items")
        else:
            found = state[self.items]
        if isinstance(found, str | Mapping) or not isinstance(found, Iterable):
            raise TypeError(f"The items are {type(found).__name__}; they must be a list")
        return [
            Child(name=self.label(item) if self.label else label_of(item, index), item=item)
            for index, item in enumerate(found)
        ]

    def steps_of(self, index: int) -> StepList:
        return self.steps >> done

    def step_lists(self) -> list[StepList]:
        return [self.steps]

    def with_steps(self, change: Callable[[StepList], StepList]) -> Self:
        return replace(self, steps=change(self.steps))

    def given_to(self, item: Any, index: int) -> State:
        return {self.item_key: item, ITEM_INDEX_KEY: index}

    def joined(self, state: State, ended: Sequence[Ended]) -> State:
        own = {self.item_key, ITEM_INDEX_KEY, *_passing_keys(self.steps)}
        changes = {one.index: {k: v for k, v in one.changes.set.items() if k not in own} for one in ended}
        results = [changes.get(index) for index in range(max(changes, default=-1) + 1)]
        if self.merge is not None:
            return self.merge(state, results)
        shared = {OLD_SUBSCRIPTIONS_KEY: _together(state, ended)} if _together(state, ended) else {}
        clean = [None if one is None else _without(one, OLD_SUBSCRIPTIONS_KEY) for one in results]
        return {self.result_key: clean, **shared}


@dataclass(frozen=True, kw_only=True)
class SubWorkflowFork(Fork):
    """Workflows that run as processes of their own. `outputs`: keys of their last state that the parent gets."""

    is_workflow: ClassVar[bool] = True

    calls: Callable[[State], Sequence[Child]]
    outputs: tuple[str, ...] = ()
    result_key: str = DEFAULT_SUB_PROCESS_KEY
    is_one: bool = False

    @property
    def reads_children(self) -> bool:
        return bool(self.outputs)

    def children(self, state: State) -> list[Child]:
        return list(self.calls(state))

    def joined(self, state: State, ended: Sequence[Ended]) -> State:
        results = [
            {
                "process_id": one.process_id,
                "status": one.status,
                **{key: one.state[key] for key in self.outputs if key in one.state},
            }
            for one in ended
        ]
        return {self.result_key: results[0] if self.is_one and results else results}


def merge_changes(
    state: State, ended: Sequence[Ended], *, owners: Mapping[str, str], passing: Iterable[str] = ()
) -> State:
    """Return the keys that branches changed, each with the one value they agree on or its owner decided.

    Raises BranchesDisagree naming the key and the branches.
    """
    skipped = {*passing, OLD_SUBSCRIPTIONS_KEY}
    merged: State = {}
    setters: dict[str, str] = {}
    for one in ended:
        for key, value in one.changes.set.items():
            owner = owners.get(key)
            if key in skipped or (owner is not None and owner != one.name):
                continue
            if key in merged and not is_subscription(value) and difference({key: merged[key]}, {key: value}):
                raise BranchesDisagree(
                    f"Branches {setters[key]!r} and {one.name!r} set {key!r} to different values. Let one branch "
                    f"decide (branch(..., sets=[{key!r}])), give the step merge=, or use two keys."
                )
            merged[key], setters[key] = value, one.name
    if together := _together(state, ended):
        merged[OLD_SUBSCRIPTIONS_KEY] = together
    return merged


def is_subscription(value: Any) -> bool:
    """Say whether a state value is a subscription as its model dumps it: read again after the join, never compared."""
    return isinstance(value, dict) and "subscription_id" in value and "product" in value and "status" in value


def _together(state: State, ended: Sequence[Ended]) -> State:
    together: State = dict(state.get(OLD_SUBSCRIPTIONS_KEY) or {})
    for one in ended:
        together = {**(one.changes.set.get(OLD_SUBSCRIPTIONS_KEY) or {}), **together}
    return together


def _without(values: State, key: str) -> State:
    return {name: value for name, value in values.items() if name != key}


def _passing_keys(steps: StepList) -> set[str]:
    """Return the keys under which callback steps keep their address: of no use once a branch has ended."""
    return {step.callback.route_key for step in steps.everything() if step.callback is not None}


def label_of(item: Any, index: int) -> str:
    """Return a short name for an item: what it calls itself, or its number."""
    if isinstance(item, Mapping):
        keys = ("name", "title", "description", "label", "subscription_id", "id")
        item = next((item[key] for key in keys if item.get(key)), None)
    text = str(item) if isinstance(item, str | int | float) and not isinstance(item, bool) else ""
    return text[:200] or f"Item {index + 1}"
