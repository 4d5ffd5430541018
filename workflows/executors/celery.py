"""Celery as the executor: a message is a doorbell for any worker, the process row is what is worked on."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from celery import current_app
from celery.signals import worker_init, worker_process_init, worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Q

from wfo_site.common import broadcast
from workflows.engine import claims, deadlines, losses
from workflows.enums import ProcessStatus
from workflows.executors.base import runner_id
from workflows.executors.keeper import Keeper
from workflows.executors.monitor import OnlineWorker, monitor
from workflows.executors.queues import QueuesOfWorker, message_priority, queue_of
from workflows.executors.room import Room
from workflows.executors.worker_process import WorkerProcess
from workflows.models import Process

logger = logging.getLogger(__name__)

# Each bell leads to another while there is work, so more than this from here would only fill the queue.
_BELLS_PER_SECOND: Final = 100
# After a bell that could not be rung, the broker is left alone for a while, so that no request waits for it again.
_SILENCE_SECONDS: Final = 5.0
# A worker goes on with what is due for so long after one bell; then other messages have their turn.
TURN_SECONDS: Final = 2.0
# Before a child ends itself, it tells browsers what it has written.
_LAST_WORDS_SECONDS: Final = 2.0


class CeleryExecutor:
    """Publishes bells. The workers run `run_here`."""

    def __init__(self) -> None:
        self._silent_until = 0.0
        # How many bells were rung for a queue in a second.
        self._rung: Counter[tuple[str, int]] = Counter()

    def start(self) -> None:
        """Nothing: workers are started on their own."""

    def stop(self, timeout: float) -> None:
        """Nothing: workers are stopped on their own."""

    def workers(self) -> list[OnlineWorker]:
        return monitor.workers()

    def ring(self, process_ids: Sequence[UUID]) -> None:
        self.try_to_ring(process_ids)

    def try_to_ring(self, process_ids: Sequence[UUID]) -> bool:
        """Ring for these, the most urgent first. False: the broker is away, which is logged."""
        if time.monotonic() < self._silent_until:
            return False
        rows = (
            Process.every.filter(pk__in=process_ids)
            .order_by("priority", "process_id")
            .values_list("process_id", "workflow__target", "is_task", "last_status", "priority", "queue")
        )
        for process_id, target, is_task, status, priority, asked_for in rows:
            is_new = status == ProcessStatus.CREATED
            queue = queue_of(target, is_task=is_task, is_new=is_new, asked_for=asked_for)
            if not self._has_need_of_bells(queue):
                continue
            try:
                _bell(is_task=is_task, is_new=is_new).apply_async(
                    (str(process_id),), queue=queue, priority=message_priority(priority)
                )
            except Exception as error:
                logger.warning("process %s: its bell could not be rung: %s", process_id, error)
                self._silent_until = time.monotonic() + _SILENCE_SECONDS
                return False
        return True

    def _has_need_of_bells(self, queue: str) -> bool:
        """Say whether few enough bells were rung for a queue just now, and count one more."""
        second = int(time.monotonic())
        if len(self._rung) > _BELLS_PER_SECOND:
            self._rung.clear()
        self._rung[queue, second] += 1
        return self._rung[queue, second] <= _BELLS_PER_SECOND


def _bell(*, is_task: bool, is_new: bool) -> Any:
    from workflows import tasks

    if is_new:
        return tasks.new_task if is_task else tasks.new_workflow
    return tasks.resume_task if is_task else tasks.resume_workflow


_executor = CeleryExecutor()


def make() -> CeleryExecutor:
    return _executor


class Worker:
    """What the operating system processes of one Celery worker share, made before the pool forks its children.

    A child runs processes. The main process, which consumes the messages, looks for what nobody runs.
    """

    def __init__(self) -> None:
        self.room = Room()
        self._here: WorkerProcess | None = None
        self._pid = 0
        self._child_pid = 0
        self._sweeper: Keeper | None = None
        self._pool: Any = None

    @property
    def here(self) -> WorkerProcess:
        """The part of the operating system process that asks; made after the fork, so that each child has its own."""
        if self._here is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._here = WorkerProcess(
                self.room,
                ring=_executor.ring,
                replace=self._end_with,
                upkeep=self._end_in_time,
                served=lambda: self.queues,
            )
            self._here.keeper.start()
        return self._here

    @property
    def queues(self) -> QueuesOfWorker:
        """The queues that this worker listens to."""
        return QueuesOfWorker(frozenset(current_app.amqp.queues.consume_from))

    def work(self) -> None:
        """Run what is most urgent, and what comes after it for a little while; then ring if there is more."""
        ends_at = time.monotonic() + TURN_SECONDS
        while self.here.run_next(where=self.queues.processes):
            if time.monotonic() >= ends_at:
                self._ring_for_next()
                return

    def _ring_for_next(self) -> None:
        _executor.ring([due.process_id for due in claims.next_up(1, where=self.queues.processes)])

    def note_child(self) -> None:
        """This operating system process is one of the pool's children: it runs one process at a time."""
        self._child_pid = os.getpid()
        # The child before it may have died, and with it the bell that led to the next. The pool waits for children
        # only so long until it takes them for dead, so a database that is away must not keep this one.
        threading.Thread(target=self._ring_at_birth, name="ring-at-birth", daemon=True).start()

    def _ring_at_birth(self) -> None:
        try:
            self._ring_for_next()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the database is away: %s", error)
        finally:
            connection.close()

    def start_sweeping(self, pool: Any) -> None:
        self._pool = pool
        self._sweeper = Keeper(runner_id(), sweep=self._sweep)
        self._sweeper.start()

    def end(self, grace: float) -> None:
        """Take up nothing more. Called in a signal handler, so it waits for nothing."""
        self.room.close(grace)
        if self._sweeper is not None:
            self._sweeper.stop(timeout=0)

    def _end_in_time(self) -> None:
        """Leave the step that does not end to others, and end with it."""
        if self.room.is_over and self._here is not None:
            self._here.leave()
            os._exit(os.EX_TEMPFAIL)

    def _end_with(self, thread: threading.Thread) -> None:
        """End with a thread that hangs, so that the pool forks another child. Its process has been given up."""
        if self._child_pid != os.getpid():
            # Others run in here too, or it is the main process.
            logger.error("%s hangs, and its place in the pool stays taken; restart the worker", thread.name)
            return
        logger.error("%s hangs; this child ends, and the pool forks another", thread.name)
        broadcast.flush(_LAST_WORDS_SECONDS)
        if self._here is not None:
            # It may have come back this very moment, and have taken up something else.
            self._here.leave()
        os._exit(os.EX_TEMPFAIL)

    def _sweep(self) -> None:
        """Ring for what is due, end waits whose time is over, and hold what takes its worker down."""
        from celery.worker import state as worker_state

        ring_for_due(self._pool.num_processes - len(worker_state.reserved_requests), where=self.queues.processes)
        deadlines.expire_due()
        losses.hold_what_kills()


def ring_for_due(idle: int, *, where: Q) -> None:
    """Ring for what is due, no more often than there are children with nothing to do: each bell leads to another."""
    if found := claims.due(idle, where=where):
        claims.mark_rung(found)
        if not _executor.try_to_ring(found):
            claims.mark_unrung(found)


_worker: Worker | None = None


def run_here() -> None:
    """Answer a bell in the operating system process of a worker that heard it."""
    global _worker  # noqa: PLW0603 - one per worker, made at its start; here only for workers that send no signals
    if _worker is None:
        _worker = Worker()
    _worker.work()


@worker_init.connect
def _prepare(**_: object) -> None:
    global _worker  # noqa: PLW0603 - one per worker
    _worker = Worker()


@worker_process_init.connect
def _in_child(**_: object) -> None:
    # Who stops a whole group of processes means the main process: that one lets its children end their steps.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if _worker is not None:
        _worker.note_child()


@worker_ready.connect
def _begin(sender: Any, **_: object) -> None:
    if _worker is not None:
        _worker.start_sweeping(sender.pool)


@worker_shutting_down.connect
def _end(how: str, **_: object) -> None:
    if _worker is not None:
        _worker.end(settings.SHUTDOWN_GRACE_SECONDS if how == "Warm" else 0)


@worker_shutdown.connect
def _tidy(**_: object) -> None:
    if _worker is not None:
        _worker.room.remove()
