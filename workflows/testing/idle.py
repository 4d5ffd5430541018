"""Run what is due until nothing can go on by itself."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from workflows.testing.faults import Crash

_RUNNER: Final = "test"
_LIMIT: Final = 10_000


def run_until_idle(*process_ids: UUID) -> int:
    """Run whatever is due, or only `process_ids`, until nothing can go on by itself; return how often one was run.

    Waits whose time is over are ended. A run that crashes counts as one, and leaves what a killed worker leaves.
    """
    from workflows.engine import claims, deadlines

    runs = 0
    while True:
        expired = deadlines.expire_due()
        due = claims.claimable().order_by("priority", "process_id").values_list("process_id", flat=True)
        ran = sum(_run(process_id) for process_id in process_ids or due[:100])
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
