"""What the page of the engine shows: who runs processes, what they run, what waits, and what is held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models.functions import Now

from workflows import selectors
from workflows.engine import limits
from workflows.executors import get_executor
from workflows.executors.monitor import OnlineWorker
from workflows.models import EngineSettings, Process, ProcessQuerySet
from workflows.selectors.engine import EngineStatus
from workflows.selectors.workers import WorkerStatus

ROWS: Final = 50


@dataclass(frozen=True)
class Limit:
    """A workflow that limits how many of its processes are run at the same time."""

    workflow: str
    running: int
    places: int

    @property
    def is_full(self) -> bool:
        return self.running >= self.places


@dataclass(frozen=True, kw_only=True)
class EnginePage:
    """The first rows of each list; `held_count` counts what is held in all."""

    status: EngineStatus
    paused_at: datetime | None
    counts: WorkerStatus
    workers: list[OnlineWorker]
    running: list[Process]
    held: list[Process]
    held_count: int
    limits: list[Limit]

    @property
    def slots(self) -> int | None:
        """How many processes can run at once; None where a worker did not say."""
        known = [worker.slots for worker in self.workers if worker.slots is not None]
        return sum(known) if len(known) == len(self.workers) else None


def engine_page() -> EnginePage:
    """Return what the page shows, in a constant number of queries. Waits for no worker for long."""
    held = Process.every.live().filter(held_because__isnull=False)
    running = Process.every.live().filter(lease_until__gte=Now())
    limited = limits.by_workflow()
    at_work = limits.running_by_workflow(limited)
    return EnginePage(
        status=selectors.engine_status(),
        paused_at=EngineSettings.objects.values_list("paused_at", flat=True).first(),
        counts=selectors.worker_status(),
        workers=get_executor().workers(),
        running=_rows(running),
        held=_rows(held),
        held_count=held.count(),
        limits=[Limit(name, at_work.get(name, 0), places) for name, places in sorted(limited.items())],
    )


def _rows(processes: ProcessQuerySet) -> list[Process]:
    return list(processes.select_related("workflow").order_by("last_modified_at")[:ROWS])
