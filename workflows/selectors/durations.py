"""How long workflows and their steps usually take: the median and the 95th percentile over the newest completed runs.

What counts is work: for a step, from its beginning to its row; for a run, the sum of its done steps. So neither a
person's pause at a form nor a night after a failure counts, while another system that a callback step waits for does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from math import ceil, floor
from operator import or_
from typing import Any, Final
from uuid import UUID

from django.core.cache import caches
from django.db import connection
from django.db.models import Q

from workflows.engine.standing import NO_STEP
from workflows.enums import ProcessKind, ProcessStatus, StepStatus, WaitKind
from workflows.models import Process, ProcessStep, Wait
from workflows.states import CLEARED_STEPS

# The newest runs tell how long it takes now, and so many rows are read however long the history is.
NEWEST: Final = 100
# Fewer runs say nothing about what is usual.
ENOUGH_RUNS: Final = 5
_KEPT_SECONDS: Final = 60


@dataclass(frozen=True)
class Spread:
    """Half of what was measured took no longer than `p50`, 95 of 100 no longer than `p95`; both in seconds."""

    p50: float
    p95: float


@dataclass(frozen=True)
class StepDurations:
    """Of one step: how long it took where it was not skipped, and in which share of the runs it was not."""

    spread: Spread | None
    share: float

    @property
    def expected(self) -> float:
        """Seconds that the step of a run to come will probably take."""
        return self.spread.p50 if self.spread is not None and self.share >= 0.5 else 0.0


@dataclass(frozen=True)
class WorkflowDurations:
    """Of one workflow. `steps` is by plan key; `asking` are those that asked a person in most runs."""

    runs: int = 0
    whole: Spread | None = None
    steps: Mapping[str, StepDurations] = field(default_factory=dict)
    asking: frozenset[str] = frozenset()

    @property
    def are_known(self) -> bool:
        return self.runs >= ENOUGH_RUNS


def workflow_durations(workflow_id: UUID) -> WorkflowDurations:
    """Return how long a workflow usually takes; see `durations_of`."""
    return durations_of([workflow_id])[workflow_id]


def durations_of(workflow_ids: Collection[UUID]) -> dict[UUID, WorkflowDurations]:
    """Return how long each workflow usually takes, as it was less than a minute ago.

    At most three statements, none for what was asked for lately. `are_known` says whether there were runs enough.
    """
    kept = caches["local"].get_many([_cache_key(each) for each in workflow_ids])
    found: dict[UUID, WorkflowDurations] = {
        each: kept[_cache_key(each)] for each in workflow_ids if _cache_key(each) in kept
    }
    if missing := sorted(set(workflow_ids) - found.keys()):
        measured = measure(missing)
        caches["local"].set_many({_cache_key(each): measured[each] for each in missing}, _KEPT_SECONDS)
        found |= measured
    return found


def _cache_key(workflow_id: UUID) -> str:
    return f"durations:{workflow_id}"


def measure(workflow_ids: Collection[UUID], *, portable: bool = False) -> dict[UUID, WorkflowDurations]:
    """Read the durations of workflows from their history."""
    if connection.vendor == "postgresql" and not portable:
        return _measure_on_postgresql(workflow_ids)
    return _measure(workflow_ids)


# PostgreSQL

_SQL: Final = """
WITH run AS (
    SELECT newest.process_id, wanted.workflow_id
    FROM unnest(%(workflows)s::uuid[]) AS wanted (workflow_id)
    CROSS JOIN LATERAL (
        SELECT process_id FROM workflows_process
        WHERE workflow_id = wanted.workflow_id AND kind = 'process' AND last_status = 'completed'
        ORDER BY started_at DESC LIMIT %(newest)s
    ) AS newest
), people AS (
    SELECT run.workflow_id, run.process_id, wait.key, wait.created_at, wait.closed_at
    FROM run JOIN workflows_wait AS wait ON wait.process_id = run.process_id AND wait.kind = 'input'
), step AS (
    SELECT run.workflow_id, run.process_id, row.key, row.status = 'skipped' AS skipped,
        greatest(0, extract(epoch FROM row.completed_at - row.started_at) - coalesce((
            SELECT sum(extract(epoch FROM people.closed_at - people.created_at)) FROM people
            WHERE people.process_id = row.process_id AND people.key = row.key
                AND people.created_at BETWEEN row.started_at AND row.completed_at
        ), 0))::float8 AS seconds
    FROM run JOIN workflows_processstep AS row ON row.process_id = run.process_id
    WHERE row.status IN ('success', 'skipped', 'complete') AND row.sub_step IS NULL AND row.key <> ''
), whole AS (
    SELECT workflow_id, process_id, sum(seconds) AS seconds FROM step GROUP BY workflow_id, process_id
)
SELECT workflow_id, 'whole', NULL, count(*),
    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY seconds)
FROM whole GROUP BY workflow_id
UNION ALL
SELECT workflow_id, 'step', key, count(*) FILTER (WHERE NOT skipped),
    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE NOT skipped)
FROM step GROUP BY workflow_id, key
UNION ALL
SELECT workflow_id, 'asking', key, count(DISTINCT process_id), NULL FROM people GROUP BY workflow_id, key
"""


def _measure_on_postgresql(workflow_ids: Collection[UUID]) -> dict[UUID, WorkflowDurations]:
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"workflows": list(workflow_ids), "newest": NEWEST})
        rows: list[tuple[UUID, str, str | None, int, list[float] | None]] = cursor.fetchall()
    tallies: dict[UUID, _Tally] = {each: _Tally() for each in workflow_ids}
    for workflow_id, what, key, count, percentiles in rows:
        tally = tallies[workflow_id]
        spread = Spread(*percentiles) if percentiles is not None else None
        match what:
            case "whole":
                tally.runs, tally.whole = count, spread
            case "step":
                tally.steps[key or ""] = (spread, count)
            case "asking":
                tally.asking[key or ""] = count
    return {each: tally.durations() for each, tally in tallies.items()}


@dataclass
class _Tally:
    """What was counted of one workflow: of each step its spread and in how many runs it was done."""

    runs: int = 0
    whole: Spread | None = None
    steps: dict[str, tuple[Spread | None, int]] = field(default_factory=dict)
    asking: dict[str, int] = field(default_factory=dict)

    def durations(self) -> WorkflowDurations:
        runs = max(self.runs, 1)
        return WorkflowDurations(
            runs=self.runs,
            whole=self.whole,
            steps={key: StepDurations(spread, count / runs) for key, (spread, count) in self.steps.items()},
            asking=frozenset(key for key, count in self.asking.items() if count / runs >= 0.5),
        )


# Anywhere

Interval = tuple[datetime, datetime | None]


def _measure(workflow_ids: Collection[UUID]) -> dict[UUID, WorkflowDurations]:
    completed = Process.every.filter(kind=ProcessKind.PROCESS, last_status=ProcessStatus.COMPLETED)
    newest = [
        Q(pk__in=completed.filter(workflow_id=each).order_by("-started_at").values("pk")[:NEWEST])
        for each in workflow_ids
    ]
    workflow_of = dict(Process.every.filter(reduce(or_, newest)).order_by().values_list("pk", "workflow_id"))
    waits = pauses_of_people(workflow_of)
    steps: dict[UUID, dict[str, list[float]]] = {each: defaultdict(list) for each in workflow_ids}
    wholes: dict[UUID, float] = dict.fromkeys(workflow_of, 0.0)
    for process_id, key, status, started_at, completed_at in (
        ProcessStep.objects.filter(process_id__in=list(workflow_of), status__in=CLEARED_STEPS, sub_step__isnull=True)
        .exclude(key=NO_STEP)
        .order_by()
        .values_list("process_id", "key", "status", "started_at", "completed_at")
    ):
        seconds = seconds_of_work(started_at, completed_at, waits.get((process_id, key), ()))
        wholes[process_id] += seconds
        done = steps[workflow_of[process_id]][key]
        if status != StepStatus.SKIPPED:
            done.append(seconds)
    tallies: dict[UUID, _Tally] = {}
    for workflow_id in workflow_ids:
        whole = [seconds for process_id, seconds in wholes.items() if workflow_of[process_id] == workflow_id]
        tally = tallies[workflow_id] = _Tally(runs=len(whole), whole=_spread(whole))
        tally.steps = {key: (_spread(done), len(done)) for key, done in steps[workflow_id].items()}
    for process_id, key in waits:
        asking = tallies[workflow_of[process_id]].asking
        asking[key] = asking.get(key, 0) + 1
    return {each: tally.durations() for each, tally in tallies.items()}


def pauses_of_people(process_ids: Iterable[UUID]) -> dict[tuple[UUID, str], list[Interval]]:
    """Return when processes waited for people, by process and step key, in one statement."""
    waits: dict[tuple[UUID, str], list[Interval]] = defaultdict(list)
    rows: Any = Wait.objects.filter(process_id__in=list(process_ids), kind=WaitKind.INPUT).order_by()
    for process_id, key, created_at, closed_at in rows.values_list("process_id", "key", "created_at", "closed_at"):
        waits[process_id, key].append((created_at, closed_at))
    return waits


def seconds_of_work(started_at: datetime, ended_at: datetime, pauses: Iterable[Interval]) -> float:
    """Return the seconds between two moments without those in which a person was waited for."""
    waited = sum(
        ((closed_at or ended_at) - created_at).total_seconds()
        for created_at, closed_at in pauses
        if started_at <= created_at <= ended_at
    )
    return max((ended_at - started_at).total_seconds() - waited, 0.0)


def _spread(seconds: list[float]) -> Spread | None:
    ordered = sorted(seconds)
    return Spread(_percentile(ordered, 0.5), _percentile(ordered, 0.95)) if ordered else None


def _percentile(ordered: list[float], share: float) -> float:
    """Interpolate between the two nearest, as PostgreSQL's `percentile_cont` does."""
    place = share * (len(ordered) - 1)
    low, high = ordered[floor(place)], ordered[ceil(place)]
    return low + (high - low) * (place - floor(place))
