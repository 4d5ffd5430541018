"""What a step has logged, as pages show it: its last lines while it runs, all of them when somebody opens them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from wfo_site.common.errors import NotFound
from workflows.models import Process, ProcessStep, StepLogLine, StepProgress
from workflows.selectors.step_log import log_of_row, log_of_running, progress_of_running

# The newest; a running step says more in a moment.
LIVE_LINES: Final = 8


@dataclass(frozen=True, kw_only=True)
class LogPanel:
    """Lines of a step, the oldest first. `hidden`: how many came before them."""

    lines: list[StepLogLine]
    hidden: int = 0
    progress: StepProgress | None = None

    @property
    def percent(self) -> float | None:
        """How much is done; None where the total is not known, or nothing is to be done."""
        if self.progress is None or not self.progress.total:
            return None
        return min(100.0, 100.0 * self.progress.done / self.progress.total)


def running_log(process_id: UUID, key: str) -> LogPanel:
    """Read the last lines and the progress of the step `key` that runs now, in at most 6 queries. Raises NotFound."""
    process = Process.every.filter(pk=process_id).only("last_status", "epoch", "last_seq").first()
    if process is None:
        raise NotFound(f"There is no process {process_id}; it may have been deleted")
    newest = log_of_running(process, key).order_by("-id")
    lines = list(newest[:LIVE_LINES])
    hidden = newest.count() - len(lines) if len(lines) == LIVE_LINES else 0
    return LogPanel(lines=lines[::-1], hidden=max(hidden, 0), progress=progress_of_running(process, key))


def step_log(process_id: UUID, seq: int) -> LogPanel:
    """Read all lines of the step that the row `seq` tells of, in at most 4 queries. Raises NotFound."""
    row = ProcessStep.objects.filter(process_id=process_id, seq=seq).first()
    if row is None:
        raise NotFound(f"Process {process_id} has no step {seq}")
    return LogPanel(lines=list(log_of_row(row)))
