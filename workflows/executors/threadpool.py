"""The embedded executor: a bounded pool of threads in the web process."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import connection

from workflows.engine import claims, deadlines, losses
from workflows.executors.monitor import OnlineWorker
from workflows.executors.room import Room
from workflows.executors.worker_process import WorkerProcess

logger = logging.getLogger(__name__)


class ThreadPool:
    """`MAX_WORKERS` threads, each of which runs the most urgent process that is due until there is none.

    A bell wakes one that sleeps. Which process it was rung for does not matter: the database knows what comes first.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._condition = threading.Condition()
        self._bells = 0
        self._numbers = itertools.count()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        if self._threads:
            return
        self.room = Room()
        self._worker = WorkerProcess(self.room, ring=self.ring, replace=self._replace, upkeep=self._look)
        self._bells = self.size
        self._threads = [self._new_thread() for _ in range(self.size)]
        for thread in self._threads:
            thread.start()
        self._worker.keeper.start()

    def stop(self, timeout: float) -> None:
        if not self._threads:
            return
        self.room.close(timeout)
        if running := len(self._worker.keeper.running):
            logger.warning("waiting up to %g s for the running steps of %d processes to end", timeout, running)
        with self._condition:
            self._condition.notify_all()
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))
        self._worker.keeper.stop()
        if any(thread.is_alive() for thread in self._threads):
            self._worker.leave()
        else:
            self.room.remove()
        self._threads = []

    def workers(self) -> list[OnlineWorker]:
        return [OnlineWorker(self._worker.runner, slots=self.size)] if self._threads else []

    def ring(self, process_ids: Sequence[UUID]) -> None:
        # Without threads another process of ours serves, or will: it finds them in the database.
        with self._condition:
            self._bells = min(self.size, self._bells + len(process_ids))
            self._condition.notify(len(process_ids))

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._work, name=f"runner-{next(self._numbers)}", daemon=True)

    def _replace(self, lost: threading.Thread) -> None:
        """Put another thread in the place of one that hangs; that one ends when it comes back, if ever."""
        with self._condition:
            if lost not in self._threads:
                return
            thread = self._new_thread()
            # Before it is in the list: whoever stops the pool joins what is there.
            thread.start()
            self._threads[self._threads.index(lost)] = thread
            self._bells = min(self.size, self._bells + 1)
            # It may have come back this very moment, and wait for a bell.
            self._condition.notify_all()
        logger.error("%s hangs; %s takes its place", lost.name, thread.name)

    def _is_lost(self) -> bool:
        return threading.current_thread() not in self._threads

    def _look(self) -> None:
        """Wake threads for what is due, end waits whose time is over, and hold what takes its worker down."""
        self.ring(claims.due(self.size))
        deadlines.expire_due()
        losses.hold_what_kills()

    def _work(self) -> None:
        while self._wait_for_bell():
            while self._worker.run_next() and not self._is_lost():
                pass
        connection.close()

    def _wait_for_bell(self) -> bool:
        """Sleep until a bell rings; False when it is time to end."""
        with self._condition:
            while not (self._bells or self.room.is_closing or self._is_lost()):
                self._condition.wait()
            if self._is_lost():
                return False
            self._bells -= 1
        return not self.room.is_closing


def make() -> ThreadPool:
    return ThreadPool(settings.MAX_WORKERS)
