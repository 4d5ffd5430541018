"""The only way in: `start_process` and `start_processes`, with the list of checks that every entry point passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import transaction

from products.models import Workflow as WorkflowRow
from subscriptions.domain import SubscriptionModel
from subscriptions.models import Subscription
from subscriptions.services import find_models, save_models
from wfo_site.common import broadcast
from wfo_site.common.clock import now
from wfo_site.common.context import SYSTEM_USER, acting, current
from wfo_site.common.errors import Forbidden, NotFound
from wfo_site.common.json import to_json
from wfo_site.common.uuid7 import uuid7
from workflows.engine.authorization import Asker, AuthAction, allows
from workflows.engine.errors import StartPredicateError
from workflows.engine.registry import PredicateContext, RunPredicateFail, Workflow, get_workflow
from workflows.engine.self_wait import note_started
from workflows.engine.steps import State
from workflows.enums import InputType, Priority, ProcessStatus
from workflows.forms import post_form
from workflows.models import InputState, Process, ProcessSubscription
from workflows.services.bell import ring_after_commit
from workflows.services.engine import check_engine_takes_changes
from workflows.services.initial_form import initial_form, with_implied_page
from workflows.services.start_keys import keep_key, started_with

ROWS_AT_ONCE: Final = 500


@dataclass(frozen=True)
class Start:
    """A start that is being considered."""

    workflow: Workflow
    row: WorkflowRow
    user: str
    user_model: Asker = None
    priority: int = Priority.INTERACTIVE


@dataclass(frozen=True)
class Order:
    """A process to start: one dict for each page of the workflow's form, None for `[{}]`.

    `columns`: those of its row that only whoever starts it knows, as a step that starts the children of its process.
    """

    workflow_key: str
    user_inputs: Sequence[State] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    def pages_for(self, workflow: Workflow) -> list[State]:
        return with_implied_page(workflow, [{}] if self.user_inputs is None else list(self.user_inputs))


def _check_engine(_: Start) -> None:
    if current().step is not None:
        # The step began before the pause, and is not to fail for it; what it starts waits until the engine goes on.
        return
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
) -> UUID:
    """Start a workflow and return the id of its process; nothing is stored unless every check and form page passes.

    Runners take what has a low `priority` first.
    `user_inputs`: one dict per form page, None for `[{}]`. With an `idempotency_key` known from the last 24 hours the
    process it started is returned, whatever would refuse another, or Conflict raised if the inputs differ. `user` is
    the name that is recorded, `user_model` who the workflow's callback is asked about: THE_SYSTEM is always allowed.
    Raises NotFound, Locked, Forbidden, StartPredicateError, FormNotCompleteError, FormValidationError, and what the
    checks add.
    """
    start = Start(*find_startable(workflow_key), user, user_model, priority)
    order = Order(workflow_key, user_inputs, {"not_before": not_before})
    if idempotency_key is None:
        return _start(start, order)
    inputs = order.pages_for(start.workflow)
    try:
        return _start(start, order, idempotency_key)
    except Forbidden:
        raise
    except Exception:
        # What stands in the way may be what this very call has started before, or just now in another request.
        if (known := started_with(idempotency_key, workflow_key, inputs)) is None:
            raise
        return known


def _start(start: Start, order: Order, idempotency_key: str | None = None) -> UUID:
    """Start one process, or find the one that was started with the key."""
    _check(start)
    inputs = order.pages_for(start.workflow)
    if idempotency_key is not None and (known := started_with(idempotency_key, order.workflow_key, inputs)) is not None:
        return known
    new = _prepare(start, order)
    with transaction.atomic():
        _insert([new])
        if idempotency_key is not None:
            keep_key(idempotency_key, new.process.process_id, order.workflow_key, inputs)
    return new.process.process_id


def start_processes(
    orders: Iterable[Order], *, user: str = SYSTEM_USER, user_model: Asker = None, priority: int = Priority.BATCH
) -> list[UUID]:
    """Start many processes and return their ids in order: all of them, or none if one is refused.

    A constant number of statements for each 500, and the checks once for each workflow. Raises what `start_process`
    raises, with a note of which order it was.
    """
    known: dict[str, Start] = {}
    prepared: list[_NewProcess] = []
    for number, order in enumerate(orders, start=1):
        try:
            if order.workflow_key not in known:
                start = known[order.workflow_key] = Start(
                    *find_startable(order.workflow_key), user, user_model, priority
                )
                _check(start)
            prepared.append(_prepare(known[order.workflow_key], order))
        except Exception as error:
            error.add_note(f"Start {number}, of workflow {order.workflow_key!r}; none was started.")
            raise
    with transaction.atomic():
        _insert(prepared)
    return [new.process.process_id for new in prepared]


def _check(start: Start) -> None:
    for check in CHECKS:
        check(start)


class _NewProcess(NamedTuple):
    """The rows of a process to be, the subscription that the first page of its form names, and the models among what
    the form returned."""

    process: Process
    input_state: InputState
    subscription_id: UUID | None
    models: list[SubscriptionModel]


def _prepare(start: Start, order: Order) -> _NewProcess:
    """Put the inputs through the form and return the rows of the process; nothing is written."""
    process_id: UUID = order.columns.get("process_id") or uuid7()
    begin_state = {
        "process_id": process_id,
        "reporter": start.user,
        "workflow_name": start.row.name,
        "workflow_target": start.row.target,
    }
    inputs = order.pages_for(start.workflow)
    form = initial_form(start.workflow, start.row, root_id=order.columns.get("root_id"))
    form_state = post_form(form, to_json(begin_state), inputs)
    moment = now()
    process = Process(
        **{"process_id": process_id, "root_id": process_id, **order.columns},
        workflow=start.row,
        is_task=start.row.is_task,
        last_status=ProcessStatus.CREATED,
        started_at=moment,
        last_modified_at=moment,
        created_by=start.user,
        priority=start.priority,
    )
    input_state = InputState(
        process_id=process_id,
        input_state=to_json({**form_state, **begin_state}),
        input_type=InputType.INITIAL_STATE,
        input_time=moment,
        created_by=start.user,
    )
    subscription_id = None if start.row.is_task else _subscription_named(inputs)
    return _NewProcess(process, input_state, subscription_id, find_models(form_state))


def _insert(prepared: Sequence[_NewProcess]) -> None:
    ids = [new.process.process_id for new in prepared]
    named = {new.subscription_id for new in prepared if new.subscription_id is not None}
    there = set(Subscription.objects.filter(pk__in=named).values_list("pk", flat=True)) if named else set()
    Process.every.bulk_create((new.process for new in prepared), batch_size=ROWS_AT_ONCE)
    InputState.objects.bulk_create((new.input_state for new in prepared), batch_size=ROWS_AT_ONCE)
    ProcessSubscription.objects.bulk_create(
        ProcessSubscription(process_id=new.process.process_id, subscription_id=new.subscription_id)
        for new in prepared
        if new.subscription_id in there
    )
    for new in prepared:
        if new.models:
            with acting(user=new.process.created_by, process_id=new.process.process_id, root_id=new.process.root_id):
                save_models(new.models)
    for process_id in ids:
        broadcast.processes_changed(process_id)
        note_started(process_id)
    broadcast.status_counts_changed()
    ring_after_commit(ids)


def _subscription_named(inputs: Sequence[State]) -> UUID | None:
    """Return the subscription that the first page names, whether or not there is one."""
    try:
        return UUID(str(inputs[0]["subscription_id"]))
    except (IndexError, KeyError, ValueError):
        return None
