"""Write what a step did: one transaction, its last statement the fence, and nothing at all if the fence is lost.

Two ways with the same meaning: the portable one through the ORM, and for plain steps on PostgreSQL one data-modifying
statement.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from wfo_site.common.uuid7 import uuid7
from workflows.engine.claims import Claim
from workflows.engine.commit import commit_hash
from workflows.engine.history import Row
from workflows.engine.state import Delta
from workflows.enums import ProcessStatus, StepStatus
from workflows.models import EngineSettings, InputState, Process, ProcessStep


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
    delta: Delta = field(default_factory=Delta)
    error: dict[str, Any] | None = None
    snapshot: dict[str, Any] | None = None
    sub_step: str | None = None
    replaces: Row | None = None
    repeats: bool = False
    drops: int | None = None


@dataclass
class ProcessChange:
    """What becomes of the process row along with a step row."""

    status: ProcessStatus
    last_step: str
    assignee: str
    failed_reason: str | None = None
    traceback: str | None = None
    wait_kind: str | None = None
    plan_id: int | None = None

    def columns(self, seq: int) -> dict[str, Any]:
        columns: dict[str, Any] = {
            "last_status": self.status,
            "last_step": self.last_step,
            "last_seq": seq,
            "assignee": self.assignee,
            "failed_reason": self.failed_reason,
            "traceback": self.traceback,
            "wait_kind": self.wait_kind,
            "lost_claims": 0,
        }
        if self.plan_id is not None:
            columns["plan_id"] = self.plan_id
        if self.status != ProcessStatus.RUNNING:
            columns |= {"runner": None, "lease_until": None, "rung_at": None}
        return columns


def write_step(
    claim: Claim,
    row: StepRow,
    change: ProcessChange,
    *,
    inputs: Sequence[UUID] = (),
    alongside: Callable[[], object] | None = None,
) -> bool:
    """Write a step row and the process row in one transaction; return whether the engine is paused.

    `inputs` are marked as taken in by this row; `alongside` writes what else belongs to the step. Raises FenceLost, and
    then nothing is written.
    """
    if not (inputs or alongside or row.replaces) and fast_path_is_on():
        return _write_in_one_statement(claim, row, change)
    with transaction.atomic(savepoint=False):
        if alongside is not None:
            alongside()
        _write_row(claim, row)
        if inputs:
            InputState.objects.filter(pk__in=inputs).update(merged_seq=row.seq)
        paused = is_paused()
        fence(claim, change.columns(row.seq))
    return paused


def fence(claim: Claim, columns: dict[str, Any]) -> None:
    """Update the process row if it is still ours; raises FenceLost if not.

    The last statement of a transaction: earlier, it would make heartbeats wait for the rest.
    """
    still_ours = Process.every.filter(pk=claim.process_id, epoch=claim.epoch, last_status=ProcessStatus.RUNNING)
    if not still_ours.update(last_modified_at=Now(), **columns):
        raise FenceLost


def is_paused() -> bool:
    return EngineSettings.objects.filter(global_lock=True).exists()


def _write_row(claim: Claim, row: StepRow) -> None:
    columns: dict[str, Any] = {
        "status": row.status,
        "delta": row.delta.set,
        "removed": sorted(row.delta.removed),
        "error": row.error,
        "snapshot": row.snapshot,
        "sub_step": row.sub_step,
        "completed_at": row.completed_at,
        "created_by": row.created_by,
    }
    if row.replaces is None:
        _insert_row(claim, row, columns)
        return
    stored = ProcessStep.objects.filter(process_id=claim.process_id, seq=row.replaces.seq)
    if row.repeats:
        earlier = stored.values_list("earlier_completed_at", "completed_at").get()
        columns["retries"] = F("retries") + 1
        columns["earlier_completed_at"] = [*earlier[0], earlier[1].isoformat()]
    stored.update(**columns)
    if row.drops is not None:
        ProcessStep.objects.filter(process_id=claim.process_id, seq=row.drops).delete()


def _insert_row(claim: Claim, row: StepRow, columns: dict[str, Any]) -> None:
    try:
        ProcessStep.objects.create(
            process_id=claim.process_id,
            seq=row.seq,
            name=row.name,
            key=row.key,
            started_at=row.started_at,
            commit_hash=commit_hash(),
            **columns,
        )
    except IntegrityError as error:
        # The row of this number is there: an abort or another runner wrote it, and the fence would say the same.
        raise FenceLost from error


_PLAIN_STEP = """
WITH fence AS (
    UPDATE workflows_process
    SET last_status = %(status)s, last_step = %(last_step)s, last_seq = %(seq)s, assignee = %(assignee)s,
        failed_reason = %(failed_reason)s, traceback = %(traceback)s, wait_kind = %(wait_kind)s,
        lost_claims = 0, last_modified_at = statement_timestamp(){leaving}{plan}
    WHERE process_id = %(process_id)s AND epoch = %(epoch)s AND last_status = 'running'
    RETURNING process_id
), step AS (
    INSERT INTO workflows_processstep (
        step_id, process_id, seq, name, key, status, delta, removed, error, snapshot, sub_step, retries,
        earlier_completed_at, created_by, started_at, completed_at, commit_hash)
    SELECT %(step_id)s, process_id, %(seq)s, %(name)s, %(key)s, %(step_status)s, %(delta)s::jsonb, %(removed)s::jsonb,
        %(error)s::jsonb, %(snapshot)s::jsonb, %(sub_step)s, 0, '[]'::jsonb, %(created_by)s, %(started_at)s,
        %(completed_at)s, %(commit_hash)s
    FROM fence
)
SELECT (SELECT count(*) FROM fence), (SELECT coalesce(bool_or(global_lock), false) FROM workflows_enginesettings)
"""
_LEAVING = ", runner = NULL, lease_until = NULL, rung_at = NULL"
_PLAN = ", plan_id = %(plan_id)s"


def fast_path_is_on() -> bool:
    return bool(settings.ENGINE_FAST_PATH) and connection.vendor == "postgresql"


def _write_in_one_statement(claim: Claim, row: StepRow, change: ProcessChange) -> bool:
    sql = _PLAIN_STEP.format(
        leaving="" if change.status == ProcessStatus.RUNNING else _LEAVING,
        plan="" if change.plan_id is None else _PLAN,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                "status": str(change.status),
                "last_step": change.last_step,
                "seq": row.seq,
                "assignee": change.assignee,
                "failed_reason": change.failed_reason,
                "traceback": change.traceback,
                "wait_kind": change.wait_kind,
                "plan_id": change.plan_id,
                "process_id": claim.process_id,
                "epoch": claim.epoch,
                "step_id": uuid7(),
                "name": row.name,
                "key": row.key,
                "step_status": str(row.status),
                "delta": json.dumps(row.delta.set),
                "removed": json.dumps(sorted(row.delta.removed)),
                "error": None if row.error is None else json.dumps(row.error),
                "snapshot": None if row.snapshot is None else json.dumps(row.snapshot),
                "sub_step": row.sub_step,
                "created_by": row.created_by,
                "started_at": row.started_at,
                "completed_at": row.completed_at,
                "commit_hash": commit_hash(),
            },
        )
        fenced, paused = cursor.fetchone()
    if not fenced:
        raise FenceLost
    return bool(paused)
