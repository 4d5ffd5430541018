"""Who runs a process: claim by compare-and-set on the epoch, a lease kept alive by heartbeats, and what is due to be
run.

Lease arithmetic uses the database's clock, so that runners whose clocks differ agree.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, Q
from django.db.models.functions import Coalesce, Greatest, Now

from wfo_site.common import broadcast
from workflows.engine import fast_path, limits
from workflows.engine.tree import Ref
from workflows.enums import ProcessStatus
from workflows.models import EngineSettings, Process, ProcessQuerySet

# So many lost claims in a row, and a process runs alone; so many, and nobody may claim it. See `losses`.
ALONE_AFTER: Final = 2
HELD_AFTER: Final = 3
# Time for a runner that leaves its processes to others to be gone itself.
LEFT_AFTER_SECONDS: Final = 2.0
_WITHOUT_THIS_CLAIM: Final = Greatest(F("lost_claims") - 1, 0)


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
    queue: str | None
    left_since: datetime | None

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
    """Processes that a runner may take now: live, not held, due, without a live lease, not lost too often, and the
    engine not paused.

    A lease further ahead than twice its length cannot be true and counts as over.
    """
    return Process.every.live().filter(
        Q(not_before__isnull=True) | Q(not_before__lte=Now()),
        Q(lease_until__isnull=True) | Q(lease_until__lt=Now()) | Q(lease_until__gt=Now() + 2 * lease()),
        ~Exists(EngineSettings.objects.filter(global_lock=True)),
        held_because__isnull=True,
        lost_claims__lt=HELD_AFTER,
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
    "queue",
    "left_since",
)


def claim(process_id: UUID, runner: str, *, alone: bool = False, queues: Collection[str] | None = None) -> Claim | None:
    """Take a process for `runner`, or return None: not claimable, no place free, or another was faster.

    One that was lost twice is taken only by a runner that is alone in its worker, which takes nothing else. `queues`:
    those that it serves, where it does not serve all; one whose step asks for another is not taken.
    """
    limited = limits.by_workflow()
    lost = (ALONE_AFTER, HELD_AFTER - 1) if alone else (0, ALONE_AFTER - 1)
    if fast_path.is_on():
        row = fast_path.claim(process_id, runner, lease(), lost=lost, besides=list(limited), queues=queues)
        if row is not None or not limited:
            return None if row is None else Claim(*row)
    served = Q() if queues is None else Q(queue__isnull=True) | Q(queue__in=queues)
    seen = claimable().filter(served, pk=process_id, lost_claims__range=lost).values_list(*_CLAIM_FIELDS).first()
    if seen is None:
        return None
    found = Claim(*seen)
    limit = limited.get(found.workflow_name)
    if limit is None:
        return _take(found, runner)
    with transaction.atomic():
        return _take(found, runner) if limits.has_place(found.workflow_id, limit) else None


def _take(seen: Claim, runner: str) -> Claim | None:
    """Compare and set on what was seen: on the last row too, which a runner whose lease ran out may still write."""
    won = (
        claimable()
        .filter(pk=seen.process_id, epoch=seen.epoch, last_seq=seen.last_seq)
        .update(
            epoch=seen.epoch + 1,
            runner=runner,
            lease_until=Now() + lease(),
            last_status=ProcessStatus.RUNNING,
            wait_kind=None,
            rung_at=Now(),
            # Lists tell by it whether a row has changed, and its status has.
            last_modified_at=Now(),
            lost_claims=F("lost_claims") + 1,
        )
    )
    return replace(seen, epoch=seen.epoch + 1) if won else None


def hand_back(claim: Claim, *, for_seconds: float = 0) -> None:
    """Give a process back unharmed, so that another runner takes it; after `for_seconds` at the earliest.

    Takes back this claim only: where its step was not even begun, those that were lost in it before still count.
    """
    Process.every.filter(pk=claim.process_id, epoch=claim.epoch, last_status=ProcessStatus.RUNNING).update(
        runner=None,
        lease_until=None,
        rung_at=None,
        lost_claims=_WITHOUT_THIS_CLAIM,
        not_before=Now() + timedelta(seconds=for_seconds) if for_seconds else None,
    )


def hand_over(claim: Claim, queue: str | None) -> None:
    """Leave a process unharmed to the workers of another queue; None: those of the queue of its workflow."""
    held = Process.every.filter(pk=claim.process_id, epoch=claim.epoch, last_status=ProcessStatus.RUNNING)
    held.update(queue=queue, runner=None, lease_until=None, rung_at=None, lost_claims=0)


def leave_to_others(claim: Claim, *, at_most: timedelta | None) -> bool:
    """Give a process back that the code here does not fit, so that a runner with other code may take it at once.

    False, and nothing is done: for longer than `at_most` nobody has taken it whose code fits.
    """
    mine = Process.every.filter(pk=claim.process_id, epoch=claim.epoch, last_status=ProcessStatus.RUNNING)
    if at_most is not None:
        mine = mine.filter(Q(left_since__isnull=True) | Q(left_since__gt=Now() - at_most))
    return bool(
        mine.update(
            left_since=Coalesce("left_since", Now()), runner=None, lease_until=None, rung_at=None, lost_claims=0
        )
    )


def take_over(claim: Claim) -> None:
    """Note that the code here fits a process that others have left."""
    Process.every.filter(pk=claim.process_id, epoch=claim.epoch).update(left_since=None)


def leave(process_ids: Collection[UUID], runner: str) -> None:
    """Leave what this runner still has to others, who may take it in a moment: it is told to end, and ends now.

    The step that is under way will be run again. It is not to blame, so the claim does not count as lost.
    """
    Process.every.filter(pk__in=process_ids, runner=runner, last_status=ProcessStatus.RUNNING).update(
        lease_until=Now() + timedelta(seconds=LEFT_AFTER_SECONDS),
        rung_at=None,
        lost_claims=_WITHOUT_THIS_CLAIM,
    )


def heartbeat(process_ids: Collection[UUID], runner: str) -> None:
    """Prolong the leases of everything that this runner has. One statement; it touches no indexed column.

    Also of what was aborted and whose step goes on all the same: nobody may undo it before that has ended. A row that
    another has locked is left for the next time: an abort of many parts has some of ours for as long as it takes, and
    the leases of all the others must not run out for it.
    """
    if not process_ids:
        return
    if connection.vendor == "postgresql":
        # In a transaction of two statements a busy machine would leave the rows locked between them.
        fast_path.heartbeat(process_ids, runner, lease())
        return
    held = Process.every.filter(pk__in=process_ids, runner=runner)
    held.filter(last_status__in=(ProcessStatus.RUNNING, ProcessStatus.ABORTED)).update(lease_until=Now() + lease())


def end_aborted(claim: Claim, runner: str) -> None:
    """Give up the lease of a process that was aborted under this runner: the step that went on has ended."""
    aborted = Process.every.filter(pk=claim.process_id, runner=runner, last_status=ProcessStatus.ABORTED)
    if aborted.update(runner=None, lease_until=None):
        broadcast.processes_changed(claim.process_id)


class Due(NamedTuple):
    """A process that could be run now. `is_dangerous`: it was lost before, and must run alone."""

    process_id: UUID
    workflow_name: str
    is_dangerous: bool


def next_up(limit: int, *, where: Q | None = None, besides: Collection[UUID] = ()) -> list[Due]:
    """Return what to run next, most urgent first: claimable, `where` holds, and a place is free for its workflow."""
    rows = (
        _with_place()
        .filter(where or Q())
        .exclude(pk__in=besides)
        .order_by("priority", "process_id")
        .values_list("process_id", "workflow__name", "lost_claims")[:limit]
    )
    return [Due(process_id, name, lost >= ALONE_AFTER) for process_id, name, lost in rows]


def due(limit: int, *, where: Q | None = None) -> list[UUID]:
    """Return up to `limit` processes to ring for, most urgent first: not rung for within a lease.

    A bell that is said to come later than now cannot be true and counts as none. One that was left to others is rung
    for again and again in its lease: the bell may reach just those whose code does not fit.
    """
    if limit <= 0:
        return []
    rung_long_ago = Q(rung_at__isnull=True) | Q(rung_at__lt=Now() - lease()) | Q(rung_at__gt=Now() + lease())
    return list(
        _with_place()
        .filter(where or Q(), rung_long_ago | Q(left_since__gt=Now() - lease()))
        .order_by("priority", "process_id")
        .values_list("process_id", flat=True)[:limit]
    )


def _with_place() -> ProcessQuerySet:
    full = limits.full()
    return claimable().exclude(workflow__name__in=full) if full else claimable()


def postpone(process_id: UUID, seconds: float) -> bool:
    """Let nobody look at a process for a while; False if another has taken it or does so. See `make_due`."""
    return bool(claimable().filter(pk=process_id).update(not_before=Now() + timedelta(seconds=seconds)))


def make_due(process_id: UUID) -> None:
    """Let a process be claimed at once that was postponed."""
    Process.every.live().filter(pk=process_id).update(not_before=None)


def mark_rung(process_ids: Collection[UUID]) -> None:
    Process.every.filter(pk__in=process_ids).update(rung_at=Now())


def mark_unrung(process_ids: Collection[UUID]) -> None:
    """Take the mark back: the bells could not be rung."""
    claimable().filter(pk__in=process_ids).update(rung_at=None)


def waiting_count() -> int:
    """Count the processes that wait for a runner, or for the engine to go on."""
    return (
        Process.every.live()
        .filter(
            Q(lease_until__isnull=True) | Q(lease_until__lt=Now()),
            Q(not_before__isnull=True) | Q(not_before__lte=Now()),
            held_because__isnull=True,
        )
        .count()
    )


def running_count() -> int:
    """Count the processes that a runner holds with a live lease."""
    return Process.every.live().filter(lease_until__gte=Now()).count()
