"""How the parts stand that a process waits for, in words."""

from __future__ import annotations

from typing import Final

from django.db.models import Count

from workflows.enums import ProcessStatus
from workflows.models import Process, ProcessQuerySet
from workflows.states import FAILED

_NAMED: Final = 3
_TOLD: Final = (
    (frozenset({ProcessStatus.SUSPENDED}), "waiting for input"),
    (frozenset({ProcessStatus.AWAITING_CALLBACK}), "waiting for another system"),
    (frozenset({ProcessStatus.ABORTED}), "aborted"),
)


def parts_sentence(process: Process) -> str:
    """Say how many parts are done, and name those that want somebody's attention; at most 5 statements.

    For example: "3 of 8 parts done, 1 failed: Port x (retry to try it again)".
    """
    parts = Process.every.filter(parent_id=process.process_id, parent_seq=process.last_seq)
    counts: dict[str, int] = dict(parts.order_by().values_list("last_status").annotate(Count("pk")))
    said = [f"{counts.get(ProcessStatus.COMPLETED, 0)} of {sum(counts.values())} parts done"]
    if failed := sum(counts.get(status, 0) for status in FAILED):
        again = "it" if failed == 1 else "them"
        said.append(f"{failed} failed: {_names(parts, FAILED, failed)} (retry to try {again} again)")
    for statuses, words in _TOLD:
        if number := sum(counts.get(status, 0) for status in statuses):
            said.append(f"{number} {words}: {_names(parts, statuses, number)}")
    return ", ".join(said)


def _names(parts: ProcessQuerySet, statuses: frozenset[ProcessStatus], number: int) -> str:
    found = parts.filter(last_status__in=statuses).order_by("process_id").values_list("branch_name", flat=True)[:_NAMED]
    more = f" and {number - _NAMED} more" if number > _NAMED else ""
    return f"{', '.join(found)}{more}"
