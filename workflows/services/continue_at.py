"""Let a process go on at another step than the next, where the code of its workflow has changed under it."""

from __future__ import annotations

import logging
from dataclasses import replace
from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.db import transaction

from wfo_site.common import broadcast
from wfo_site.common.clock import now
from wfo_site.common.context import SYSTEM_USER
from wfo_site.common.errors import Conflict, DomainError, Forbidden
from workflows.engine import children, inputs, waits
from workflows.engine.authorization import RETRY_REFUSED, Asker
from workflows.engine.commit import commit_hash
from workflows.engine.errors import WorkflowRemoved
from workflows.engine.going import set_going
from workflows.engine.registry import get_workflow
from workflows.engine.standing import NO_STEP
from workflows.engine.steps import NAME_LENGTH
from workflows.enums import StepStatus
from workflows.models import Process, ProcessStep
from workflows.selectors.continuing import Choices, continue_choices
from workflows.selectors.permissions import permissions_at
from workflows.services.bell import ring_after_commit
from workflows.services.engine import check_engine_takes_changes
from workflows.services.refusals import not_possible
from workflows.states import ENDED

logger = logging.getLogger(__name__)

CANNOT: Final = "This process cannot be made to go on elsewhere"


class NoSuchStep(DomainError):
    """The code has no step of this key."""

    code = "no_such_step"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


def continue_at(
    process_id: UUID, key: str, *, plan: str, version: int, user: str = SYSTEM_USER, user_model: Asker = None
) -> None:
    """Let a process go on at the step `key` of the code, whose plan is not the one that it has run by.

    `plan` and `version` are those of the choices that were looked at. What the step that it stopped at has begun is not
    gone on with; the state is that after the last step that is done. Whoever may retry the step may do this. Raises
    NotFound, Locked, Forbidden, NoSuchStep, and Conflict if there is nothing to choose or somebody was faster.
    """
    check_engine_takes_changes()
    choices = continue_choices(process_id)
    if get_workflow(choices.process.workflow.name) is None:
        raise WorkflowRemoved(f"{CANNOT} because its workflow has been removed")
    if choices.refusal:
        raise not_possible(CANNOT, choices.refusal)
    if (plan, version) != (choices.plan, choices.version):
        raise _was_slower()
    keys = [step.key for step in choices.new]
    if key not in keys:
        raise NoSuchStep(f"The code has no step {key!r}; it has {', '.join(map(repr, keys))}", field="step")
    index = keys.index(key)
    if not permissions_at(replace(choices.position, index=index, misfit=""), user_model).retry:
        raise Forbidden(RETRY_REFUSED)
    with transaction.atomic():
        _write(choices, index, user)
    logger.info("process %s goes on at %r, chosen by %s", process_id, key, user)


def _write(choices: Choices, index: int, user: str) -> None:
    """Write the row from which its steps are counted anew. Raises Conflict if the process has moved."""
    process, moment, step = choices.process, now(), choices.new[index]
    # Waits before processes: runners, answers and deadlines lock in this order too.
    waits.cancel_all(process.pk)
    seen = Process.every.filter(
        pk=process.pk, last_status=process.last_status, last_seq=process.last_seq, epoch=process.epoch
    )
    seq = process.last_seq + 1
    if not set_going(seen, last_seq=seq, left_since=None):
        raise _was_slower()
    ProcessStep.objects.create(
        process_id=process.pk,
        seq=seq,
        name=f"Continued at {step.name}"[:NAME_LENGTH],
        key=NO_STEP,
        status=StepStatus.SUCCESS,
        detail={"cleared": [one.key for one in choices.new[:index]]},
        created_by=user,
        started_at=moment,
        completed_at=moment,
        commit_hash=commit_hash(),
    )
    # Its steps from here on are this person's doing.
    inputs.give({process.pk: {}}, user=user)
    if step.key != choices.position.history.standing.stopped_at:
        # Nobody waits for them any more; parts of a step that has failed may still be at work.
        parts = Process.every.filter(parent_id=process.pk, parent_seq__isnull=False).exclude(last_status__in=ENDED)
        children.abort_all(list(parts.order_by("process_id").values_list("process_id", flat=True)))
    broadcast.processes_changed(process.pk)
    if process.parent_id is not None:
        broadcast.processes_changed(process.parent_id)
    broadcast.status_counts_changed()
    ring_after_commit([process.pk])


def _was_slower() -> Conflict:
    return Conflict(
        "The process has gone on, or the code of its workflow has changed once more, since the choices were looked at. "
        "Look at them again.",
        field="version",
    )
