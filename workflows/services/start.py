"""The only way in: `start_process`, with the list of checks that every entry point passes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from products.models import Workflow as WorkflowRow
from subscriptions.models import Subscription
from wfo_site.common import broadcast
from wfo_site.common.clock import now
from wfo_site.common.context import SYSTEM_USER, current
from wfo_site.common.errors import Conflict, Forbidden, NotFound
from wfo_site.common.json import to_json
from wfo_site.common.uuid7 import uuid7
from workflows.engine.authorization import Asker, AuthAction, allows
from workflows.engine.errors import StartPredicateError
from workflows.engine.registry import PredicateContext, RunPredicateFail, Workflow, get_workflow
from workflows.engine.self_wait import note_started
from workflows.engine.steps import State
from workflows.enums import InputType, Priority, ProcessStatus
from workflows.forms import post_form
from workflows.models import InputState, Process, ProcessSubscription, StartKey
from workflows.services.bell import ring_after_commit
from workflows.services.engine import check_engine_takes_changes
from workflows.services.initial_form import initial_form, with_implied_page

KEY_IS_KEPT: Final = timedelta(hours=24)


@dataclass(frozen=True)
class Start:
    """A start that is being considered."""

    workflow: Workflow
    row: WorkflowRow
    user: str
    user_model: Asker = None
    priority: int = Priority.INTERACTIVE


def _check_engine(_: Start) -> None:
    check_engine_takes_changes()


def _check_authorization(start: Start) -> None:
    if current().step is not None:
        # A step starts another process on behalf of its workflow, which somebody was allowed to start.
        return
    workflow = start.workflow
    if not allows(workflow.authorize_callback, start.user_model, AuthAction.START, workflow):
        raise Forbidden(f"User is not authorized to start '{workflow.name}' workflow")


def _check_run_predicate(start: Start) -> None:
    predicate = start.workflow.run_predicate
    if predicate is None:
        return
    answer = predicate(PredicateContext(workflow=start.workflow, workflow_key=start.workflow.name))
    if isinstance(answer, RunPredicateFail):
        raise StartPredicateError(answer.message, workflow_key=start.workflow.name)


# Each raises a DomainError to refuse. Later parts append theirs, so that no entry point can skip one.
CHECKS: list[Callable[[Start], None]] = [_check_engine, _check_authorization, _check_run_predicate]


def find_startable(workflow_key: str) -> tuple[Workflow, WorkflowRow]:
    """Return a workflow's code and row. Raises NotFound if either is missing."""
    workflow = get_workflow(workflow_key)
    row = WorkflowRow.objects.filter(name=workflow_key, deleted_at__isnull=True).first()
    if workflow is None or row is None:
        raise NotFound("Workflow does not exist", workflow_key=workflow_key)
    return workflow, row


def start_process(
    workflow_key: str,
    user_inputs: Sequence[State] | None = None,
    *,
    user: str = SYSTEM_USER,
    user_model: Asker = None,
    idempotency_key: str | None = None,
    not_before: datetime | None = None,
    priority: int = Priority.INTERACTIVE,
    link: Mapping[str, Any] | None = None,
) -> UUID:
    """Start a workflow and return the id of its process; nothing is stored unless every check and form page passes.

    Runners take what has a low `priority` first. `link`: columns of a process that a step of another starts.
    `user_inputs`: one dict per form page, None for `[{}]`. With an `idempotency_key` known from the last 24 hours the
    process it started is returned, whatever would refuse another, or Conflict raised if the inputs differ. `user` is
    the name that is recorded, `user_model` who the workflow's callback is asked about: THE_SYSTEM is always allowed.
    Raises NotFound, Locked, Forbidden, StartPredicateError, FormNotCompleteError, FormValidationError, and what the
    checks add.
    """
    workflow, row = find_startable(workflow_key)
    start = Start(workflow, row, user, user_model, priority)
    inputs = with_implied_page(workflow, [{}] if user_inputs is None else list(user_inputs))
    columns = {"not_before": not_before, **(link or {})}
    try:
        for check in CHECKS:
            check(start)
        if idempotency_key is not None and (known := _started_with(idempotency_key, workflow_key, inputs)) is not None:
            return known
        return _start(start, inputs, columns, idempotency_key)
    except Forbidden:
        raise
    except Exception:
        # What stands in the way may be what this very call has started before, or just now in another request.
        if idempotency_key is None or (known := _started_with(idempotency_key, workflow_key, inputs)) is None:
            raise
        return known


def _start(start: Start, inputs: Sequence[State], columns: Mapping[str, Any], idempotency_key: str | None) -> UUID:
    process_id: UUID = columns.get("process_id") or uuid7()
    begin_state = {
        "process_id": process_id,
        "reporter": start.user,
        "workflow_name": start.row.name,
        "workflow_target": start.row.target,
    }
    form_state = post_form(initial_form(start.workflow, start.row), to_json(begin_state), inputs)
    state = to_json({**form_state, **begin_state})
    with transaction.atomic():
        _insert(start, {"process_id": process_id, "root_id": process_id, **columns}, state, inputs)
        if idempotency_key is not None:
            _keep_key(idempotency_key, process_id, start.row.name, inputs)
    return process_id


def _insert(start: Start, columns: Mapping[str, Any], state: State, inputs: Sequence[State]) -> None:
    moment, process_id = now(), columns["process_id"]
    Process.every.create(
        **columns,
        workflow=start.row,
        is_task=start.row.is_task,
        last_status=ProcessStatus.CREATED,
        started_at=moment,
        last_modified_at=moment,
        created_by=start.user,
        priority=start.priority,
    )
    InputState.objects.create(
        process_id=process_id,
        input_state=state,
        input_type=InputType.INITIAL_STATE,
        input_time=moment,
        created_by=start.user,
    )
    if not start.row.is_task and (subscription_id := _subscription_of(inputs)) is not None:
        ProcessSubscription.objects.create(process_id=process_id, subscription_id=subscription_id)
    broadcast.processes_changed(process_id)
    broadcast.status_counts_changed()
    ring_after_commit([process_id])
    note_started(process_id)


def _subscription_of(inputs: Sequence[State]) -> UUID | None:
    """Return the subscription that the first page names; None if it names none, or none that there is."""
    try:
        named = UUID(str(inputs[0]["subscription_id"]))
    except (IndexError, KeyError, ValueError):
        return None
    return named if Subscription.objects.filter(pk=named).exists() else None


def _digest(workflow_key: str, inputs: Sequence[State]) -> str:
    text = json.dumps([workflow_key, to_json(list(inputs))], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _started_with(key: str, workflow_key: str, inputs: Sequence[State]) -> UUID | None:
    known = StartKey.objects.filter(key=key, created_at__gt=now() - KEY_IS_KEPT).first()
    if known is None:
        return None
    if known.inputs_digest != _digest(workflow_key, inputs):
        raise Conflict(
            "This idempotency key was used for another start; use a new key for new inputs", field="Idempotency-Key"
        )
    return known.process_id


def _keep_key(key: str, process_id: UUID, workflow_key: str, inputs: Sequence[State]) -> None:
    StartKey.objects.filter(key=key, created_at__lte=now() - KEY_IS_KEPT).delete()
    StartKey.objects.create(
        key=key, inputs_digest=_digest(workflow_key, inputs), process_id=process_id, created_at=now()
    )
