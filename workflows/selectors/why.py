"""One sentence for why a process does not run, made in one place for pages and API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from wfo_site.common.clock import now
from workflows.engine import limits, losses
from workflows.engine.registry import get_workflow
from workflows.enums import ProcessStatus, WaitKind
from workflows.models import EngineSettings, Process
from workflows.selectors.open_waits import OpenWait, open_wait
from workflows.selectors.parts import parts_sentence
from workflows.selectors.workers import unserved_queue
from workflows.states import FAILED, RESUMABLE, RUNNABLE


def why_not_running(process: Process, wait: OpenWait | None = None, *, misfit: str = "") -> str:
    """Return why nothing happens to a process right now, and what would change that; "" while it runs or has ended.

    `wait`: what it waits for, if that is known; else it is read. `misfit`: why the code does not go on where it stands.
    """
    status = process.last_status
    if status in RUNNABLE:
        return _why_not_yet(process)
    return misfit if misfit and status in RESUMABLE else _why_stopped(process, wait)


def _why_stopped(process: Process, wait: OpenWait | None) -> str:
    status = process.last_status
    step = f"Step “{process.last_step}”" if process.last_step else "Its first step"
    if status in FAILED:
        return f"{step} failed; retry to try it again, or abort."
    if status == ProcessStatus.WAITING and process.wait_kind == WaitKind.CHILDREN:
        return f"{step}: {parts_sentence(process)}."
    if process.runs_on:
        return "It was aborted. The step that was running has not ended yet; what it returns is dropped."
    if status in _WAITING:
        return _why_waiting(process, step, wait or open_wait(process))
    return ""


_OTHER_CODE: Final = (
    "Workers whose code does not go on where it stands have left it; it waits a moment for one whose code does."
)
_UNKNOWN: Final = "No worker that came by has the code of its workflow; it goes on when one has."
_WAITING: Final = frozenset({ProcessStatus.SUSPENDED, ProcessStatus.AWAITING_CALLBACK, ProcessStatus.WAITING})


def _why_waiting(process: Process, step: str, wait: OpenWait | None) -> str:
    until = f" until {_moment(wait.deadline)}" if wait is not None and wait.deadline is not None else ""
    if process.last_status == ProcessStatus.SUSPENDED:
        return f"{step} waits for {process.assignee} to fill in its form{until}."
    if process.last_status == ProcessStatus.AWAITING_CALLBACK:
        return f"{step} waits for another system to call back{until}."
    if wait is None or wait.deadline is None:
        return f"{step} failed for now; retry to try it again, or abort."
    tries = f"attempt {wait.attempt} of {wait.of}" if wait.of else f"attempt {wait.attempt or 1}"
    return f"{step} failed for now ({tries}) and is tried again at {_moment(wait.deadline)}; retry to try at once."


def _moment(moment: datetime) -> str:
    """Return a moment as people read it: the day only where it is another one."""
    universal = moment.astimezone(UTC)
    day = "" if universal.date() == now().date() else "%Y-%m-%d "
    return f"{universal:{day}%H:%M:%S} UTC"


def _why_not_yet(process: Process) -> str:
    moment = now()
    if process.held_because:
        return f"Is held: {process.held_because}."
    if process.lease_until is not None and process.lease_until > moment:
        return ""
    if losses.waits_to_be_alone(process):
        return "Its worker was lost twice; it goes on when a worker has nothing else to do, alone."
    if process.not_before is not None and process.not_before > moment:
        return f"Starts at {_moment(process.not_before)}."
    if EngineSettings.objects.filter(global_lock=True).exists():
        return "The engine is paused; it goes on when the engine does."
    return _left(process) or _no_runner(process)


def _left(process: Process) -> str:
    """Say that workers had to leave it to others."""
    if process.left_since is None:
        return ""
    return _OTHER_CODE if get_workflow(process.workflow.name) is not None else _UNKNOWN


def _no_runner(process: Process) -> str:
    is_taken_over = process.last_status == ProcessStatus.RUNNING
    waits = "Waits for a runner to take it over." if is_taken_over else "Waits for a free runner."
    return _not_served(process) or _no_place(process) or waits


def _not_served(process: Process) -> str:
    queue = unserved_queue(process)
    return f"No worker serves the queue {queue}; it goes on when one is started for it." if queue else ""


def _no_place(process: Process) -> str:
    """Say that others of its workflow take all places; no query where the workflow has no limit."""
    name = process.workflow.name
    limit = limits.by_workflow().get(name)
    running = limits.running_by_workflow({name: limit}).get(name, 0) if limit is not None else 0
    if limit is None or running < limit:
        return ""
    return f"Waits: {running} of {limit} “{name}” run; it goes on when one of them ends or waits."
