"""Run what is due until nothing can go on by itself."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import Q

from workflows.testing.faults import Crash

_RUNNER: Final = "test"
_LIMIT: Final = 10_000


def run_until_idle(*process_ids: UUID) -> int:
    """Run whatever is due until nothing can go on by itself; return how often one was run.

    With `process_ids` only those, and the branches and workflows below them that are part of them.

    Waits whose time is over are ended. A run that crashes counts as one, and leaves what a killed worker leaves.
    """
    from workflows.engine import claims, deadlines

    runs = 0
    while True:
        expired = deadlines.expire_due()
        due = claims.claimable().order_by("priority", "process_id").values_list("process_id", flat=True)
        if process_ids:
            due = due.filter(Q(pk__in=process_ids) | Q(root_id__in=process_ids))
        ran = sum(_run(process_id) for process_id in due[:100])
        runs += ran
        if not (ran or expired):
            return runs
        if runs > _LIMIT:
            raise AssertionError(f"Still not idle after {runs} runs: a process starts others without end")


def _run(process_id: UUID) -> bool:
    from workflows.engine.runner import run

    try:
        return run(process_id, runner=_RUNNER)
    except Crash:
        return True
