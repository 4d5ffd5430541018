"""End waits whose time is over."""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models.functions import Now

from wfo_site.common import broadcast
from workflows.engine import waits
from workflows.enums import ProcessStatus, StepStatus, TimeoutAction, WaitState
from workflows.models import Process, ProcessStep, Wait
from workflows.states import OPEN_STEPS

logger = logging.getLogger(__name__)

CALLBACK_TIMED_OUT = "Callback timed out"
BATCH = 100


def expire_due() -> int:
    """End the waits that have passed their deadline and return how many; what is tried again is due from then on.

    One statement when there are none. One that cannot be ended is logged and does not hold up the others.
    """
    overdue = Wait.objects.filter(state=WaitState.OPEN, reached=True, deadline__lt=Now()).order_by("deadline")[:BATCH]
    return sum(_expire_alone(wait) for wait in overdue)


def _expire_alone(wait: Wait) -> bool:
    try:
        return _expire(wait)
    except Exception:
        logger.exception("process %s: the wait %s could not be ended", wait.process_id, wait.pk)
        return False


def _expire(wait: Wait) -> bool:
    """Close one wait and do what it says for this case; False if an answer or a person was faster."""
    with transaction.atomic():
        if not waits.close(wait.pk, WaitState.EXPIRED):
            return False
        done = _try_again(wait) if wait.on_timeout == TimeoutAction.RETRY else _fail(wait)
        broadcast.processes_changed(wait.process_id)
        broadcast.status_counts_changed()
    return done


def _try_again(wait: Wait) -> bool:
    process = Process.every.filter(pk=wait.process_id, last_status=ProcessStatus.WAITING)
    return bool(process.update(last_status=ProcessStatus.RESUMED, wait_kind=None, rung_at=None, last_modified_at=Now()))


def _fail(wait: Wait) -> bool:
    process = Process.every.filter(pk=wait.process_id, last_status=ProcessStatus.AWAITING_CALLBACK)
    seq = process.values_list("last_seq", flat=True).first()
    if seq is None:
        return False
    error = {"error": CALLBACK_TIMED_OUT, "class": "TimeoutError"}
    ProcessStep.objects.filter(process_id=wait.process_id, seq=seq, status__in=OPEN_STEPS).update(
        status=StepStatus.FAILED, delta={}, removed=[], sub_step=None, error=error, completed_at=Now()
    )
    process.update(
        last_status=ProcessStatus.FAILED, failed_reason=CALLBACK_TIMED_OUT, wait_kind=None, last_modified_at=Now()
    )
    logger.info("process %s: %s", wait.process_id, CALLBACK_TIMED_OUT)
    return True
