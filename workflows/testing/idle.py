"""Run workflows in tests, in the test's own thread."""

from __future__ import annotations

from uuid import UUID

_RUNNER = "test"
_LIMIT = 10_000


def run_until_idle(*process_ids: UUID) -> int:
    """Run whatever is due, or only `process_ids`, until nothing can go on by itself; return how often one was run."""
    from workflows.engine import claims, deadlines
    from workflows.engine.runner import run

    runs = 0
    while due := list(process_ids) or list(claims.claimable().values_list("process_id", flat=True)[:100]):
        ran = sum(run(process_id, runner=_RUNNER) for process_id in due)
        deadlines.expire_due()
        runs += ran
        if not ran:
            return runs
        if runs > _LIMIT:
            raise AssertionError(f"Still not idle after {runs} runs: a process starts others without end")
    return runs
