"""Who runs processes, and how many wait for that."""

from __future__ import annotations

from typing import TypedDict

from django.conf import settings

from workflows.engine import claims
from workflows.executors import get_executor
from workflows.executors.queues import queue_of_process
from workflows.models import Process


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


def unserved_queue(process: Process) -> str:
    """Return the queue that a process waits on, if it is known that no worker listens to it; else "". No query.

    Executors without a broker serve every queue.
    """
    if settings.EXECUTOR != "celery":
        return ""
    queue = queue_of_process(process)
    is_served = any(worker.queues is None or queue in worker.queues for worker in get_executor().workers())
    return "" if is_served else queue
