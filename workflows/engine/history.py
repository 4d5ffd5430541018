"""Read a process's rows back into where it stands: its state, what is done, and the row under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from workflows.engine.registry import get_workflow
from workflows.engine.standing import Standing, is_done, standing_of
from workflows.engine.state import Delta, fold
from workflows.engine.steps import State
from workflows.engine.tree import Ref, path_of, program_of, ref_to
from workflows.engine.waits import LET_GO
from workflows.enums import StepStatus, WaitKind
from workflows.models import ProcessStep, Wait
from workflows.states import CLEARED_STEPS, OPEN_STEPS

# Where the row of a group names the steps that it did without.
LEFT_OUT: Final = "left_out"

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
    detail: dict[str, Any] | None = None

    @property
    def is_cleared(self) -> bool:
        """Its step is done: it counts for the state, and the next step is due."""
        return is_done(self)

    @property
    def is_folded(self) -> bool:
        """It counts for the state: a step that is done, or what a person did to the process."""
        return self.status in CLEARED_STEPS and self.sub_step is None

    @property
    def is_forked(self) -> bool:
        """Its step waits for the children that it has started."""
        return waits_for_children(self.status, self.error)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The steps that a group has done without, or does so far."""
        return tuple(left_out_of(self.detail))

    @property
    def is_under_way(self) -> bool:
        """A group that has done some of its steps."""
        return self.sub_step is not None and self.status in (CLEARED_STEPS | OPEN_STEPS)


@dataclass
class History:
    """Where a process stands.

    `state` is the fold of the done rows and, if it is suspended, awaiting or within a group, of the last one; `base`
    is the state without that last one. `last` is the last row of a step, as `Standing` has it; `is_edited`: a person
    has changed the state since.
    """

    state: State
    base: State
    cleared: list[str]
    last: Row | None
    before_last: Row | None
    rows_since_snapshot: int
    attempts: dict[str, int] = field(default_factory=dict)
    is_edited: bool = False

    @property
    def standing(self) -> Standing[Row]:
        return Standing(self.cleared, self.last, self.is_edited)

    @property
    def open_row(self) -> Row | None:
        """The last row if its step is not done yet: suspended, awaiting or a group under way."""
        last = self.last
        if last is None or not (last.status in OPEN_STEPS or last.is_under_way or last.is_forked):
            return None
        return last


def left_out_of(detail: dict[str, Any] | None) -> list[str]:
    """Return the keys of the steps that a group did without, because their conditions did not hold."""
    found: list[str] = (detail or {}).get(LEFT_OUT, [])
    return found


def waits_for_children(status: str, error: object) -> bool:
    """Say whether a row is of a step that waits for its children: one that waits for another try has an error."""
    return status == StepStatus.WAITING and error is None


def counts_for_state(status: str, error: object) -> bool:
    """Say whether the state after a row is that before it and its delta: not so for failures and aborts."""
    return status in CLEARED_STEPS | OPEN_STEPS or waits_for_children(status, error)


_LIGHT = ("seq", "name", "key", "status", "error", "sub_step", "retries", "created_by", "detail")


def empty_history(state: State) -> History:
    """Return the history of a process that has no row yet and begins with `state`."""
    return History(state, state, [], None, None, 0)


def load_history(ref: Ref, *, before: int | None = None) -> History:
    """Read the rows of a process, or those before the row `before`: without deltas, and the deltas since the last
    snapshot.

    Two statements, three for a long history, more for a branch, whose state begins with that of its parent.
    """
    stored = ProcessStep.objects.filter(process_id=ref.process_id).order_by("seq")
    if before is not None:
        stored = stored.filter(seq__lt=before)
    light = list(stored.values_list(*_LIGHT))
    found = _last_snapshot(ref.process_id, before) if len(light) > SNAPSHOT_ROWS // 2 else None
    snapshot_at, start = found or (0, start_state(ref))
    deltas = {
        seq: Delta(set_, frozenset(removed))
        for seq, set_, removed in stored.filter(seq__gt=snapshot_at).values_list("seq", "delta", "removed")
    }
    rows = [Row(seq, n, k, status, deltas.get(seq, Delta()), *rest) for seq, n, k, status, *rest in light]
    standing = standing_of(rows)
    at = rows.index(standing.last) if standing.last is not None else len(rows) - 1
    # What follows the last step is changes of the state: they count whatever becomes of that step.
    later = [row.delta for row in rows[at + 1 :]]
    base = fold((row.delta for row in rows[: at + 1] if row.is_folded and row.seq > snapshot_at), start)
    history = History(
        base,
        base,
        standing.done,
        standing.last,
        rows[at - 1] if at > 0 else None,
        len(deltas),
        _attempts(rows),
        standing.is_edited,
    )
    open_row = history.open_row
    history.state = fold(later, open_row.delta.apply(base) if open_row is not None else base)
    history.base = fold(later, base)
    return history


def start_state(ref: Ref) -> State:
    """Return the state that a process begins with: nothing, or for a branch what its parent had, and its item.

    Three statements for each level of branches.
    """
    parent = ref_to(ref.parent_id) if ref.is_branch and ref.parent_id is not None else None
    if parent is None:
        return {}
    workflow = get_workflow(ref.workflow_name)
    program = program_of(workflow, ref) if workflow is not None else None
    index = program.index if program is not None else 0
    seq, item = _part_of(ref, parent, index)
    state = state_before(parent, seq)
    if program is None or program.fork is None:
        return state
    return {**state, **program.fork.given_to(item, index)}


def _part_of(ref: Ref, parent: Ref, index: int) -> tuple[int, Any]:
    """Return the row of its parent that a branch is a part of, or was until it was let go, and its item there."""
    key = path_of(ref.branch_key)[-1].key
    waits = Wait.objects.filter(process_id=parent.process_id, kind=WaitKind.CHILDREN, key=key).order_by("-created_at")
    columns = ("detail__seq", f"detail__{LET_GO}", f"detail__items__{index}")
    for seq, let_go, item in waits.values_list(*columns):
        if seq == ref.parent_seq or str(ref.process_id) in (let_go or ()):
            return seq, item
    return ref.parent_seq or 0, None


def state_before(ref: Ref, seq: int) -> State:
    """Return the state of a process before its row `seq`: the done rows folded, from the last snapshot on."""
    found = _last_snapshot(ref.process_id, seq)
    snapshot_at, start = found or (0, start_state(ref))
    rows = (
        ProcessStep.objects.filter(process_id=ref.process_id, seq__gt=snapshot_at, seq__lt=seq)
        .filter(status__in=CLEARED_STEPS, sub_step__isnull=True)
        .order_by("seq")
        .values_list("delta", "removed")
    )
    return fold((Delta(set_, frozenset(removed)) for set_, removed in rows), start)


def state_at(ref: Ref, seq: int) -> State:
    """Return the state of a process as it stood with its row `seq`: after it, or before it where it failed."""
    before = state_before(ref, seq)
    row = ProcessStep.objects.filter(process_id=ref.process_id, seq=seq).values_list(
        "status", "error", "delta", "removed"
    )
    status, error, delta, removed = row.first() or (StepStatus.FAILED, {}, {}, [])
    return Delta(delta, frozenset(removed)).apply(before) if counts_for_state(status, error) else before


def _last_snapshot(process_id: UUID, before: int | None = None) -> tuple[int, State] | None:
    rows = ProcessStep.objects.filter(process_id=process_id, snapshot__isnull=False)
    if before is not None:
        rows = rows.filter(seq__lt=before)
    found = rows.order_by("-seq").values_list("seq", "snapshot").first()
    return (found[0], found[1] or {}) if found else None


def _attempts(rows: list[Row]) -> dict[str, int]:
    """Count the tries per step key: failures (repeated ones too), not successes."""
    counts: dict[str, int] = {}
    for row in rows:
        if row.status in (StepStatus.FAILED, StepStatus.WAITING):
            counts[row.key] = counts.get(row.key, 0) + 1 + row.retries
    return counts
