"""A thread beside the runners: it keeps leases alive, writes what steps say, and looks for what nobody runs.

It has a database connection of its own: with a pool that the runners have emptied, a heartbeat would come too late.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from wfo_site.common.db.sessions import be_impatient
from workflows.engine import claims
from workflows.engine.claims import Claim
from workflows.engine.side_log import SideLog
from workflows.engine.watchdog import Watchdog

logger = logging.getLogger(__name__)

# Deadlines are to be kept to two seconds, and what is found over takes a moment to be ended.
SWEEP_SECONDS = 1.5
WRITE_EVERY_SECONDS = 0.5


class Keeper:
    """Heartbeats for the processes in `running`, and a call of `sweep` at once and then every SWEEP_SECONDS.

    `replace` gets the threads whose step has taken too long: nothing can be expected of them any more.
    """

    def __init__(
        self,
        runner: str,
        *,
        sweep: Callable[[], None] | None = None,
        replace: Callable[[threading.Thread], None] = lambda _: None,
    ) -> None:
        self.runner = runner
        self._sweep = sweep
        self._replace = replace
        self._watchdog = Watchdog(runner)
        # Each with a mark of the block that keeps it: a thread that was given up must not end what another keeps.
        self._running: dict[UUID, object] = {}
        self._let_go: list[Claim] = []
        self._mutex = threading.Lock()
        self._ending = threading.Event()
        # Something is to be done before the next round.
        self._wake = threading.Event()
        self._side_log = SideLog(self.runner, self._wake.set)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._ending.clear()
        self._watchdog.start()
        self._side_log.open()
        self._thread = threading.Thread(target=self._loop, name="keeper", daemon=True)
        self._thread.start()

    def stop(self, *, timeout: float = 5) -> None:
        self._ending.set()
        self._side_log.close()
        self._wake.set()
        self._watchdog.stop()
        if self._thread is not None and timeout:
            self._thread.join(timeout=timeout)

    @contextmanager
    def keeping(self, process_id: UUID) -> Iterator[bool]:
        """Keep the lease of a process alive during the block. False: another thread has this process already."""
        mark = object()
        with self._mutex:
            is_ours = self._running.setdefault(process_id, mark) is mark
        if not is_ours:
            yield False
            return
        try:
            yield True
        finally:
            with self._mutex:
                if self._running.get(process_id) is mark:
                    del self._running[process_id]

    @property
    def running(self) -> set[UUID]:
        with self._mutex:
            return set(self._running)

    def give_back_later(self, claim: Claim) -> None:
        """Give a process back as soon as the database is there again: its runner lives, so it need not wait."""
        with self._mutex:
            self._let_go.append(claim)

    def _loop(self) -> None:
        beat_every = settings.PROCESS_LEASE_SECONDS / 4
        # Whoever ends a wait may have to wait for an abort of thousands of parts; the leases of all others must not.
        be_impatient(beat_every)
        pause = min(beat_every, SWEEP_SECONDS)
        last_beat = time.monotonic()
        try:
            while not self._ending.is_set():
                began = time.monotonic()
                if began - last_beat >= 0.9 * beat_every and self._safely(self._beat):
                    last_beat = began
                self._safely(self._give_back)
                self._safely(self._end_overdue)
                if self._sweep is not None:
                    self._safely(self._sweep)
                self._listen(began + pause)
        finally:
            connection.close()

    def _listen(self, until: float) -> None:
        """Write what steps say until it is time for the next round; at once what is there, then what comes together."""
        while True:
            self._wake.clear()
            self._safely(self._side_log.flush)
            if self._ending.wait(min(WRITE_EVERY_SECONDS, max(0.0, until - time.monotonic()))):
                return
            self._wake.wait(max(0.0, until - time.monotonic()))
            if time.monotonic() >= until:
                return

    def _beat(self) -> None:
        claims.heartbeat(self.running, self.runner)

    def _give_back(self) -> None:
        while self._let_go:
            claims.hand_back(self._let_go[0])
            with self._mutex:
                self._let_go.pop(0)

    def _end_overdue(self) -> None:
        for step in self._watchdog.write_failures():
            if step.is_over:
                # Its thread keeps nothing any more, and another may have taken the process up again.
                continue
            with self._mutex:
                self._running.pop(step.process_id, None)
            self._replace(step.thread)

    def _safely(self, act: Callable[[], object]) -> bool:
        """Outlive a database that is away: the next round opens a new connection."""
        try:
            act()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the database is away: %s", error)
        except Exception:
            logger.exception("the keeper failed; it goes on")
        else:
            return True
        connection.close()
        return False
