"""Celery workers at work on Redis and on RabbitMQ: double bells, priorities, queues, deploys, a broker that is away."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.faults.harness.figures import Figures
from tests.story.installation import Installation, Program, kill, wait_until
from workflows.executors.celery import TURN_SECONDS

from .conftest import places, short_on
from .fleet import Ledger, broker_url, celery_worker, select, start, statuses, trouble

pytestmark = [pytest.mark.faults, short_on("PostgreSQL")]

GRACE = 4
# Every other one is told as a whole group.
DEPLOYS = 2
REDIS_FIRST = places(short=["redis"], long=["rabbitmq"])
# Asked until so many workers have answered, or a while is over: what is known is refreshed in the background.
WORKER_STATUS = """
import time
from django.conf import settings
from workflows.selectors import worker_status
settings.WORKER_STATUS_INTERVAL = 0.5
until = time.monotonic() + 20
while (status := worker_status())["number_of_workers_online"] != %d and time.monotonic() < until:
    time.sleep(0.2)
print(json.dumps(status))
"""


@contextmanager
def working(*workers: Program) -> Iterator[None]:
    try:
        yield
    finally:
        for worker in workers:
            kill(worker)


def until_done(installation: Installation, count: int, seconds: float = 120) -> None:
    wait_until(lambda: statuses(installation.database) == {"completed": count}, seconds)


@pytest.mark.parametrize("broker", places(short=["rabbitmq"], long=["redis"]))
@pytest.mark.fault("F8")
def test_bells_that_come_many_times_do_everything_once(tmp_path: Path, broker: str, figures: Figures) -> None:
    """F8, and worker status with nobody online and with two."""
    installation = trouble(tmp_path, executor="celery", broker=broker_url(broker))
    started = start(installation, *[("worker_bee", {})] * 12)
    assert installation.ask(WORKER_STATUS % 0) == {
        "executor_type": "celery",
        "number_of_workers_online": 0,
        "number_of_queued_jobs": 12,
        "number_of_running_jobs": 0,
    }
    installation.ask(
        "from workflows.executors import get_executor\n"
        f"for _ in range(5): get_executor().ring({started!r})\nprint(json.dumps(0))"
    )
    with working(celery_worker(installation, name="one"), celery_worker(installation, "-c", "3", name="two")):
        until_done(installation, 12)
        assert installation.ask(WORKER_STATUS % 2)["number_of_workers_online"] == 2
    ledger = Ledger(installation)
    figures.note(processes=12, bells=6 * 12, steps_begun=ledger.count("Work", "begun"))
    assert (ledger.count("Work", "begun"), ledger.count("Work", "done")) == (36, 36)
    installation.database.drop()


@pytest.mark.parametrize("broker", REDIS_FIRST)
def test_what_somebody_waits_for_overtakes_a_batch(tmp_path: Path, broker: str) -> None:
    installation = trouble(tmp_path, executor="celery", broker=broker_url(broker))
    ledger, file = Ledger(installation), tmp_path / "go"
    with working(celery_worker(installation, "-c", "1")):
        start(installation, ("waiter", {"file": str(file)}))
        wait_until(lambda: ledger.count("file", "begun") == 1)
        batch = start(installation, *[("worker_bee", {})] * 5, priority=6)
        (urgent,) = start(installation, ("worker_bee", {}))
        file.touch()
        until_done(installation, 7)
    order = [line[0] for line in ledger.lines() if line[1] == "Work" and line[0] in (urgent, *batch)]
    assert list(dict.fromkeys(order)) == [urgent, *batch]
    installation.database.drop()


@pytest.mark.parametrize("broker", REDIS_FIRST)
@pytest.mark.fault("F6")
def test_deploys_fail_nothing_hand_back_in_time_and_blame_nobody(tmp_path: Path, broker: str, figures: Figures) -> None:
    """F6: SIGTERM to one worker after the other, as a rolling deploy does. One step never ends by itself."""
    installation = trouble(tmp_path, executor="celery", broker=broker_url(broker), SHUTDOWN_GRACE_SECONDS=str(GRACE))
    ledger, file = Ledger(installation), tmp_path / "go"
    jobs = [("waiter", {"file": str(file)}), *[("worker_bee", {"seconds": 0.7})] * 10]
    start(installation, *jobs)
    worker, slowest = celery_worker(installation, "-c", "3", name="one"), 0.0
    try:
        for number in range(DEPLOYS):
            wait_until(partial(_waits_in, ledger, number + 1))
            replacement = celery_worker(installation, "-c", "3", name=f"deploy-{number}")
            # Once to the main process, and once to the whole group, as systemd does.
            (os.kill if number % 2 else os.killpg)(worker.pid, signal.SIGTERM)
            began = time.monotonic()
            assert worker.wait(timeout=GRACE + 25) == 0
            slowest = max(slowest, time.monotonic() - began)
            worker = replacement
            found = select(installation.database, "last_status, lost_claims, lease_until")
            assert {status for status, _, _ in found} <= {"created", "running", "completed"}
        file.touch()
        until_done(installation, len(jobs))
    finally:
        kill(worker)
    assert set(select(installation.database, "lost_claims, held_because")) == {(0, None)}
    # Whatever was begun was ended, but for the step that was cut off by each deploy.
    assert ledger.count("Work", "begun") == ledger.count("Work", "done") == 3 * 10 + 1
    assert ledger.count("file", "begun") == DEPLOYS + 1
    figures.note(processes=len(jobs), deploys=DEPLOYS, slowest_stop=slowest, grace=GRACE)
    installation.database.drop()


def _waits_in(ledger: Ledger, times: int) -> bool:
    return ledger.count("file", "begun") == times


def test_a_worker_runs_what_belongs_to_its_queues_and_nothing_else(tmp_path: Path) -> None:
    installation = trouble(
        tmp_path, executor="celery", broker=broker_url("redis"), CELERY_TARGET_QUEUES='{"SYSTEM": "special"}'
    )
    standard = ("-Q", "new_workflows,new_tasks,resume_workflows,resume_tasks")
    with working(celery_worker(installation, *standard, name="standard")):
        log = installation.database.folder / "standard.log"
        wait_until(lambda: " ready." in log.read_text())
        start(installation, *[("worker_bee", {})] * 3)
        time.sleep(2)  # long enough for two looks of the sweeper
        assert statuses(installation.database) == {"created": 3}
        with working(celery_worker(installation, "-Q", "special", name="special")):
            until_done(installation, 3)
    assert "Task tasks" not in log.read_text()
    installation.database.drop()


@pytest.mark.parametrize("broker", REDIS_FIRST)
def test_a_step_that_asks_for_a_queue_waits_for_a_worker_of_it(tmp_path: Path, broker: str) -> None:
    installation = trouble(tmp_path, executor="celery", broker=broker_url(broker))
    with working(celery_worker(installation, name="standard")):
        processes = start(installation, *[("trainer", {})] * 3)
        waiting = {("running", "Report", "gpu", None)}
        wait_until(lambda: set(select(installation.database, "last_status, last_step, queue, runner")) == waiting)
        assert installation.ask(
            "from workflows.selectors import process_detail\nfrom uuid import UUID\n"
            f"print(json.dumps(process_detail(UUID({processes[0]!r}))['why']))"
        ) == ("No worker serves the queue gpu; it goes on when one is started for it.")
        with working(celery_worker(installation, "-Q", "gpu", name="gpu")):
            until_done(installation, 3)
    done = Counter((line[1], line[-1]) for line in Ledger(installation).lines())
    assert done == {("Report", "standard"): 6, ("Train", "gpu"): 6}
    installation.database.drop()


@pytest.mark.parametrize("pool", ["threads", "solo"])
@pytest.mark.long
def test_other_pools_end_in_time_too(tmp_path: Path, pool: str) -> None:
    installation = trouble(tmp_path, executor="celery", broker=broker_url("redis"), SHUTDOWN_GRACE_SECONDS=str(GRACE))
    ledger, file = Ledger(installation), tmp_path / "go"
    start(installation, ("waiter", {"file": str(file)}), ("worker_bee", {}))
    worker = celery_worker(installation, "-P", pool, "-c", "2", name=pool)
    try:
        wait_until(partial(_waits_in, ledger, 1))
        os.kill(worker.pid, signal.SIGTERM)
        worker.wait(timeout=GRACE + 25)
        file.touch()
        worker = celery_worker(installation, "-P", pool, "-c", "2", name="after")
        until_done(installation, 2)
    finally:
        kill(worker)
    assert set(select(installation.database, "lost_claims, held_because")) == {(0, None)}
    installation.database.drop()


@contextmanager
def redis_server(port: int, folder: Path) -> Iterator[None]:
    """Run a Redis of our own, which is killed at the end."""
    program = shutil.which("redis-server")
    if program is None:
        if os.environ.get("CI") == "true":
            raise FileNotFoundError("redis-server")
        pytest.skip("no redis-server to start and stop")
    server = subprocess.Popen(
        [program, "--port", str(port), "--save", "", "--dir", str(folder)], stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _listens(port))
        yield
    finally:
        server.kill()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def test_a_broker_that_goes_away_delays_and_loses_nothing(tmp_path: Path) -> None:
    """Starts stand without it, a running step ends, and when it is back the sweeper rings for what was missed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    installation = trouble(tmp_path, executor="celery", broker=f"redis://127.0.0.1:{port}/0")
    ledger, file = Ledger(installation), tmp_path / "go"
    with redis_server(port, tmp_path):
        worker = celery_worker(installation)
        start(installation, ("waiter", {"file": str(file)}))
        wait_until(partial(_waits_in, ledger, 1))
    turn_is_over = time.monotonic() + TURN_SECONDS
    with working(worker):
        start(installation, *[("worker_bee", {})] * 6)
        # A child whose turn is not over would take them up without a bell.
        wait_until(lambda: time.monotonic() > turn_is_over)
        file.touch()
        wait_until(lambda: statuses(installation.database) == {"completed": 1, "created": 6})
        with redis_server(port, tmp_path):
            until_done(installation, 7)
    assert ledger.count("Work", "begun") == 6 * 3 + 1
    installation.database.drop()
