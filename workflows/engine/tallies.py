"""How the children stand that a step waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, ExpressionWrapper, Q
from django.db.models.fields import BooleanField

from workflows.engine.tree import path_of
from workflows.enums import ProcessStatus
from workflows.models import Process, Wait
from workflows.states import FAILED

# New, or tried again: these wait until it is their turn.
MAY_BE_HELD: Final = frozenset({ProcessStatus.CREATED, ProcessStatus.RESUMED})


@dataclass(frozen=True)
class Kid:
    """A child as its parent sees it."""

    process_id: UUID
    index: int
    name: str
    status: str


@dataclass
class Tally:
    """How the children of a fork stand. `needed`: how many must end well; `limit`: how many may be at work."""

    needed: int
    limit: int | None
    allow_aborted: bool
    completed: int = 0
    failed: int = 0
    aborted: int = 0
    # Between its claim and its end, or about to be claimed.
    at_work: int = 0
    # Not begun, or not begun again: others have their turn first.
    to_come: int = 0

    @property
    def total(self) -> int:
        return self.completed + self.failed + self.aborted + self.at_work + self.to_come

    @property
    def good(self) -> int:
        return self.completed + (self.aborted if self.allow_aborted else 0)

    @property
    def is_decided(self) -> bool:
        """Enough have ended well, or so many were aborted that it can no longer be."""
        return self.good >= self.needed or self.good + self.failed + self.at_work + self.to_come < self.needed

    def count(self, status: str, *, is_held: bool, number: int = 1) -> None:
        if status == ProcessStatus.COMPLETED:
            self.completed += number
        elif status == ProcessStatus.ABORTED:
            self.aborted += number
        elif status in FAILED:
            self.failed += number
        elif is_held and status in MAY_BE_HELD:
            self.to_come += number
        else:
            self.at_work += number


def children_of(parent_id: UUID, seq: int) -> list[Kid]:
    """Return the children that the row `seq` of a process waits for, in their order. One statement."""
    rows = Process.every.filter(parent_id=parent_id, parent_seq=seq).values_list(
        "process_id", "branch_key", "branch_name", "last_status"
    )
    kids = [Kid(pk, path_of(path)[-1].index, name, status) for pk, path, name, status in rows]
    return sorted(kids, key=lambda kid: kid.index)


def tally_of(wait: Wait, *, leave_out: UUID | None = None) -> Tally:
    """Count the children of a wait by where they stand. One statement."""
    detail = wait.detail
    tally = Tally(detail["needed"], detail["limit"], detail["allow_aborted"])
    kids = Process.every.filter(parent_id=wait.process_id, parent_seq=detail["seq"])
    if leave_out is not None:
        kids = kids.exclude(pk=leave_out)
    waits_its_turn = Q(held_because__isnull=False, held_because=detail["turn"] or "")
    is_held_back = ExpressionWrapper(waits_its_turn, output_field=BooleanField())
    groups = (
        kids.order_by()
        .annotate(is_held=is_held_back)
        .values_list("last_status", "is_held")
        .annotate(number=Count("pk"))
    )
    for status, is_held, number in groups:
        tally.count(status, is_held=bool(is_held), number=number)
    return tally
