"""Celery as the executor: a message is a doorbell for any worker, the process row is what is worked on."""

from __future__ import annotations

import logging
import mmap
import os
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from billiard.common import terminate_handler_fired  # type: ignore[attr-defined]
from celery.signals import worker_ready, worker_shutting_down
from celery.worker import state as worker_state
from django.conf import settings

from workflows.engine import claims, deadlines
from workflows.engine.runner import run
from workflows.enums import ProcessStatus
from workflows.executors.base import runner_id
from workflows.executors.keeper import Keeper
from workflows.models import Process

logger = logging.getLogger(__name__)


def queue_of(target: str, *, is_task: bool, is_new: bool) -> str:
    """Return the queue of a process: that of its target if CELERY_TARGET_QUEUES names one."""
    kind = "tasks" if is_task else "workflows"
    return settings.CELERY_TARGET_QUEUES.get(target) or f"{'new' if is_new else 'resume'}_{kind}"


class CeleryExecutor:
    """Publishes bells. The workers run `run_here`."""

    def start(self) -> None:
        """Nothing: workers are started on their own."""

    def stop(self, timeout: float) -> None:
        """Nothing: workers are stopped on their own."""

    def ring(self, process_ids: Sequence[UUID]) -> None:
        self.publish(process_ids)

    def publish(self, process_ids: Sequence[UUID]) -> list[UUID]:
        """Ring, and return those for which the bell could not be rung: the broker is away."""
        from workflows.tasks import advance_process

        left = set(process_ids)
        rows = Process.every.filter(pk__in=process_ids).values_list(
            "process_id", "workflow__target", "is_task", "last_status", "priority"
        )
        for process_id, target, is_task, status, priority in rows:
            queue = queue_of(target, is_task=is_task, is_new=status == ProcessStatus.CREATED)
            try:
                advance_process.apply_async((str(process_id),), queue=queue, priority=max(0, min(9, priority)))
            except Exception as error:
                logger.warning("process %s: its bell could not be rung: %s", process_id, error)
                break
            left.discard(process_id)
        return list(left)


class WorkerSide:
    """What one operating system process of a worker needs: a name, and a keeper of its leases."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.runner = runner_id()
        self.keeper = Keeper(self.runner)
        self.keeper.start()


_side: WorkerSide | None = None
_sweeper: Keeper | None = None
# One byte of memory that the main process shares with the children it forks: they are told to stop through it.
_stopping = mmap.mmap(-1, 1)


def is_stopping() -> bool:
    """Say whether this worker is to end: its main process was told so, or this very child was."""
    return _stopping[0] == 1 or terminate_handler_fired()


def run_here(process_id: UUID) -> None:
    """Run a process in this worker process. The keeper is made after the fork, so that each child has its own."""
    global _side  # noqa: PLW0603 - one per operating system process
    if _side is None or _side.pid != os.getpid():
        _side = WorkerSide()
    with _side.keeper.keeping(process_id):
        run(process_id, runner=_side.runner, should_stop=is_stopping)


SWEEP_BATCH = 100


def sweep(*, has_free_slot: bool) -> None:
    """Ring for what nobody runs, if somebody here could: a worker that is busy would only make the queue longer."""
    if has_free_slot and (found := claims.due(SWEEP_BATCH)):
        claims.mark_rung(found)
        if left := make().publish(found):
            claims.mark_rung(left, rung=False)
    deadlines.expire_due()


@worker_ready.connect
def _start_sweeper(sender: Any, **_: object) -> None:
    """Look for what nobody runs from a thread of the worker's main process, which has forked its children by now."""
    global _sweeper  # noqa: PLW0603 - one per worker
    slots = sender.pool.num_processes
    _sweeper = Keeper(runner_id(), sweep=lambda: sweep(has_free_slot=len(worker_state.reserved_requests) < slots))
    _sweeper.start()


@worker_shutting_down.connect
def _stop_sweeper(**_: object) -> None:
    """Let the children hand back what they run between two steps, and look no more."""
    _stopping[0] = 1
    if _sweeper is not None:
        _sweeper.stop()


def make() -> CeleryExecutor:
    return CeleryExecutor()
