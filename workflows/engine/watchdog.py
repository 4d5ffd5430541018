"""End steps that take longer than they may.

A thread cannot be stopped from outside. So what it holds is taken from it, its failure is written in its place, and
whatever it still comes to is dropped. The executor then puts another runner in its place.
"""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from wfo_site.common.db.sever import sever
from workflows.engine.store import FenceLost

logger = logging.getLogger(__name__)


class StepTimeout(TimeoutError):
    """A step took longer than it may, and what it has done is not known."""


@dataclass(eq=False, kw_only=True)
class StepAtWork:
    """A step that a thread of this operating system process is running. `give_up` writes its failure."""

    process_id: UUID
    runner: str
    name: str
    seconds: float
    give_up: Callable[[BaseException], object]
    thread: threading.Thread = field(default_factory=threading.current_thread)
    connection: BaseDatabaseWrapper = field(default_factory=lambda: connections[DEFAULT_DB_ALIAS])
    began: float = field(default_factory=time.monotonic)
    # Its thread has left it, in time or not.
    is_over: bool = False

    @property
    def ends_at(self) -> float:
        return self.began + self.seconds

    def timeout(self) -> StepTimeout:
        """Return the error, with the place where the thread hangs."""
        error = StepTimeout(
            f"Step “{self.name}” took longer than {self.seconds:g} s; its effect outside is unknown. Look at the other "
            "system before you retry, or give the step more time with timeout=."
        )
        frame = sys._current_frames().get(self.thread.ident or 0)
        if frame is not None:
            error.add_note("It hung at:\n" + "".join(traceback.format_stack(frame)))
        return error


class Watchdog:
    """Watches the steps of one runner. Its thread needs no database: it must work when a hung step locks all of it."""

    def __init__(self, runner: str) -> None:
        self.runner = runner
        self._condition = threading.Condition()
        self._at_work: set[StepAtWork] = set()
        # Overdue and cut off; the failure is not yet written.
        self._lost: list[StepAtWork] = []
        self._wakes_at = math.inf
        self._is_ending = False

    def start(self) -> None:
        _watchdogs[self.runner] = self
        self._is_ending = False
        threading.Thread(target=self._loop, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        _watchdogs.pop(self.runner, None)
        with self._condition:
            self._is_ending = True
            self._condition.notify()

    def begin(self, step: StepAtWork) -> None:
        with self._condition:
            self._at_work.add(step)
            if step.ends_at < self._wakes_at:
                self._condition.notify()

    def end(self, step: StepAtWork) -> bool:
        """Take note that a step has ended; False: it was given up before."""
        with self._condition:
            is_in_time = step in self._at_work
            self._at_work.discard(step)
            step.is_over = True
        return is_in_time

    def write_failures(self) -> Iterator[StepAtWork]:
        """Write the failures of the steps that were cut off, and return each: its thread is lost unless it is over.

        An error of the database is raised; those that are left are tried again the next time.
        """
        while self._lost:
            step = self._lost[0]
            error = step.timeout()
            try:
                step.give_up(error)
            except FenceLost:
                logger.info("process %s: its step hangs, and it was taken from its runner before", step.process_id)
            else:
                logger.error("process %s: %s", step.process_id, error)
            self._lost.pop(0)
            yield step

    def _loop(self) -> None:
        while True:
            with self._condition:
                self._wakes_at = min((step.ends_at for step in self._at_work), default=math.inf)
                self._condition.wait(min(max(0.0, self._wakes_at - time.monotonic()), threading.TIMEOUT_MAX))
                if self._is_ending:
                    return
                overdue = [step for step in self._at_work if step.ends_at <= time.monotonic()]
                self._at_work.difference_update(overdue)
            for step in overdue:
                # A thread that has come back meanwhile does other work on its connection.
                if not step.is_over:
                    sever(step.connection, is_back=partial(getattr, step, "is_over"))
                self._lost.append(step)


_watchdogs: dict[str, Watchdog] = {}


@contextmanager
def watching(step: StepAtWork) -> Iterator[None]:
    """Have the step of the block watched, if its runner has a watchdog.

    Raises FenceLost where it was given up meanwhile, whatever it came to.
    """
    watchdog = _watchdogs.get(step.runner)
    if watchdog is None:
        yield
        return
    watchdog.begin(step)
    try:
        yield
    finally:
        if not watchdog.end(step):
            raise FenceLost
