"""How the parts stand that a process waits for, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, Q

from workflows.enums import ProcessStatus, WaitKind
from workflows.models import Process, ProcessQuerySet
from workflows.states import FAILED

_NAMED: Final = 3
_TOLD: Final = (
    (frozenset({ProcessStatus.SUSPENDED}), "waiting for input"),
    (frozenset({ProcessStatus.AWAITING_CALLBACK}), "waiting for another system"),
    (frozenset({ProcessStatus.ABORTED}), "aborted"),
)


@dataclass(frozen=True)
class FailedPart:
    """A part that failed. `name` leads down to it, such as "Ring west / Port x"."""

    process_id: UUID
    name: str


def failed_parts(process_id: UUID) -> list[FailedPart]:
    """Return the parts of a process that failed, and theirs where parts wait for parts; a statement for each level."""
    failed: list[FailedPart] = []
    waiting = {process_id: ""}
    while waiting:
        parts = Process.every.filter(parent_id__in=waiting, parent_seq__isnull=False)
        stopped = parts.filter(Q(last_status__in=FAILED) | Q(wait_kind=WaitKind.CHILDREN)).order_by("process_id")
        above, waiting = waiting, {}
        for part in stopped.values_list("process_id", "parent_id", "branch_name", "last_status", named=True):
            name = above[part.parent_id] + part.branch_name
            if part.last_status in FAILED:
                failed.append(FailedPart(part.process_id, name))
            else:
                waiting[part.process_id] = f"{name} / "
    return failed


def parts_sentence(process: Process) -> str:
    """Say how many parts are done, and name those that want somebody's attention.

    For example: "3 of 8 parts done, 1 failed: Port x (retry to try it again)". At most 5 statements, and one more for
    each level at which parts wait for parts.
    """
    parts = Process.every.filter(parent_id=process.process_id, parent_seq=process.last_seq)
    counts: dict[str, int] = dict(parts.order_by().values_list("last_status").annotate(Count("pk")))
    said = [f"{counts.get(ProcessStatus.COMPLETED, 0)} of {sum(counts.values())} parts done"]
    if FAILED & counts.keys() or ProcessStatus.WAITING in counts:
        said += _failed_sentence([part.name for part in failed_parts(process.process_id)])
    for statuses, words in _TOLD:
        if number := sum(counts.get(status, 0) for status in statuses):
            said.append(f"{number} {words}: {_names(parts, statuses, number)}")
    return ", ".join(said)


def _failed_sentence(names: list[str]) -> list[str]:
    if not names:
        return []
    again = "it" if len(names) == 1 else "them"
    return [f"{len(names)} failed: {_listed(names[:_NAMED], len(names))} (retry to try {again} again)"]


def _names(parts: ProcessQuerySet, statuses: frozenset[ProcessStatus], number: int) -> str:
    found = parts.filter(last_status__in=statuses).order_by("process_id").values_list("branch_name", flat=True)
    return _listed(list(found[:_NAMED]), number)


def _listed(names: list[str], number: int) -> str:
    more = f" and {number - _NAMED} more" if number > _NAMED else ""
    return f"{', '.join(names)}{more}"
