"""What one step did: read when its card is opened, because states can be large."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db.models import Exists

from wfo_site.common.errors import NotFound
from workflows.engine.callback_tokens import mask
from workflows.engine.history import counts_for_state, load_history, state_before
from workflows.engine.registry import get_workflow
from workflows.engine.standing import NO_STEP
from workflows.engine.state import Delta
from workflows.engine.step_options import effects_sentence
from workflows.engine.steps import State
from workflows.engine.tree import Ref, program_of, ref_to
from workflows.models import Process, ProcessStep
from workflows.page_selectors.json_limits import readable
from workflows.page_selectors.state_changes import ShownChanges, shown_changes
from workflows.selectors.step_log import log_of_row


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
    changes: ShownChanges = field(default_factory=ShownChanges)
    # Why a person changed the state.
    reason: str = ""
    failure: Failure | None = None
    # The whole state when it was asked for: after the step, or of one that failed that which it began with.
    state: State | None = None
    # How many lines it has logged.
    log_count: int = 0


def step_content(process_id: UUID, seq: int, *, with_state: bool, with_traceback: bool) -> StepContent:
    """Read what the row `seq` of a process changed, or the whole state there, in at most 8 queries (a branch: more).

    `with_traceback`: the reader may see the insides of the program. Raises NotFound.
    """
    step = ProcessStep.objects.filter(process_id=process_id, seq=seq).first()
    ref = ref_to(process_id)
    if step is None or ref is None:
        raise NotFound(f"Process {process_id} has no step {seq}")
    said = StepContent(
        step=step,
        effects=_effects(ref, step.key),
        reason=str((step.detail or {}).get("reason", "")),
        log_count=log_of_row(step).count(),
    )
    if step.error is not None and not with_state:
        return replace(said, failure=_failure(step, with_traceback=with_traceback))
    # A person has changed what the state was by then, with what a step that is not done had changed so far.
    stored = load_history(ref, before=seq).state if step.key == NO_STEP else state_before(ref, seq)
    # Addresses of callbacks are as good as passwords: a page shows that there is one, never which.
    before: State = mask(stored)
    delta = Delta(mask(step.delta), frozenset(step.removed))
    if with_state:
        state = delta.apply(before) if counts_for_state(step.status, step.error) else before
        return replace(said, state=readable(dict(sorted(state.items()))))
    return replace(said, changes=shown_changes(before, delta, with_internal=step.key == NO_STEP))


def _effects(ref: Ref, key: str) -> str:
    workflow = get_workflow(ref.workflow_name)
    program = program_of(workflow, ref) if workflow is not None else None
    if program is None or key not in program.keys:
        return ""
    return effects_sentence(program.steps[program.keys.index(key)].effects)


def _failure(step: ProcessStep, *, with_traceback: bool) -> Failure:
    error: dict[str, Any] = dict(step.error or {})
    message = str(error.pop("error", "") or "The step stopped without saying why")
    class_name = str(error.pop("class", "") or "Error")
    stored_traceback = error.pop("traceback", None)
    rest = {key: value for key, value in error.items() if value not in (None, {}, [], "")}
    traceback = None
    if with_traceback:
        # The process keeps the traceback of its last failure only; what a person did since is no step.
        later = ProcessStep.objects.filter(process_id=step.process_id, seq__gt=step.seq).exclude(key=NO_STEP)
        process = Process.every.filter(~Exists(later), pk=step.process_id)
        traceback = process.values_list("traceback", flat=True).first() or stored_traceback
    return Failure(class_name=class_name, message=message, rest=readable(rest), traceback=traceback)
