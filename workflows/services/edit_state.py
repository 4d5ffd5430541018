"""Change the state of a process that has stopped, as a row of its own history."""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from wfo_site.common import broadcast
from wfo_site.common.clock import now
from wfo_site.common.context import SYSTEM_USER
from wfo_site.common.errors import Conflict, Forbidden
from wfo_site.common.nul import visible
from workflows.engine import inputs
from workflows.engine.authorization import Asker
from workflows.engine.commit import commit_hash
from workflows.engine.errors import WorkflowRemoved
from workflows.engine.registry import get_workflow
from workflows.engine.standing import NO_STEP
from workflows.engine.state import Delta
from workflows.engine.state_edits import EditInvalid, StateEdit
from workflows.enums import StepStatus
from workflows.models import Process, ProcessStep
from workflows.selectors.editable_state import EditableState, editable_state
from workflows.services.refusals import not_possible

logger = logging.getLogger(__name__)

STATE_EDITED: Final = "State edited"
CANNOT: Final = "The state cannot be changed"
REASON_LENGTH: Final = 1_000


def edit_state(
    process_id: UUID,
    edit: StateEdit,
    *,
    reason: str,
    version: int,
    user: str = SYSTEM_USER,
    user_model: Asker = None,
) -> Delta:
    """Change the state that the next step of a failed or suspended process sees, and return the change.

    `version`: of the state that was looked at; of two who have looked at the same, one wins, and so of an edit and a
    resume. Nothing is run, so it is possible while the engine is paused, too. `user` is the name that is recorded.
    Raises NotFound, Forbidden, EditInvalid, and Conflict where the process is not stopped or was faster.
    """
    why = checked_reason(reason)
    found = editable_state(process_id, user_model)
    if get_workflow(found.process.workflow.name) is None:
        raise WorkflowRemoved(f"{CANNOT} because its workflow has been removed")
    if found.forbidden:
        raise Forbidden(found.forbidden)
    if found.refusal:
        raise not_possible(CANNOT, found.refusal)
    if version != found.version:
        raise _was_slower(found.version)
    delta = found.delta_of(edit)
    with transaction.atomic():
        _write(found, delta, why, user)
    logger.info(
        "process %s: %s changed its state: set %s, removed %s; because: %s",
        process_id, user, sorted(delta.set), sorted(delta.removed), why,
    )  # fmt: skip
    return delta


def checked_reason(reason: str) -> str:
    """Return the reason as it is stored. Raises EditInvalid for none, or one that is too long."""
    text: str = visible(reason.strip())
    if not text:
        raise EditInvalid(
            "Say why the state is changed: whoever looks at the process later wants to know", field="reason"
        )
    if len(text) > REASON_LENGTH:
        raise EditInvalid(f"A reason has at most {REASON_LENGTH} characters; this one has {len(text)}", field="reason")
    return text


def _write(found: EditableState, delta: Delta, reason: str, user: str) -> None:
    """Write the row. Raises Conflict if the process is not as it was when its state was read."""
    process, moment = found.process, now()
    seen = Process.every.filter(
        pk=process.pk, last_status=process.last_status, last_seq=process.last_seq, epoch=process.epoch
    )
    seq = process.last_seq + 1
    if not seen.update(last_seq=seq, epoch=F("epoch") + 1, last_modified_at=Now()):
        raise _was_slower(None)
    ProcessStep.objects.create(
        process_id=process.pk,
        seq=seq,
        name=STATE_EDITED,
        key=NO_STEP,
        status=StepStatus.SUCCESS,
        delta=delta.set,
        removed=sorted(delta.removed),
        detail={"reason": reason},
        created_by=user,
        started_at=moment,
        completed_at=moment,
        commit_hash=commit_hash(),
    )
    # They are part of the state that was looked at.
    inputs.mark_merged([given.input_id for given in found.given], seq)
    broadcast.processes_changed(process.pk)
    if process.parent_id is not None:
        broadcast.processes_changed(process.parent_id)


def _was_slower(version: int | None) -> Conflict:
    at = f" It is at version {version} now." if version is not None else ""
    return Conflict(
        f"The process has gone on, or somebody has changed its state, since it was looked at.{at} Look at it again.",
        field="version",
    )
