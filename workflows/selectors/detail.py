"""One process with everything about it, in the shape that API clients know."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from wfo_site.common.errors import NotFound
from workflows.engine import callback_tokens, waits
from workflows.engine.history import counts_for_state, start_state
from workflows.engine.plans import name_of, stored_rest
from workflows.engine.standing import NO_STEP, goes_on_after
from workflows.engine.state import Delta, shown_delta
from workflows.engine.steps import State
from workflows.engine.tree import Ref, path_of, ref_of
from workflows.enums import ProcessKind, ProcessStatus, StepStatus
from workflows.forms import generate_form
from workflows.models import Process, ProcessStep, ProcessSubscription
from workflows.selectors.estimates import estimate_of
from workflows.selectors.open_waits import OpenWait, open_wait
from workflows.selectors.position import Position, form_at, position_of
from workflows.selectors.undo import undo_of
from workflows.selectors.why import why_not_running
from workflows.states import CLEARED_STEPS

PENDING = "pending"


def process_detail(process_id: UUID, *, may_resume: bool = True) -> dict[str, Any]:
    """Return a process with its steps, form and state in a constant number of statements. Raises NotFound.

    Addresses of callbacks are shown only to those who may resume the process.
    """
    process = Process.every.select_related("workflow", "plan").filter(pk=process_id).first()
    if process is None:
        raise NotFound(f"Process with process_id {process_id} not found")
    ref = ref_of(process)
    position = position_of(ref)
    history = position.history
    # In the order in which they were linked, which is that of lists: there, too, the first one counts.
    links = ProcessSubscription.objects.filter(process_id=process_id).order_by("created_at", "pk")
    subscriptions = [link.subscription for link in links.select_related("subscription__product")]
    first = subscriptions[0] if subscriptions else None
    undone_by = undo_of(process_id) if process.kind == ProcessKind.PROCESS else None
    show = _shower(may_resume)
    wait = open_wait(process)
    current = show({**history.state, **_callback_progress(wait)})
    rows = list(ProcessStep.objects.filter(process_id=process_id).order_by("seq"))
    estimate = estimate_of(process, rows, position.remaining_keys)
    return {
        "process_id": process.process_id,
        "workflow_id": process.workflow_id,
        "workflow_name": process.workflow.name,
        "workflow_description": process.workflow.description,
        "workflow_target": process.workflow.target,
        "is_task": process.is_task,
        "created_by": process.created_by,
        "failed_reason": process.failed_reason,
        "traceback": process.traceback,
        "started_at": process.started_at,
        "last_modified_at": process.last_modified_at,
        "last_status": process.last_status,
        "last_step": process.last_step,
        "assignee": process.assignee,
        "note": process.note,
        "product_id": first.product_id if first else None,
        "customer_id": first.customer_id if first else None,
        "subscriptions": subscriptions,
        "parent_process_id": process.parent_id,
        "children": _children(process_id),
        "undo_of": process.parent_id if process.kind == ProcessKind.UNDO else None,
        "undone_by": undone_by.process_id if undone_by is not None else None,
        "current_state": current,
        "steps": [*_shown_steps(ref, rows, show), *_pending(process, position)],
        "form": _form(process, position),
        "why": why_not_running(process, wait, misfit=position.misfit),
        "deadline": wait.ends_at if wait is not None else None,
        "next_retry_at": wait.next_retry_at if wait is not None else None,
        "estimated_end": estimate.ends_at,
        "is_late": estimate.is_late,
    }


def _children(process_id: UUID) -> list[dict[str, Any]]:
    """Return what its steps have started beside it, in that order. One statement."""
    columns = ("process_id", "kind", "branch_name", "branch_key", "workflow__name", "last_status")
    rows = Process.every.filter(parent_id=process_id).exclude(kind=ProcessKind.UNDO).order_by("process_id")
    return [
        {
            "process_id": pk,
            "kind": kind,
            "name": name,
            "step": path_of(path)[-1].key if path else None,
            "workflow_name": workflow_name,
            "last_status": status,
        }
        for pk, kind, name, path, workflow_name, status in rows.values_list(*columns)
    ]


def _shower(may_resume: bool) -> Any:
    if not may_resume:
        return callback_tokens.mask

    def show(state: State) -> State:
        found = callback_tokens.references_in(state)
        known = {wait.pk: wait for wait in waits.find(found)} if found else {}
        shown: State = callback_tokens.expand(
            state, lambda pk: waits.route(known[pk]) if pk in known else callback_tokens.MASKED
        )
        return shown

    return show


def _callback_progress(wait: OpenWait | None) -> State:
    """Return what another system said of its progress while the process waits for it."""
    return {"callback_progress": wait.progress} if wait is not None and wait.progress is not None else {}


def _shown_steps(ref: Ref, rows: list[ProcessStep], show: Any) -> list[dict[str, Any]]:
    """Return the rows with the state after each, and what it changed against the done row before it."""
    shown = []
    # After the last row that is done, and with the one that has been begun since: that is what a person changes.
    done: State = start_state(ref)
    seen = done
    has_done = ref.is_branch
    for row in rows:
        counts, is_step = counts_for_state(row.status, row.error), row.key != NO_STEP
        delta, before = Delta(row.delta, frozenset(row.removed)), done if is_step else seen
        if counts:
            after = delta.apply(before)
        else:
            # An abort leaves the state where it was, and may add a note.
            after = {**seen, **row.delta} if row.status == StepStatus.ABORT else dict(row.error or {})
        state = show(after)
        item = {
            "step_id": row.step_id,
            "name": row.name,
            "status": row.status,
            "created_by": row.created_by,
            "started": row.started_at,
            "completed": row.completed_at,
            "executed": row.completed_at,
            "commit_hash": row.commit_hash,
            "reason": (row.detail or {}).get("reason"),
            "state": {**state, "retries": row.retries, "completed_at": _ends(row)} if row.retries else state,
            "state_delta": shown_delta(show(before), state) if has_done and row.error is None else state,
        }
        shown.append(item)
        if goes_on_after(row) is not None:
            # What was begun is not gone on with.
            seen = done
            continue
        seen = after if counts else done
        if row.status in CLEARED_STEPS:
            done, has_done = after if is_step else delta.apply(done), True
    return shown


def _ends(row: ProcessStep) -> list[str]:
    return [*row.earlier_completed_at, row.completed_at.isoformat()]


def _pending(process: Process, position: Position) -> list[dict[str, Any]]:
    if process.last_status == ProcessStatus.COMPLETED:
        return []
    names = [step.name for step in position.remaining]
    if position.misfit:
        # What it would have done by the plan that it has run by.
        names = [name_of(key) for key in stored_rest(process.plan, position.history.cleared)]
    if process.last_status == ProcessStatus.ABORTED:
        names = names[1:]
    return [{"name": name, "status": PENDING} for name in names]


def _form(process: Process, position: Position) -> dict[str, Any] | None:
    """Return the JSON schema of the first page that the next step asks for."""
    if process.last_status in (ProcessStatus.COMPLETED, ProcessStatus.ABORTED):
        return None
    form, state = form_at(position)
    if form is None:
        return None
    try:
        page = generate_form(form, state, [])
    except KeyError:
        # A step that has not been reached may ask for what the steps before it have yet to find.
        return None
    return page.form if page is not None else None
