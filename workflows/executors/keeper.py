"""A thread beside the runners that keeps their leases alive and looks for what nobody runs.

It has a database connection of its own: with a pool that the runners have emptied, a heartbeat would come too late.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from workflows.engine import claims

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0


class Keeper:
    """Heartbeats for the processes in `running`, and a call of `sweep` every other second."""

    def __init__(self, runner: str, *, sweep: Callable[[], None] | None = None) -> None:
        self.runner = runner
        self._sweep = sweep
        self._running: Counter[UUID] = Counter()
        self._mutex = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._ending.clear()
        self._thread = threading.Thread(target=self._loop, name="keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    @contextmanager
    def keeping(self, process_id: UUID) -> Iterator[None]:
        """Keep the lease of a process alive during the block.

        Blocks of one process may overlap: who was rung for it a second time finds it taken and leaves at once, while
        the first still needs its lease.
        """
        with self._mutex:
            self._running[process_id] += 1
        try:
            yield
        finally:
            with self._mutex:
                self._running[process_id] -= 1
                if not self._running[process_id]:
                    del self._running[process_id]

    @property
    def running(self) -> set[UUID]:
        with self._mutex:
            return set(self._running)

    def _loop(self) -> None:
        beat_every = settings.PROCESS_LEASE_SECONDS / 4
        next_beat = time.monotonic() + beat_every
        try:
            while not self._ending.wait(max(0.0, min(next_beat - time.monotonic(), SWEEP_SECONDS))):
                # By the clock, not by counting rounds: a sweep may have taken long.
                if time.monotonic() >= next_beat:
                    next_beat = time.monotonic() + beat_every
                    self._safely(lambda: claims.heartbeat(self.running, self.runner))
                if self._sweep is not None:
                    self._safely(self._sweep)
        finally:
            connection.close()

    def _safely(self, act: Callable[[], None]) -> None:
        """Outlive a database that is away: the next round opens a new connection."""
        try:
            act()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the database is away: %s", error)
            connection.close()
        except Exception:
            logger.exception("the keeper failed; it goes on")
            connection.close()
