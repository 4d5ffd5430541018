"""Answers and progress of other systems for processes that wait for them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from wfo_site.common import broadcast
from wfo_site.common.errors import Conflict, NotFound
from wfo_site.common.json import to_json
from workflows.engine import callback_tokens, waits
from workflows.engine.going import set_going
from workflows.enums import ProcessStatus, WaitKind, WaitState
from workflows.models import Process, Wait
from workflows.services.bell import ring_after_commit
from workflows.services.engine import check_engine_takes_changes
from workflows.states import RUNNABLE

NOT_AWAITING = "This process is not in an awaiting state."
# It is at the wait, or on its way there. After a failure it begins anew and gives another address away.
_MAY_ANSWER: Final = RUNNABLE | {ProcessStatus.SUSPENDED, ProcessStatus.AWAITING_CALLBACK}


def _find_wait(process_id: UUID, token: str) -> Wait:
    """Return the open wait that a token is for.

    Raises NotFound for a wrong token, Conflict for one that is spent or whose step has failed.
    """
    check_engine_takes_changes()
    of_process = Wait.objects.filter(process_id=process_id)
    wait = of_process.filter(token_hash=callback_tokens.hash_of(token)).select_related("process").first()
    if wait is not None and wait.state == WaitState.OPEN and wait.process.last_status in _MAY_ANSWER:
        return wait
    if not Process.every.filter(pk=process_id).exists():
        raise NotFound(f"Process with process_id {process_id} not found")
    still_open = of_process.filter(kind=WaitKind.CALLBACK, state=WaitState.OPEN)
    if wait is None and still_open.filter(process__last_status__in=_MAY_ANSWER).exists():
        raise NotFound("Invalid token", field="token")
    raise Conflict(NOT_AWAITING)


def arrive_callback(process_id: UUID, token: str, body: dict[str, Any]) -> None:
    """Take the answer of another system, once.

    One that comes before the process has got to its wait is kept for then.
    """
    wait = _find_wait(process_id, token)
    with transaction.atomic():
        if not waits.close(wait.pk, WaitState.ARRIVED, body=to_json(body)):
            raise Conflict(NOT_AWAITING)
        awaiting = Process.every.filter(pk=process_id, last_status=ProcessStatus.AWAITING_CALLBACK)
        if set_going(awaiting):
            broadcast.status_counts_changed()
        broadcast.processes_changed(process_id)
        ring_after_commit([process_id])


def update_callback_progress(process_id: UUID, token: str, progress: str | dict[str, Any]) -> None:
    """Note how far another system has got; each note replaces the one before."""
    wait = _find_wait(process_id, token)
    noted = Wait.objects.filter(pk=wait.pk, state=WaitState.OPEN).update(progress=to_json(progress), progress_at=Now())
    if not noted:
        raise Conflict(NOT_AWAITING)
    broadcast.processes_changed(process_id)
