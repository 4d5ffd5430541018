"""Write what a step did: one transaction with a fence in it, and nothing at all if the fence is lost.

Two ways with the same meaning: the portable one through the ORM, and for plain steps on PostgreSQL one data-modifying
statement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from wfo_site.common.uuid7 import uuid7
from workflows.engine import fast_path
from workflows.engine.claims import Claim
from workflows.engine.commit import commit_hash
from workflows.engine.errors import failed_reason, traceback_text
from workflows.engine.history import Row
from workflows.engine.inputs import mark_merged
from workflows.engine.state import Delta
from workflows.enums import ProcessStatus, StepStatus
from workflows.models import EngineSettings, Process, ProcessQuerySet, ProcessStep

# What a process row says when no runner has it.
LET_GO: Final[dict[str, Any]] = {"runner": None, "lease_until": None, "rung_at": None, "lost_claims": 0}


# Of identical failures so many times are kept; a step may be tried for ever, and every few seconds.
KEPT_TIMES: Final = 1_000


class FenceLost(Exception):
    """Another runner, an abort or a person has taken the process: what this runner did is dropped."""


@dataclass
class StepRow:
    """What is to be written of a step.

    `replaces`: the stored row that becomes this one (a group under way, an identical failure). `repeats`: it is an
    identical failure, to be counted. `drops`: the row of a group that failed the same way as the row before it.
    """

    seq: int
    name: str
    key: str
    status: StepStatus
    started_at: datetime
    completed_at: datetime
    created_by: str
    # The claim that writes it.
    epoch: int
    delta: Delta = field(default_factory=Delta)
    error: dict[str, Any] | None = None
    snapshot: dict[str, Any] | None = None
    sub_step: str | None = None
    detail: dict[str, Any] | None = None
    replaces: Row | None = None
    repeats: bool = False
    drops: int | None = None

    def outcome(self) -> dict[str, Any]:
        """The columns that change when a stored row becomes this one."""
        return {
            "status": str(self.status),
            "delta": self.delta.set,
            "removed": sorted(self.delta.removed),
            "error": self.error,
            "snapshot": self.snapshot,
            "sub_step": self.sub_step,
            "detail": self.detail,
            "completed_at": self.completed_at,
            "created_by": self.created_by,
            "epoch": self.epoch,
        }

    def columns(self) -> dict[str, Any]:
        """The columns of a new row, except its process."""
        return {
            "step_id": uuid7(),
            "seq": self.seq,
            "name": self.name,
            "key": self.key,
            "started_at": self.started_at,
            "commit_hash": commit_hash(),
            **self.outcome(),
        }


@dataclass
class ProcessChange:
    """What becomes of the process row along with a step row.

    `queue`: that of what comes next. `is_handed_over`: this runner does not serve it, and leaves the process to others.
    """

    status: ProcessStatus
    last_step: str
    assignee: str
    failed_reason: str | None = None
    traceback: str | None = None
    wait_kind: str | None = None
    plan_id: int | None = None
    queue: str | None = None
    is_handed_over: bool = False

    def columns(self, seq: int) -> dict[str, Any]:
        columns: dict[str, Any] = {
            "last_status": self.status,
            "last_step": self.last_step,
            "last_seq": seq,
            "assignee": self.assignee,
            "failed_reason": self.failed_reason,
            "traceback": self.traceback,
            "wait_kind": self.wait_kind,
            "queue": self.queue,
            # Of the next step, this claim is the first.
            "lost_claims": 1 if self.status == ProcessStatus.RUNNING else 0,
        }
        if self.plan_id is not None:
            columns["plan_id"] = self.plan_id
        if self.status != ProcessStatus.RUNNING or self.is_handed_over:
            columns |= LET_GO
        return columns


def write_step(
    claim: Claim,
    row: StepRow,
    change: ProcessChange,
    *,
    inputs: Sequence[UUID] = (),
    alongside: Sequence[Callable[[], object]] = (),
) -> bool:
    """Write a step row and the process row in one transaction; return whether the engine is paused.

    `inputs` are marked as taken in by this row; `alongside` writes what else belongs to the step. Raises FenceLost, and
    then nothing is written.
    """
    if not (alongside or row.replaces) and fast_path.is_on():
        paused = fast_path.write_step(claim.process_id, claim.epoch, row.columns(), change.columns(row.seq), inputs)
        if paused is None:
            raise FenceLost
        return paused
    with transaction.atomic(savepoint=False):
        for act in alongside:
            act()
        paused = is_paused()
        fence(claim, change.columns(row.seq))
        _write_row(claim, row)
        mark_merged(inputs, row.seq)
    return paused


def failure_where_it_stands(error: BaseException) -> dict[str, Any]:
    """Return the columns of a process that fails for a reason that no step can be blamed for."""
    failure = {"failed_reason": failed_reason(error), "traceback": traceback_text(error)}
    return {"last_status": ProcessStatus.FAILED, "wait_kind": None, **failure, **LET_GO}


def hold(claim: Claim) -> None:
    """Lock the process row until the end of the transaction, where others are locked after it; raises FenceLost."""
    if not _still_ours(claim).select_for_update(no_key=True).values_list("pk").first():
        raise FenceLost


def fence(claim: Claim, columns: dict[str, Any]) -> None:
    """Update the process row if it is still ours; raises FenceLost if not.

    It comes after all that may take its time, since heartbeats wait for it, and right before the row itself: an abort
    locks the process first and then writes a row, and in the other order the two would lock each other out.
    """
    if not _still_ours(claim).update(last_modified_at=Now(), **columns):
        raise FenceLost


def _still_ours(claim: Claim) -> ProcessQuerySet:
    return Process.every.filter(pk=claim.process_id, epoch=claim.epoch, last_status=ProcessStatus.RUNNING)


def is_paused() -> bool:
    return EngineSettings.objects.filter(global_lock=True).exists()


def _write_row(claim: Claim, row: StepRow) -> None:
    if row.replaces is None:
        ProcessStep.objects.create(process_id=claim.process_id, **row.columns())
        return
    stored = ProcessStep.objects.filter(process_id=claim.process_id, seq=row.replaces.seq)
    columns = row.outcome()
    if row.repeats:
        earlier, last = stored.values_list("earlier_completed_at", "completed_at").get()
        times = [*earlier, last.isoformat()][-KEPT_TIMES:]
        columns |= {"retries": F("retries") + 1, "earlier_completed_at": times}
    stored.update(**columns)
    if row.drops is not None:
        ProcessStep.objects.filter(process_id=claim.process_id, seq=row.drops).delete()
