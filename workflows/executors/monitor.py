"""Which Celery workers are there: asked in the background, so that no request waits for a broker or for who is gone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx
from celery import current_app
from django.conf import settings

logger = logging.getLogger(__name__)

_ANSWER_SECONDS: Final = 1.0


@dataclass(frozen=True)
class OnlineWorker:
    """A worker that is there. `slots`: how many processes it can run at the same time, None where it did not say;
    `queues`: those that it listens to, None for all or where it did not say."""

    name: str
    slots: int | None = None
    queues: frozenset[str] | None = None


def ask() -> list[OnlineWorker]:
    """Ask Flower, if there is one, else the workers. Raises what the broker raises."""
    # It makes what is defined here.
    from workflows.executors.flower import ask_flower

    if settings.FLOWER_URL:
        try:
            return ask_flower(settings.FLOWER_URL, seconds=_ANSWER_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            # Without its text, which may hold the address and a password in it.
            logger.warning("Flower could not be asked (%s); the workers are asked", type(error).__name__)
    return ask_celery()


def ask_celery() -> list[OnlineWorker]:
    """Ask every Celery worker; who does not answer within a second does not count. Raises what the broker raises."""
    inspect = current_app.control.inspect(timeout=_ANSWER_SECONDS)
    answers: dict[str, Any] = inspect.stats() or {}
    queues: dict[str, Any] = inspect.active_queues() or {} if answers else {}
    return [OnlineWorker(name, _slots(stats), _queues(queues.get(name))) for name, stats in sorted(answers.items())]


def _queues(answer: Any) -> frozenset[str] | None:
    if not isinstance(answer, list):
        return None
    return frozenset(queue["name"] for queue in answer if isinstance(queue, dict) and "name" in queue)


def _slots(stats: Any) -> int:
    """Read the size of a worker's pool; pools differ in what they tell."""
    pool = stats.get("pool") if isinstance(stats, dict) else None
    slots = pool.get("max-concurrency") if isinstance(pool, dict) else None
    return slots if isinstance(slots, int) else 1


class Monitor:
    """Keeps the last answer, and asks again when somebody wants to know and it is older than WORKER_STATUS_INTERVAL."""

    def __init__(self, ask: Callable[[], list[OnlineWorker]] = ask) -> None:
        self._ask = ask
        self._known: list[OnlineWorker] = []
        self._asked_at: float | None = None
        self._mutex = threading.Lock()
        self._first_answer = threading.Event()

    def workers(self) -> list[OnlineWorker]:
        """Return who is online as far as is known. Only the very first call waits, for as long as workers may take."""
        with self._mutex:
            is_old = self._asked_at is None or time.monotonic() - self._asked_at > settings.WORKER_STATUS_INTERVAL
            if is_old:
                self._asked_at = time.monotonic()
        if is_old:
            threading.Thread(target=self._refresh, name="worker-monitor", daemon=True).start()
        # Two questions, and a moment.
        self._first_answer.wait(3 * _ANSWER_SECONDS)
        return self._known

    def _refresh(self) -> None:
        try:
            self._known = self._ask()
        except Exception as error:
            logger.warning("the workers could not be asked: %s", error)
            self._known = []
        self._first_answer.set()


monitor = Monitor()
