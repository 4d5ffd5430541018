"""End a process for good, wherever it stands."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from wfo_site.common.clock import now
from wfo_site.common.context import SYSTEM_USER
from wfo_site.common.errors import Conflict, DomainError, NotFound
from workflows.engine import children, waits
from workflows.engine.announcements import announce
from workflows.engine.tree import ref_to
from workflows.enums import ProcessStatus, StepStatus
from workflows.models import Process, ProcessStep
from workflows.states import ENDED

USER_ABORTED = "User Aborted"


def abort_process(process_id: UUID, *, user: str = SYSTEM_USER, is_told: bool = False) -> None:
    """Abort a process, and the children it waits for. Work done is not undone, and its subscriptions stay locked.

    A running step is cut off: what it returns is dropped, and whether it had an effect outside is not known; the row
    says so. Its runner keeps the lease as long as the step goes on. `is_told`: its parent aborts it, and a child that
    has ended meanwhile stays as it is. Raises NotFound, and Conflict for a process that has ended.
    """
    with transaction.atomic():
        ref = ref_to(process_id)
        # Locks in the order of the engine: what the parent waits with, what this one waits with, then processes.
        if ref is not None and ref.parent_id is not None and ref.parent_seq is not None and not is_told:
            children.settle(process_id, ref.parent_id, ProcessStatus.ABORTED)
        waits.cancel_all(process_id)
        # The lock takes the process from its runner: no step can be written from here on. What only refers to the
        # process, as the log of its step, need not wait for all that is aborted here.
        live = Process.every.filter(pk=process_id).exclude(last_status__in=ENDED)
        columns = ("last_status", "last_seq", "last_step", "runner", "epoch")
        before = live.select_for_update(no_key=True).values_list(*columns).first()
        if before is None and is_told:
            return
        if before is None:
            raise _refusal(process_id)
        status, seq, last_step, runner, epoch = before
        moment = now()
        delta = (
            {"abort_note": f"A step was running after {last_step or 'the start'}: its effect outside is unknown."}
            if status == ProcessStatus.RUNNING and runner is not None
            else {}
        )
        ProcessStep.objects.create(
            process_id=process_id,
            seq=seq + 1,
            name=USER_ABORTED,
            key=USER_ABORTED,
            status=StepStatus.ABORT,
            delta=delta,
            # What the step that was cut off has logged stands with this row.
            epoch=epoch,
            created_by=user,
            started_at=moment,
            completed_at=moment,
        )
        # Also what the runner began to wait for until the lock was ours.
        waits.cancel_all(process_id)
        live.update(
            epoch=F("epoch") + 1,
            last_status=ProcessStatus.ABORTED,
            last_step=USER_ABORTED,
            last_seq=seq + 1,
            held_because=None,
            wait_kind=None,
            last_modified_at=Now(),
        )
        waited_for = Process.every.filter(parent_id=process_id, parent_seq__isnull=False).exclude(last_status__in=ENDED)
        # In the order in which everybody locks several of them.
        for child_id in waited_for.order_by("process_id").values_list("process_id", flat=True):
            abort_process(child_id, user=user, is_told=True)
        announce(process_id, ProcessStatus.ABORTED)


def _refusal(process_id: UUID) -> DomainError:
    status = Process.every.filter(pk=process_id).values_list("last_status", flat=True).first()
    if status is None:
        return NotFound(f"Process with process_id {process_id} not found")
    return Conflict(f"Aborting is not possible: this process is {status} already")
