"""When running processes will probably end, and which of them take longer than usual."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from wfo_site.common.clock import now
from workflows.engine.standing import is_done, standing_of
from workflows.enums import ProcessKind, ProcessStatus, WaitKind
from workflows.models import Process, ProcessStep
from workflows.selectors.durations import (
    Interval,
    Spread,
    WorkflowDurations,
    durations_of,
    pauses_of_people,
    seconds_of_work,
    workflow_durations,
)
from workflows.states import CLEARED_STEPS

# In these a step is at work, here or in another system.
_AT_WORK: Final = frozenset({ProcessStatus.RUNNING, ProcessStatus.AWAITING_CALLBACK})
# Nobody minds a few seconds, however unusual.
LATE_AFTER_SECONDS: Final = 5.0
_ROW: Final = ("seq", "key", "status", "sub_step", "detail", "started_at", "completed_at")


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Of a process at work. `usual` is of the step that runs; `ends_at` is None where nobody can tell."""

    is_late: bool = False
    ends_at: datetime | None = None
    usual: Spread | None = None


NOT_AT_WORK: Final = Estimate()


def estimate_of(process: Process, rows: Sequence[ProcessStep], remaining: Sequence[str]) -> Estimate:
    """Estimate a process from its rows and the plan keys still to do, the running step first.

    Two statements at most while it is at work, and none otherwise.
    """
    if not _is_at_work(process):
        return NOT_AT_WORK
    durations = workflow_durations(process.workflow_id)
    if not durations.are_known:
        return NOT_AT_WORK
    moment = now()
    done, current = _work(process, rows, pauses_of_people([process.pk]), moment)
    step = durations.steps.get(remaining[0]) if remaining else None
    left = _seconds_left(current, remaining, durations)
    return Estimate(
        is_late=_is_late(done + current, durations),
        ends_at=moment + timedelta(seconds=left) if left is not None else None,
        usual=step.spread if step else None,
    )


def late_among(processes: Iterable[Process]) -> set[UUID]:
    """Return the ids of those that have worked for longer than 95 of 100 runs of their workflow.

    At most five statements, however many there are; none if none of them is at work.
    """
    at_work = [process for process in processes if _is_at_work(process)]
    if not at_work:
        return set()
    known = durations_of({process.workflow_id for process in at_work})
    moment = now()
    # Who has not been there for so long, cannot have worked for so long.
    suspects = {
        process.pk: process
        for process in at_work
        if _is_late((moment - process.started_at).total_seconds(), known[process.workflow_id])
    }
    if not suspects:
        return set()
    pauses = pauses_of_people(suspects)
    rows: dict[UUID, list[ProcessStep]] = {pk: [] for pk in suspects}
    for row in ProcessStep.objects.filter(process_id__in=suspects).order_by("seq").only("process_id", *_ROW):
        rows[row.process_id].append(row)
    return {
        pk
        for pk, process in suspects.items()
        if _is_late(sum(_work(process, rows[pk], pauses, moment)), known[process.workflow_id])
    }


def _is_at_work(process: Process) -> bool:
    """Say whether a step of it is at work: here, in another system, or in its parts. A part is judged by its whole."""
    waits_for_parts = process.last_status == ProcessStatus.WAITING and process.wait_kind == WaitKind.CHILDREN
    return process.kind == ProcessKind.PROCESS and (process.last_status in _AT_WORK or waits_for_parts)


def _is_late(seconds: float, durations: WorkflowDurations) -> bool:
    whole = durations.whole
    return durations.are_known and whole is not None and seconds > max(whole.p95, LATE_AFTER_SECONDS)


def _work(
    process: Process,
    rows: Sequence[ProcessStep],
    pauses: dict[tuple[UUID, str], list[Interval]],
    moment: datetime,
) -> tuple[float, float]:
    """Return the seconds of work that the done steps took, and that the one under way has taken so far."""
    done = sum(
        seconds_of_work(row.started_at, row.completed_at, pauses.get((process.pk, row.key), ()))
        for row in rows
        if is_done(row)
    )
    last = standing_of(rows).last
    if last is not None and (last.sub_step is not None or process.wait_kind == WaitKind.CHILDREN):
        return done, seconds_of_work(last.started_at, moment, pauses.get((process.pk, last.key), ()))
    # After a stop the step began when somebody or something set the process going again.
    since = last.completed_at if last is not None and last.status in CLEARED_STEPS else process.last_modified_at
    return done, max((moment - since).total_seconds(), 0.0)


def _seconds_left(current: float, remaining: Sequence[str], durations: WorkflowDurations) -> float | None:
    """Return the seconds to the end; None if a person is asked on the way, or a step is new or later than usual."""
    if not remaining or durations.asking.intersection(remaining) or not durations.steps.keys() >= set(remaining):
        return None
    running = durations.steps[remaining[0]].spread or Spread(0.0, 0.0)
    if current > max(running.p95, LATE_AFTER_SECONDS):
        return None
    of_this = running.p50 if current <= running.p50 else running.p95
    return max(of_this - current, 0.0) + sum(durations.steps[key].expected for key in remaining[1:])
