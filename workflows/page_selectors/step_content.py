"""What one step did: read when its card is opened, because states can be large."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from uuid import UUID

from wfo_site.common.errors import NotFound
from workflows.engine.callback_tokens import mask
from workflows.engine.history import state_before
from workflows.engine.registry import get_workflow
from workflows.engine.state import Delta
from workflows.engine.step_options import effects_sentence
from workflows.engine.steps import State
from workflows.engine.tree import Ref, program_of, ref_to
from workflows.models import Process, ProcessStep
from workflows.page_selectors.json_limits import readable
from workflows.selectors.step_log import log_of_row

# Keys that are the engine's or the form's own business and only in the way of a reader.
_INTERNAL: Final = ("__", "label_", "divider_")

MAX_CHANGES: Final = 500

How = Literal["new", "changed", "removed"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One path of the state that a step set or took away; values are JSON, cut to what a page shows."""

    key: str
    how: How
    value: Any = None
    before: Any = None

    @property
    def is_short(self) -> bool:
        """True when old and new value fit on one line."""
        values = (self.value, self.before)
        return self.how == "changed" and not any(isinstance(value, dict | list) for value in values)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a step failed or waits. `rest`: what the kind of error adds, such as details or another system's answer."""

    class_name: str
    message: str
    rest: dict[str, Any]
    traceback: str | None


@dataclass(frozen=True, kw_only=True)
class StepContent:
    """The opened card of a step."""

    step: ProcessStep
    # What its code says that it changes; empty where the code says nothing, or is gone.
    effects: str = ""
    changes: list[Change] = field(default_factory=list)
    # Changes beyond what a page shows, and changes of internal keys.
    cut_count: int = 0
    hidden_count: int = 0
    failure: Failure | None = None
    # The whole state after the step, when it was asked for.
    state: State | None = None
    # How many lines it has logged.
    log_count: int = 0


def step_content(process_id: UUID, seq: int, *, with_state: bool, with_traceback: bool) -> StepContent:
    """Read what the row `seq` of a process changed, or the whole state after it, in at most 8 queries (a branch: more).

    `with_traceback`: the reader may see the insides of the program. Raises NotFound.
    """
    step = ProcessStep.objects.filter(process_id=process_id, seq=seq).first()
    ref = ref_to(process_id)
    if step is None or ref is None:
        raise NotFound(f"Process {process_id} has no step {seq}")
    effects, log_count = _effects(ref, step.key), log_of_row(step).count()
    if step.error is not None:
        failure = _failure(step, with_traceback=with_traceback)
        return StepContent(step=step, effects=effects, failure=failure, log_count=log_count)
    # Addresses of callbacks are as good as passwords: a page shows that there is one, never which.
    before: State = mask(state_before(ref, seq))
    delta = Delta(mask(step.delta), frozenset(step.removed))
    if with_state:
        after = delta.apply(before)
        shown_state = readable(dict(sorted(after.items())))
        return StepContent(step=step, effects=effects, state=shown_state, log_count=log_count)
    changes = _changes(before, delta)
    shown = [change for change in changes if not change.key.startswith(_INTERNAL)]
    return StepContent(
        step=step,
        effects=effects,
        changes=[replace(one, value=readable(one.value), before=readable(one.before)) for one in shown[:MAX_CHANGES]],
        cut_count=max(len(shown) - MAX_CHANGES, 0),
        hidden_count=len(changes) - len(shown),
        log_count=log_count,
    )


def _effects(ref: Ref, key: str) -> str:
    workflow = get_workflow(ref.workflow_name)
    program = program_of(workflow, ref) if workflow is not None else None
    if program is None or key not in program.keys:
        return ""
    return effects_sentence(program.steps[program.keys.index(key)].effects)


def _changes(before: State, delta: Delta) -> list[Change]:
    changes: list[Change] = []
    for key, value in sorted(delta.set.items()):
        changes += _differences(key, before[key], value) if key in before else [Change(key=key, how="new", value=value)]
    changes += [Change(key=key, how="removed", before=before.get(key)) for key in sorted(delta.removed)]
    return changes


def _differences(path: str, old: Any, new: Any) -> list[Change]:
    """Return what differs, dicts recursively: of a subscription with a hundred values only the one that was set."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [Change(key=path, how="changed", value=new, before=old)] if old != new else []
    changes: list[Change] = []
    # Sorted: databases keep no order of keys.
    for key, value in sorted(new.items()):
        name = f"{path}.{key}"
        changes += _differences(name, old[key], value) if key in old else [Change(key=name, how="new", value=value)]
    gone = sorted(key for key in old if key not in new)
    return changes + [Change(key=f"{path}.{key}", how="removed", before=old[key]) for key in gone]


def _failure(step: ProcessStep, *, with_traceback: bool) -> Failure:
    error: dict[str, Any] = dict(step.error or {})
    message = str(error.pop("error", "") or "The step stopped without saying why")
    class_name = str(error.pop("class", "") or "Error")
    stored_traceback = error.pop("traceback", None)
    rest = {key: value for key, value in error.items() if value not in (None, {}, [], "")}
    traceback = None
    if with_traceback:
        # The process keeps the traceback of its last failure only.
        process = (
            Process.every.filter(pk=step.process_id, last_seq=step.seq).values_list("traceback", flat=True).first()
        )
        traceback = process or stored_traceback
    return Failure(class_name=class_name, message=message, rest=readable(rest), traceback=traceback)
