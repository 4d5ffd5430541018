"""The embedded executor: a bounded pool of threads in the web process."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from workflows.engine import claims, deadlines
from workflows.engine.runner import run
from workflows.executors.base import runner_id
from workflows.executors.keeper import Keeper

logger = logging.getLogger(__name__)


class ThreadPool:
    """`MAX_WORKERS` threads that run what they are rung for, and otherwise what the database says is due."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._runner = runner_id()
        self._keeper = Keeper(self._runner, sweep=self._look)
        self._wanted: deque[UUID] = deque()
        # A bell came that was not kept, because enough waited: the database knows.
        self._more = False
        self._condition = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        if self._threads:
            return
        self._stopping = False
        self._more = True
        self._threads = [
            threading.Thread(target=self._work, name=f"runner-{number}", daemon=True) for number in range(self.size)
        ]
        for thread in self._threads:
            thread.start()
        self._keeper.start()

    def stop(self, timeout: float) -> None:
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))
        if left := [thread.name for thread in self._threads if thread.is_alive()]:
            logger.warning("%s did not end in time; their processes go on elsewhere when the lease is over", left)
        self._keeper.stop()
        self._threads = []

    def ring(self, process_ids: Sequence[UUID]) -> None:
        if not self._threads:
            # Another process of ours serves, or will: it finds them in the database.
            return
        with self._condition:
            for process_id in process_ids:
                if len(self._wanted) < 2 * self.size:
                    self._wanted.append(process_id)
                else:
                    self._more = True
            self._condition.notify(len(process_ids))

    def _look(self) -> None:
        """Take what is due and unclaimed, and end waits whose time is over."""
        with self._condition:
            free = 2 * self.size - len(self._wanted)
        if found := claims.due(free):
            claims.mark_rung(found)
            self.ring(found)
            if len(found) == free:
                with self._condition:
                    # There may be more: do not wait for the next look.
                    self._more = True
        deadlines.expire_due()

    def _work(self) -> None:
        while (process_id := self._next()) is not None:
            try:
                with self._keeper.keeping(process_id):
                    run(process_id, runner=self._runner, should_stop=lambda: self._stopping)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("process %s: the database is away: %s", process_id, error)
                connection.close()
            except BaseException:  # whatever it is: a thread that ended would be missed until the next start
                logger.exception("process %s: the engine failed", process_id)
                connection.close()
        connection.close()

    def _next(self) -> UUID | None:
        """Return the next process to run, waiting for one; None when it is time to end."""
        while True:
            with self._condition:
                while not (self._stopping or self._wanted or self._more):
                    self._condition.wait()
                if self._stopping:
                    return None
                if self._wanted:
                    return self._wanted.popleft()
                self._more = False
            self._refill()

    def _refill(self) -> None:
        """Fetch what is due: bells were not kept because enough waited."""
        try:
            found = claims.due(2 * self.size)
        except Exception as error:
            logger.warning("what is due could not be read: %s", error)
            connection.close()
            return
        with self._condition:
            self._wanted.extend(found)
            self._more = len(found) == 2 * self.size
            self._condition.notify(len(found))


def make() -> ThreadPool:
    return ThreadPool(settings.MAX_WORKERS)
