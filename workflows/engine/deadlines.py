"""End waits whose time is over."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, F
from django.db.models.functions import Now

from wfo_site.common import broadcast
from wfo_site.common.context import SYSTEM_USER
from workflows.engine import children, turns, waits
from workflows.engine.announcements import announce
from workflows.engine.bells import ring
from workflows.engine.going import set_going
from workflows.engine.standing import NO_STEP
from workflows.engine.tallies import children_of, tally_of
from workflows.enums import ProcessStatus, StepStatus, TimeoutAction, WaitKind, WaitState
from workflows.models import EngineSettings, Process, ProcessQuerySet, ProcessStep, Wait
from workflows.states import FAILED

logger = logging.getLogger(__name__)

CALLBACK_TIMED_OUT: Final = "Callback timed out"
TIMED_OUT: Final = {
    WaitKind.CALLBACK: CALLBACK_TIMED_OUT,
    WaitKind.INPUT: "Nobody filled in the form in time",
    WaitKind.CHILDREN: "Its parts did not end in time",
}
_STATUS_WHILE: Final = {
    WaitKind.CALLBACK: ProcessStatus.AWAITING_CALLBACK,
    WaitKind.INPUT: ProcessStatus.SUSPENDED,
    WaitKind.CHILDREN: ProcessStatus.WAITING,
    WaitKind.RETRY: ProcessStatus.WAITING,
}
BATCH = 100


def expire_due() -> int:
    """End the waits that have passed their deadline and return how many; what is tried again is due from then on.

    One statement when there are none. One that cannot be ended is logged and does not hold up the others. While the
    engine is paused nothing ends: no answer is taken then, and no part goes on.
    """
    overdue = Wait.objects.filter(
        ~Exists(EngineSettings.objects.filter(global_lock=True)),
        state=WaitState.OPEN,
        reached=True,
        deadline__lt=Now(),
    )
    return sum(_expire_alone(wait) for wait in overdue.order_by("deadline")[:BATCH])


def prolong(pause: timedelta) -> None:
    """Let everything that waits wait so much longer, as if there had been no pause. A next try stays when it is."""
    waiting = Wait.objects.filter(state=WaitState.OPEN, reached=True, deadline__isnull=False)
    waiting.exclude(kind=WaitKind.RETRY).update(deadline=F("deadline") + pause)


def _expire_alone(wait: Wait) -> bool:
    try:
        return _expire(wait)
    except Exception:
        logger.exception("process %s: the wait %s could not be ended", wait.process_id, wait.pk)
        return False


def _expire(wait: Wait) -> bool:
    """Close one wait and do what it says for this case; False if an answer or a person was faster."""
    with transaction.atomic():
        parent_id = Process.every.filter(pk=wait.process_id).values_list("parent_id", flat=True).first()
        if parent_id is not None:
            # In the order in which all locks are taken: what the parent waits with comes first.
            waits.lock_children(parent_id)
        if wait.kind == WaitKind.CHILDREN and wait.on_timeout == TimeoutAction.RETRY:
            done = _retry_parts(wait)
        elif not waits.close(wait.pk, WaitState.EXPIRED):
            return False
        elif wait.kind == WaitKind.RETRY or wait.on_timeout == TimeoutAction.CONTINUE:
            done = _go_on(wait)
        else:
            done = _fail(wait, try_again=wait.on_timeout == TimeoutAction.RETRY)
        broadcast.processes_changed(wait.process_id)
        broadcast.status_counts_changed()
    return done


def _standing_at(wait: Wait) -> ProcessQuerySet:
    """The process, if it still waits with this wait."""
    return Process.every.filter(pk=wait.process_id, last_status=_STATUS_WHILE[WaitKind(wait.kind)], wait_kind=wait.kind)


def _go_on(wait: Wait) -> bool:
    going = set_going(_standing_at(wait))
    if going:
        ring([wait.process_id])
    return bool(going)


def _retry_parts(wait: Wait) -> bool:
    """Try the failed parts again, and wait as long once more."""
    again = Wait.objects.filter(pk=wait.pk, state=WaitState.OPEN).update(
        deadline=waits.in_seconds(wait.timeout_seconds)
    )
    if again:
        kids = children_of(wait.process_id, wait.detail["seq"])
        failed = [kid.process_id for kid in kids if kid.status in FAILED]
        turns.retry(failed, user=SYSTEM_USER, turn=wait.detail["turn"])
        turns.give_turns(wait, tally_of(wait))
    return bool(again)


def _fail(wait: Wait, *, try_again: bool) -> bool:
    """Let the step fail that waited; `try_again`: and run it once more at once."""
    process = _standing_at(wait)
    found = process.values_list("parent_id", "parent_seq").first()
    if found is None:
        return False
    parent_id, parent_seq = found
    reason = TIMED_OUT[WaitKind(wait.kind)]
    # Not the last row: somebody may have changed the state meanwhile.
    waiting = ProcessStep.objects.filter(process_id=wait.process_id).exclude(key=NO_STEP).order_by("-seq")
    ProcessStep.objects.filter(pk__in=list(waiting.values_list("pk", flat=True)[:1])).update(
        status=StepStatus.FAILED,
        delta={},
        removed=[],
        sub_step=None,
        error={"error": reason, "class": "TimeoutError"},
        completed_at=Now(),
    )
    status = ProcessStatus.RESUMED if try_again else ProcessStatus.FAILED
    if try_again:
        set_going(process, failed_reason=reason)
        ring([wait.process_id])
    else:
        if parent_id is not None and parent_seq is not None:
            children.settle(wait.process_id, parent_id, status)
        process.update(last_status=status, failed_reason=reason, wait_kind=None, rung_at=None, last_modified_at=Now())
    announce(wait.process_id, status, parent_id=parent_id)
    logger.info("process %s: %s", wait.process_id, reason)
    return True
