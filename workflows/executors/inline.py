"""Run in the caller's own thread, right after its transaction: for tests and scripts."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from uuid import UUID

from workflows.engine.runner import run
from workflows.executors.base import runner_id
from workflows.executors.monitor import OnlineWorker


class Inline:
    """Runs what it is rung for, one after the other: what rings meanwhile comes after, never within."""

    def __init__(self) -> None:
        self._runner = runner_id()
        self._wanted: deque[UUID] = deque()
        self._draining = False

    def start(self) -> None:
        """Nothing: the caller runs."""

    def stop(self, timeout: float) -> None:
        """Nothing: the caller runs."""

    def workers(self) -> list[OnlineWorker]:
        return [OnlineWorker(self._runner, slots=1)]

    def ring(self, process_ids: Sequence[UUID]) -> None:
        self._wanted.extend(process_ids)
        if self._draining:
            return
        self._draining = True
        try:
            while self._wanted:
                process_id = self._wanted.popleft()
                if not run(process_id, runner=self._runner):
                    # Nothing runs beside it here.
                    run(process_id, runner=self._runner, alone=True)
        finally:
            self._wanted.clear()
            self._draining = False


def make() -> Inline:
    return Inline()
