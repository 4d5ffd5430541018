"""Who runs processes, and how many wait for that."""

from __future__ import annotations

from typing import TypedDict

from django.conf import settings

from workflows.engine import claims
from workflows.executors import get_executor


class WorkerStatus(TypedDict):
    """Counts by the process table, which knows better than the queues of a broker; the workers say for themselves."""

    executor_type: str
    number_of_workers_online: int
    number_of_queued_jobs: int
    number_of_running_jobs: int


def worker_status() -> WorkerStatus:
    """Return the status in two statements. A worker counts once, however many processes it runs."""
    return {
        "executor_type": settings.EXECUTOR,
        "number_of_workers_online": len(get_executor().workers()),
        "number_of_queued_jobs": claims.waiting_count(),
        "number_of_running_jobs": claims.running_count(),
    }
