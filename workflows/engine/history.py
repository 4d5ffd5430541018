"""Read a process's rows back into where it stands: its state, what is done, and the row under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from workflows.engine.state import Delta, fold
from workflows.engine.steps import State
from workflows.enums import StepStatus
from workflows.models import ProcessStep
from workflows.states import CLEARED_STEPS, OPEN_STEPS

# A snapshot every so many rows, or when so many bytes of deltas have come together.
SNAPSHOT_ROWS = 50
SNAPSHOT_BYTES = 256 * 1024


@dataclass
class Row:
    """A stored step row, with what the engine needs of it."""

    seq: int
    name: str
    key: str
    status: str
    delta: Delta
    error: dict[str, Any] | None
    sub_step: str | None
    retries: int
    created_by: str | None

    @property
    def is_cleared(self) -> bool:
        """Its step is done: it counts for the state, and the next step is due."""
        return self.status in CLEARED_STEPS and self.sub_step is None

    @property
    def is_under_way(self) -> bool:
        """A group that has done some of its steps."""
        return self.sub_step is not None and self.status in (CLEARED_STEPS | OPEN_STEPS)


@dataclass
class History:
    """Where a process stands.

    `state` is the fold of the done rows and, if it is suspended, awaiting or within a group, of the last one; `base`
    is the
    state before that last one.
    """

    state: State
    base: State
    cleared: list[str]
    last: Row | None
    before_last: Row | None
    rows_since_snapshot: int
    attempts: dict[str, int]

    @property
    def open_row(self) -> Row | None:
        """The last row if its step is not done yet: suspended, awaiting or a group under way."""
        last = self.last
        return last if last is not None and (last.status in OPEN_STEPS or last.is_under_way) else None


_LIGHT = ("seq", "name", "key", "status", "error", "sub_step", "retries", "created_by")


def empty_history() -> History:
    """The history of a process that has no row yet."""
    return History({}, {}, [], None, None, 0, {})


def load_history(process_id: UUID) -> History:
    """Read the rows of a process: all of them without deltas, and the deltas since the last snapshot.

    Two statements, three for a long history.
    """
    light = list(ProcessStep.objects.filter(process_id=process_id).order_by("seq").values_list(*_LIGHT))
    snapshot_at, snapshot = _last_snapshot(process_id) if len(light) > SNAPSHOT_ROWS // 2 else (0, {})
    deltas = {
        seq: Delta(set_, frozenset(removed))
        for seq, set_, removed in ProcessStep.objects.filter(process_id=process_id, seq__gt=snapshot_at)
        .order_by("seq")
        .values_list("seq", "delta", "removed")
    }
    rows = [Row(seq, n, k, status, deltas.get(seq, Delta()), *rest) for seq, n, k, status, *rest in light]
    last = rows[-1] if rows else None
    before_last = rows[-2] if len(rows) > 1 else None
    done = [row for row in rows if row.is_cleared]
    base = fold((row.delta for row in done if row.seq > snapshot_at), snapshot)
    history = History(base, base, [row.key for row in done], last, before_last, len(deltas), _attempts(rows))
    if (row := history.open_row) is not None:
        history.state = row.delta.apply(base)
    return history


def _last_snapshot(process_id: UUID) -> tuple[int, State]:
    found = (
        ProcessStep.objects.filter(process_id=process_id, snapshot__isnull=False)
        .order_by("-seq")
        .values_list("seq", "snapshot")
        .first()
    )
    return (found[0], found[1] or {}) if found else (0, {})


def _attempts(rows: list[Row]) -> dict[str, int]:
    """Count the tries per step key: failures (repeated ones too), not successes."""
    counts: dict[str, int] = {}
    for row in rows:
        if row.status in (StepStatus.FAILED, StepStatus.WAITING):
            counts[row.key] = counts.get(row.key, 0) + 1 + row.retries
    return counts
