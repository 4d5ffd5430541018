"""What belongs to a process: the branches and workflows that its steps run side by side, and its undoing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from django.db.models import Case, Count, IntegerField, When

from workflows.enums import ProcessKind, ProcessStatus
from workflows.models import Process
from workflows.selectors.undo import undo_among
from workflows.states import ENDED, FAILED, RUNNABLE

# A page names so many of the parts, those first that want somebody's attention.
MOST_PARTS: Final = 100

_WANTS_INPUT: Final = (ProcessStatus.SUSPENDED, ProcessStatus.AWAITING_CALLBACK, ProcessStatus.WAITING)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of one process: the first of them, and how many there are by status."""

    shown: list[Process] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    # The undo at work or done, else the last that was given up.
    undone_by: Process | None = None

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        return self.counts.get(ProcessStatus.COMPLETED, 0)

    @property
    def percent_done(self) -> int:
        return 100 * self.done // self.total if self.total else 0

    @property
    def not_shown(self) -> int:
        return self.total - len(self.shown)

    @property
    def are_at_work(self) -> bool:
        return any(self.counts.get(status) for status in RUNNABLE)

    @property
    def version(self) -> str:
        """Change whenever the parts would be drawn differently."""
        rows = [*self.shown, *([self.undone_by] if self.undone_by is not None else [])]
        return f"{sorted(self.counts.items())}{','.join(f'{part.last_status}{part.last_seq}' for part in rows)}"


def parts_of(process: Process) -> Parts:
    """Read the parts of a process in at most 2 queries."""
    children = Process.every.filter(parent_id=process.process_id)
    parts = children.exclude(kind=ProcessKind.UNDO)
    counts = dict(parts.order_by().values_list("last_status").annotate(Count("pk")))
    urgency = Case(
        When(kind=ProcessKind.UNDO, then=-1),
        When(last_status__in=FAILED, then=0),
        When(last_status__in=_WANTS_INPUT, then=1),
        When(last_status__in=ENDED, then=3),
        default=2,
        output_field=IntegerField(),
    )
    shown = children.annotate(urgency=urgency).select_related("workflow").order_by("urgency", "process_id")
    rows = list(shown[:MOST_PARTS])
    return Parts(
        shown=[row for row in rows if row.kind != ProcessKind.UNDO],
        counts=counts,
        undone_by=undo_among([row for row in rows if row.kind == ProcessKind.UNDO]),
    )
