"""Who runs a process: claim by compare-and-set on the epoch, a lease kept alive by heartbeats, and what is due to be
run.

Lease arithmetic uses the database's clock, so that runners whose clocks differ agree.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, Q
from django.db.models.functions import Now

from workflows.engine import fast_path
from workflows.engine.tree import Ref
from workflows.enums import ProcessStatus
from workflows.models import EngineSettings, Process, ProcessQuerySet


@dataclass(frozen=True)
class Claim:
    """A process that this runner has, and what it needs to know of its row. `epoch` is the fence of all its writes."""

    process_id: UUID
    root_id: UUID
    branch_key: str
    epoch: int
    workflow_id: UUID
    workflow_name: str
    is_task: bool
    created_by: str | None
    plan_id: int | None
    last_seq: int
    kind: str
    parent_id: UUID | None
    parent_seq: int | None
    priority: int

    @property
    def ref(self) -> Ref:
        return Ref(
            process_id=self.process_id,
            workflow_name=self.workflow_name,
            kind=self.kind,
            parent_id=self.parent_id,
            parent_seq=self.parent_seq,
            branch_key=self.branch_key,
        )


def lease() -> timedelta:
    return timedelta(seconds=settings.PROCESS_LEASE_SECONDS)


def claimable() -> ProcessQuerySet:
    """Processes that a runner may take now: live, not held, due, without a live lease, and the engine not paused.

    A lease further ahead than twice its length cannot be true and counts as over.
    """
    return Process.every.live().filter(
        Q(not_before__isnull=True) | Q(not_before__lte=Now()),
        Q(lease_until__isnull=True) | Q(lease_until__lt=Now()) | Q(lease_until__gt=Now() + 2 * lease()),
        ~Exists(EngineSettings.objects.filter(global_lock=True)),
        held_because__isnull=True,
    )


_CLAIM_FIELDS = (
    "process_id",
    "root_id",
    "branch_key",
    "epoch",
    "workflow_id",
    "workflow__name",
    "is_task",
    "created_by",
    "plan_id",
    "last_seq",
    "kind",
    "parent_id",
    "parent_seq",
    "priority",
)


def claim(process_id: UUID, runner: str) -> Claim | None:
    """Take a process for `runner`, or return None: not claimable, or another was faster."""
    if fast_path.is_on():
        row = fast_path.claim(process_id, runner, lease())
        return None if row is None else Claim(*row)
    seen = claimable().filter(pk=process_id).values_list(*_CLAIM_FIELDS).first()
    if seen is None:
        return None
    found = Claim(*seen)
    won = (
        claimable()
        .filter(pk=process_id, epoch=found.epoch)
        .update(
            epoch=found.epoch + 1,
            runner=runner,
            lease_until=Now() + lease(),
            last_status=ProcessStatus.RUNNING,
            wait_kind=None,
            rung_at=Now(),
            lost_claims=F("lost_claims") + 1,
        )
    )
    return replace(found, epoch=found.epoch + 1) if won else None


def hand_back(claim: Claim, *, for_seconds: float = 0) -> None:
    """Give a process back unharmed, so that another runner takes it; after `for_seconds` at the earliest."""
    Process.every.filter(pk=claim.process_id, epoch=claim.epoch, last_status=ProcessStatus.RUNNING).update(
        runner=None,
        lease_until=None,
        rung_at=None,
        lost_claims=0,
        not_before=Now() + timedelta(seconds=for_seconds) if for_seconds else None,
    )


def heartbeat(process_ids: Collection[UUID], runner: str) -> None:
    """Prolong the leases of everything that this runner has. One statement; it touches no indexed column."""
    if process_ids:
        Process.every.filter(pk__in=process_ids, runner=runner, last_status=ProcessStatus.RUNNING).update(
            lease_until=Now() + lease()
        )


def due(limit: int) -> list[UUID]:
    """Return up to `limit` processes to ring for, most urgent first: claimable and not rung for within a lease."""
    if limit <= 0:
        return []
    rung_long_ago = Q(rung_at__isnull=True) | Q(rung_at__lt=Now() - lease())
    return list(
        claimable()
        .filter(rung_long_ago)
        .order_by("priority", "process_id")
        .values_list("process_id", flat=True)[:limit]
    )


def mark_rung(process_ids: Collection[UUID]) -> None:
    Process.every.filter(pk__in=process_ids).update(rung_at=Now())


def running_count() -> int:
    """Count the processes that a runner holds with a live lease."""
    return Process.every.live().filter(lease_until__gte=Now()).count()
