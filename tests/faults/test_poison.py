"""Steps that kill what runs them, again and again: they are held in the end, and nobody who was near is (F17)."""

from __future__ import annotations

import signal
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.faults.harness.figures import Figures
from tests.faults.harness.lab import Lab
from tests.story.installation import Installation, wait_until

from .conftest import needs_postgresql, places, short_on
from .fleet import Ledger, broker_url, celery_worker, kept_up, select, server, start, statuses, trouble

pytestmark = pytest.mark.faults

INNOCENT, POISON = 38, 2


def assert_only_the_poison_is_held(installation: Installation, *, innocent: int, poison: int) -> None:
    ledger = Ledger(installation)
    found = select(installation.database, "process_id, last_status, held_because, lost_claims, last_step")
    held = [row for row in found if row[2] is not None]
    assert len(held) == poison
    for process_id, status, because, lost, _ in held:
        assert (status, lost) == ("running", 3)
        assert because.startswith("its worker was lost 3 times in a row in the step after “Start”")
        # A claim may be lost before its step begins, with a worker that the other one has killed; but not the last.
        assert 1 <= ledger.count(normal(process_id), "Kill", "begun") <= 3
    assert [row[1:] for row in found if row[2] is None] == [("completed", None, 0, "Done")] * innocent


def normal(process_id: object) -> str:
    """Return an id as the ledger has it; SQLite gives it without dashes."""
    text = str(process_id)
    return text if "-" in text else "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


@short_on("PostgreSQL")
@pytest.mark.parametrize("broker", places(short=["redis"], long=["rabbitmq"]))
@pytest.mark.fault("F17")
def test_what_kills_its_celery_worker_is_held_and_nothing_else(tmp_path: Path, broker: str, figures: Figures) -> None:
    """The step takes the whole worker with it, its main process and the other children, as a lack of memory does."""
    installation = trouble(tmp_path, executor="celery", broker=broker_url(broker), KILL_GROUP="1")
    jobs = [("worker_bee", {"seconds": 0.3})] * INNOCENT
    jobs[4:4] = [("killer", {})] * POISON
    start(installation, *jobs)
    began = time.monotonic()
    workers = [partial(celery_worker, installation, "-c", "3", name=name) for name in ("one", "two")]
    with kept_up(*workers) as deaths:
        until_held(installation, innocent=INNOCENT, poison=POISON)
    figures.note(processes=INNOCENT + POISON, held=POISON, deaths=len(deaths), seconds=time.monotonic() - began)
    assert_only_the_poison_is_held(installation, innocent=INNOCENT, poison=POISON)
    # Each killed its worker three times, if they did not die together.
    assert 3 <= len(deaths) <= 3 * POISON
    installation.database.drop()


@pytest.mark.long
@needs_postgresql
@pytest.mark.fault("F17")
def test_a_few_that_kill_their_child_of_a_pool_delay_the_many_by_a_tenth_at_most(tmp_path: Path, lab: Lab) -> None:
    """Each takes a child of its pool with it, as a segmentation fault does, and is held; the workers live."""
    innocent, poison = lab.count(100, 980), lab.count(2, 20)
    seconds = []
    for number, killers in enumerate((0, poison)):
        folder = tmp_path / str(number)
        folder.mkdir()
        installation = trouble(folder, executor="celery", broker=broker_url("redis"))
        jobs = [("worker_bee", {"seconds": 0.25})] * innocent
        for place in range(killers):
            jobs.insert(place * (innocent // poison + 1), ("killer", {}))
        start(installation, *jobs)
        began = time.monotonic()
        workers = [partial(celery_worker, installation, "-c", "4", name=name) for name in ("one", "two")]
        with kept_up(*workers) as deaths:
            wait_until(lambda: statuses(installation.database)["completed"] == innocent, 600)  # noqa: B023
            seconds.append(time.monotonic() - began)
            until_held(installation, innocent=innocent, poison=killers)
        assert not deaths
        assert_only_the_poison_is_held(installation, innocent=innocent, poison=killers)
        installation.database.drop()
    without, with_poison = seconds
    lab.figures.note(processes=innocent + poison, held=poison, seconds_without=without, seconds_with=with_poison)
    if lab.part == 1:
        assert with_poison <= 1.1 * without


@short_on("SQLite")
@pytest.mark.fault("F17")
def test_what_kills_the_server_is_held_and_those_in_its_thread_pool_are_not(tmp_path: Path, figures: Figures) -> None:
    """`manage.py serve` dies three times, with whatever else its threads run; then it is left alone."""
    installation = trouble(tmp_path, executor="threadpool", MAX_WORKERS="3")
    start(
        installation, *[("worker_bee", {"seconds": 0.5})] * 2, ("killer", {}), *[("worker_bee", {"seconds": 0.5})] * 6
    )
    with kept_up(partial(server, installation)) as deaths:
        until_held(installation, innocent=8, poison=1)
    figures.note(processes=9, held=1, deaths=len(deaths))
    assert_only_the_poison_is_held(installation, innocent=8, poison=1)
    assert deaths == [-signal.SIGKILL] * 3
    installation.database.drop()


def until_held(installation: Installation, *, innocent: int, poison: int) -> None:
    wanted = Counter(completed=innocent, running=poison)
    wait_until(lambda: statuses(installation.database) == wanted, 240)
    wait_until(lambda: sum(row[0] is not None for row in select(installation.database, "held_because")) == poison)
