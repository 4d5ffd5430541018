"""Take back what a process did: an undo is a process of its own, with the lock of the one that it undoes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from subscriptions import services as subscription_services
from wfo_site.common import broadcast
from wfo_site.common.clock import now
from wfo_site.common.context import SYSTEM_USER
from wfo_site.common.errors import Forbidden
from wfo_site.common.json import to_json
from wfo_site.common.uuid7 import uuid7
from workflows.engine.authorization import Asker
from workflows.engine.errors import WorkflowRemoved
from workflows.engine.registry import get_workflow
from workflows.engine.tree import Part, path_below, ref_of
from workflows.engine.undo import UNDO_KEY
from workflows.engine.undo_plan import branches_of, undoings_of
from workflows.enums import InputType, ProcessKind, ProcessStatus, StepStatus
from workflows.models import InputState, Process, ProcessStep, ProcessSubscription, UndoPlan
from workflows.selectors.permissions import UNDO_REFUSED, process_permissions
from workflows.selectors.undo import RUNS_ON, Undo, nothing_refusal, undo_of, undo_plan
from workflows.services.abort import abort_process
from workflows.services.bell import ring_after_commit
from workflows.services.engine import check_engine_takes_changes
from workflows.services.refusals import not_possible
from workflows.states import ENDED

logger = logging.getLogger(__name__)

CANNOT: Final = "Undoing is not possible"


def undo_process(process_id: UUID, *, user: str = SYSTEM_USER, user_model: Asker = None) -> UUID:
    """Start the undo of a process and return its id.

    What has not ended is aborted with it, so that it can never go on half undone. Its subscriptions are locked for the
    undo, which has the same root. Raises NotFound, Locked, Forbidden, Conflict if it cannot be undone or somebody was
    faster, OutOfSync if another process holds a subscription.
    """
    check_engine_takes_changes()
    plan = undo_plan(process_id)
    if get_workflow(plan.process.workflow.name) is None:
        raise WorkflowRemoved("This process cannot be undone because its workflow has been removed")
    if not process_permissions(process_id, user_model, ref=ref_of(plan.process)).retry:
        raise Forbidden(UNDO_REFUSED)
    if plan.refusal:
        raise not_possible(CANNOT, plan.refusal)
    try:
        with transaction.atomic():
            return _start(plan, user)
    except IntegrityError as error:
        if undo_of(process_id) is None:
            raise
        raise not_possible(CANNOT, "It is being undone already.") from error


def _start(plan: Undo, user: str) -> UUID:
    process = plan.process
    branches = branches_of(process)
    links = ProcessSubscription.objects.filter(process_id__in=[process.pk, *(one.pk for one in branches)])
    subscriptions = sorted(set(links.values_list("subscription_id", flat=True)))
    # Subscriptions before processes, and those in order, as everybody locks them.
    for subscription_id in subscriptions:
        subscription_services.unsync_unchecked(subscription_id, root_id=process.root_id)
    if process.last_status not in ENDED:
        _abort(process, branches, user)
    _check_that_nothing_runs_on(process, branches)
    # Once more: what it did is final now.
    final = Undo(process=process, steps=undoings_of(process))
    if refusal := nothing_refusal(final.steps):
        raise not_possible(CANNOT, refusal)
    undo = _insert(process, user)
    UndoPlan.objects.create(
        process=undo,
        steps=[step.stored() for step in final.undone],
        left=[f"{step.name} ({step.where})" if step.where else step.name for step in final.left],
    )
    ProcessSubscription.objects.bulk_create(
        [ProcessSubscription(process=undo, subscription_id=subscription_id) for subscription_id in subscriptions]
    )
    logger.info("process %s is undone by %s, started by %s", process.pk, undo.pk, user)
    broadcast.processes_changed(process.pk)
    broadcast.processes_changed(undo.pk)
    for subscription_id in subscriptions:
        broadcast.subscription_changed(subscription_id)
    ring_after_commit([undo.pk])
    return undo.pk


def _abort(process: Process, branches: Sequence[Process], user: str) -> None:
    """Abort a process that stands still. Raises Conflict if somebody has set it or a part of it going meanwhile."""
    family = [process.pk, *(one.pk for one in branches)]
    cut_off = ProcessStep.objects.filter(process_id__in=family, status=StepStatus.ABORT, delta__has_key="abort_note")
    before = cut_off.count()
    abort_process(process.pk, user=user)
    if cut_off.count() > before:
        raise not_possible(CANNOT, "It is at work; abort it first.")


def _check_that_nothing_runs_on(process: Process, branches: Sequence[Process]) -> None:
    """Raise Conflict while a step that an abort cut off, also one of an earlier undo, has not ended on its worker.

    It has its lease until then, and the clock by which that is kept decides.
    """
    family = Q(pk__in=[process.pk, *(one.pk for one in branches)]) | Q(parent_id=process.pk, kind=ProcessKind.UNDO)
    aborted = Process.every.filter(family, last_status=ProcessStatus.ABORTED)
    if aborted.filter(lease_until__gt=Now()).exists():
        raise not_possible(CANNOT, RUNS_ON)


def _insert(process: Process, user: str) -> Process:
    moment, undo_id = now(), uuid7()
    number = Process.every.filter(parent_id=process.pk, kind=ProcessKind.UNDO).count()
    undo = Process.every.create(
        process_id=undo_id,
        workflow=process.workflow,
        kind=ProcessKind.UNDO,
        parent=process,
        root_id=process.root_id,
        branch_key=path_below(process.branch_key, Part(UNDO_KEY, number)),
        branch_name="Undo",
        is_task=process.is_task,
        last_status=ProcessStatus.CREATED,
        started_at=moment,
        last_modified_at=moment,
        created_by=user,
    )
    state = {
        "process_id": undo_id,
        "reporter": user,
        "workflow_name": process.workflow.name,
        "workflow_target": process.workflow.target,
        "undo_of": process.pk,
    }
    InputState.objects.create(
        process=undo,
        input_state=to_json(state),
        input_type=InputType.INITIAL_STATE,
        input_time=moment,
        created_by=user,
    )
    return undo
