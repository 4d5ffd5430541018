"""Which workers are online: known without waiting for those who are not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from workflows.executors import monitor as module
from workflows.executors.monitor import Monitor, OnlineWorker, ask_celery

ONE = OnlineWorker("celery@one", 4)


def wait_for(holds: Any) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def test_the_first_answer_is_waited_for_and_later_ones_are_not(settings: Any) -> None:
    """Item 97."""
    settings.WORKER_STATUS_INTERVAL = 0.0
    answers = [[ONE], [ONE, OnlineWorker("celery@two", 1)]]
    may_answer = threading.Event()
    asked: list[int] = []

    def ask() -> list[OnlineWorker]:
        asked.append(1)
        if len(asked) > 1:
            may_answer.wait(20)
        return answers[min(len(asked), 2) - 1]

    monitor = Monitor(ask)
    assert monitor.workers() == [ONE]
    assert monitor.workers() == [ONE]
    may_answer.set()
    wait_for(lambda: len(monitor.workers()) == 2)


def test_an_answer_is_kept_for_the_interval(settings: Any) -> None:
    """Item 97."""
    settings.WORKER_STATUS_INTERVAL = 1_000.0
    asked: list[int] = []
    monitor = Monitor(lambda: [asked.append(1) or ONE])  # type: ignore[func-returns-value]
    for _ in range(5):
        assert monitor.workers() == [ONE]
    assert len(asked) == 1


def test_a_broker_that_cannot_be_asked_means_that_nobody_is_known(settings: Any) -> None:
    """Item 97."""
    settings.WORKER_STATUS_INTERVAL = 0.0
    fails = threading.Event()

    def ask() -> list[OnlineWorker]:
        if fails.is_set():
            raise OSError("no broker")
        return [ONE]

    monitor = Monitor(ask)
    assert monitor.workers() == [ONE]
    fails.set()
    wait_for(lambda: monitor.workers() == [])
    fails.clear()
    wait_for(lambda: monitor.workers() == [ONE])


def test_a_broker_that_never_answers_keeps_the_first_one_waiting_only_for_a_while(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Item 97: it starts at none."""
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.05)
    release = threading.Event()

    def ask() -> list[OnlineWorker]:
        release.wait(20)
        return [ONE]

    monitor = Monitor(ask)
    assert monitor.workers() == []
    release.set()
    wait_for(lambda: monitor.workers() == [ONE])


FOUR = {"celery@one": {"pool": {"max-concurrency": 4}}}


@pytest.mark.parametrize(
    ("answers", "queues", "workers"),
    [
        (None, None, []),
        ({}, None, []),
        (FOUR, None, [ONE]),
        ({"celery@one": {"pool": {"max-concurrency": "N/A"}}}, {}, [OnlineWorker("celery@one", 1)]),
        ({"celery@one": {}}, {"celery@two": []}, [OnlineWorker("celery@one", 1)]),
        ({"celery@one": None}, {"celery@one": None}, [OnlineWorker("celery@one", 1)]),
        (
            FOUR,
            {"celery@one": [{"name": "gpu"}, {"name": "new_tasks"}, {}]},
            [OnlineWorker("celery@one", 4, frozenset({"gpu", "new_tasks"}))],
        ),
    ],
)
def test_whatever_workers_answer_is_understood(
    monkeypatch: pytest.MonkeyPatch, answers: Any, queues: Any, workers: list[OnlineWorker]
) -> None:
    """Item 96."""
    from celery.app.control import Inspect

    monkeypatch.setattr(Inspect, "stats", lambda _: answers)
    monkeypatch.setattr(Inspect, "active_queues", lambda _: queues)
    assert ask_celery() == workers


# As Flower 2 writes it, with one worker that has gone.
METRICS = """
# HELP flower_worker_prefetched_tasks Number of tasks of given type prefetched at a worker
# TYPE flower_worker_prefetched_tasks gauge
# HELP flower_worker_online Worker online status
# TYPE flower_worker_online gauge
flower_worker_online{worker="celery@two"} 1.0
flower_worker_online{worker="celery@gone"} 0.0
flower_worker_online{worker="celery@one"} 1.0
# HELP flower_worker_number_of_currently_executing_tasks Number of tasks currently executing at a worker
# TYPE flower_worker_number_of_currently_executing_tasks gauge
flower_worker_number_of_currently_executing_tasks{worker="celery@one"} 3.0
"""


class Flower(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        pages = {
            "/flower/metrics": METRICS,
            "/nobody/metrics": METRICS.replace("1.0", "0.0"),
            "/else/metrics": "up 1\n",
        }
        self.send_response(200 if self.path in pages else 404)
        self.end_headers()
        self.wfile.write(pages.get(self.path, "").encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
        """Say nothing."""


@pytest.fixture(scope="module")
def flower() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Flower) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://user:hunter2@127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_flower_is_asked_where_there_is_one(flower: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Core 2.11."""
    monkeypatch.setattr(module, "ask_celery", lambda: pytest.fail("the workers were asked"))
    settings.FLOWER_URL = f"{flower}/flower/"
    assert module.ask() == [OnlineWorker("celery@one"), OnlineWorker("celery@two")]
    settings.FLOWER_URL = f"{flower}/nobody"
    assert module.ask() == []


@pytest.mark.parametrize("path", ["/wrong", "/else", None])
def test_the_workers_are_asked_where_flower_does_not_answer(
    path: str | None, flower: str, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "ask_celery", lambda: [ONE])
    settings.FLOWER_URL = "http://user:hunter2@127.0.0.1:1" if path is None else flower + path
    assert module.ask() == [ONE]
    assert "Flower could not be asked" in caplog.text
    assert "hunter2" not in caplog.text
