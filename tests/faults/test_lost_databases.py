"""F4, F5 and F16: a database that restarts, sessions that are ended, and steps that leave transactions behind."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import psycopg
import pytest

from tests.faults.harness.fleet import Child, Fleet
from tests.faults.harness.lab import Lab
from tests.faults.harness.oracle import THREE, assert_right
from tests.faults.harness.servers import Postgres, own_postgres
from tests.story.installation import wait_until

from .conftest import needs_postgresql

pytestmark = [pytest.mark.faults, needs_postgresql]

THREADS = 2


@contextmanager
def in_background(act: Callable[[], None], seconds: float) -> Iterator[None]:
    """Do something again and again during the block, so many seconds apart."""
    ending = threading.Event()

    def loop() -> None:
        while not ending.wait(seconds):
            act()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    yield
    ending.set()
    thread.join()


def rates(lab: Lab, fleet: Fleet, *teams: list[Child]) -> list[float]:
    """Return how many three-step workflows each team of runners does per second on its own: the median of some times.

    They take turns, and the others are stopped meanwhile: no machine is as fast in one minute as in the next, and a
    database that has grown is not the one that it was.
    """
    count = lab.count(20, 400)
    found: list[list[float]] = [[] for _ in teams]
    for _ in range(lab.count(1, 9)):
        for number, team in enumerate(teams):
            others = [runner for other in teams if other is not team for runner in other]
            with stopped(others):
                found[number].append(_rate_of_the_middle(fleet, count))
    return [median(rates) for rates in found]


@contextmanager
def stopped(runners: list[Child]) -> Iterator[None]:
    for runner in runners:
        runner.send(signal.SIGSTOP)
    yield
    for runner in runners:
        runner.send(signal.SIGCONT)


def _rate_of_the_middle(fleet: Fleet, count: int) -> float:
    """Run so many workflows, and return how many ended per second, without the first and the last: not all runners have
    work then."""
    process_ids = fleet.start("three_steps", count, held=True)
    fleet.ask("release", process_ids=process_ids)
    fleet.wait_for_end(process_ids, seconds=300)
    ends = sorted(one["rows"][-1]["completed_at"] for one in fleet.facts(process_ids).values())
    middle = ends[count // 10 : -count // 10]
    return float((len(middle) - 1) / (middle[-1] - middle[0]))


def assert_as_fast_as_before(lab: Lab, fleet: Fleet, survivors: list[Child], before: float) -> None:
    """Runners that have lived through a fault do at least 95 % of what they did before, and of what new ones do."""
    after, new = rates(lab, fleet, survivors, [fleet.pool(THREADS) for _ in survivors])
    lab.figures.note(per_second_before=before, per_second_afterwards=after, per_second_of_new_ones=new)
    if lab.part == 1:
        assert after >= 0.95 * before
        assert after >= 0.95 * new


def assert_alive(runners: list[Child]) -> None:
    assert all(runner.is_alive() for runner in runners), "a runner did not outlive its database"


@pytest.mark.fault("F4")
def test_restarts_of_the_database(lab: Lab) -> None:
    """A crash of the server every few seconds, then an outage: every workflow right, every runner alive."""
    with own_postgres() as cluster:
        cluster.execute("CREATE DATABASE wfo")
        fleet = lab.fleet(f"{cluster.server}/wfo")
        fleet.ask("migrate")
        runners = [fleet.pool(THREADS) for _ in range(lab.runners)]
        count = lab.count(40, 5000)
        [before] = rates(lab, fleet, runners)
        began, restarts = time.monotonic(), 0
        lab.ledger.delay = 0.02
        # As long as the restarts last, so that each of them meets work.
        starter = fleet.fork("start", workflow="three_steps", count=count, seconds=lab.size(3, 660))
        while restarts < lab.count(2, 30) or not starter.reply.exists():
            time.sleep(lab.chance.uniform(*((5, 40) if lab.part else (1, 2))))
            restart(cluster, lab.chance.uniform(0, 2), "immediate")
            restarts += 1
        started = starter.result(900)
        fleet.wait_for_end(started, seconds=1200)
        took = time.monotonic() - began
        lab.ledger.delay = 0
        assert_alive(runners)
        assert_right(fleet.facts(started), lab.ledger, THREE)
        outage = lab.size(3, 60)
        restart(cluster, outage, "fast")
        back = time.monotonic()
        fleet.wait_for_end(fleet.start("three_steps", lab.count(8, 100)), seconds=30 + 2 * lab.lease)
        resumed_after = time.monotonic() - back
        assert_alive(runners)
        lab.figures.note(
            processes=len(started),
            restarts=restarts,
            seconds=took,
            outage=outage,
            work_after_outage=resumed_after,
            repeated_calls=lab.ledger.extra_calls,
        )
        assert_as_fast_as_before(lab, fleet, runners, before)
        fleet.close()


def restart(cluster: Postgres, down: float, mode: str) -> None:
    cluster.stop(mode)
    time.sleep(down)
    cluster.start()


@pytest.mark.fault("F5")
def test_sessions_ended_at_random(lab: Lab) -> None:
    """`pg_terminate_backend` on any of our sessions, five times a second, while work comes in all the time."""
    fleet = lab.fleet()
    runners = [fleet.pool(THREADS) for _ in range(lab.runners)]
    [before] = rates(lab, fleet, runners)
    ended: list[object] = []
    with psycopg.connect(f"{lab.database.server}/postgres", autocommit=True) as admin:

        def end_one() -> None:
            sessions = admin.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = %s ORDER BY pid", [lab.database.name]
            ).fetchall()
            if sessions:
                admin.execute("SELECT pg_terminate_backend(%s)", lab.chance.choice(sessions))
                ended.append(1)

        began, started = time.monotonic(), []
        with in_background(end_one, 0.2):
            while time.monotonic() - began < lab.size(4, 300):
                started += fleet.start("three_steps", 5)
    fleet.wait_for_end(started, seconds=120 + 2 * lab.lease)
    assert_alive(runners)
    lab.figures.note(processes=len(started), sessions_ended=len(ended), repeated_calls=lab.ledger.extra_calls)
    assert_right(fleet.facts(started), lab.ledger, THREE)
    assert_as_fast_as_before(lab, fleet, runners, before)


@pytest.mark.fault("F16")
def test_steps_that_leave_transactions_and_sessions(lab: Lab) -> None:
    """Steps that raise in a transaction, or leave one open: no session is idle in one, and no session stays behind."""
    fleet = lab.fleet()
    runners = [fleet.pool(THREADS) for _ in range(lab.runners)]
    idle: list[object] = []
    sessions: list[int] = []
    with psycopg.connect(f"{lab.database.server}/postgres", autocommit=True) as admin:

        def look() -> None:
            found = admin.execute(
                "SELECT state, now() - state_change > interval '1 second', query FROM pg_stat_activity "
                "WHERE datname = %s",
                [lab.database.name],
            ).fetchall()
            idle.extend(query for state, is_old, query in found if is_old and state.startswith("idle in transaction"))
            sessions.append(len(found))

        count = lab.count(20, 1430)
        with in_background(look, 0.1):
            started = fleet.start("leaking", count)
            for _ in range(3):
                # Each of its three steps fails at its first try.
                fleet.wait_for_end(started, seconds=120 + count)
                fleet.ask("resume", process_ids=started)
            fleet.wait_for_end(started, seconds=120 + count)
            wait_until(lambda: len(sessions) > 20)
    facts = fleet.facts(started)
    rows = sum(len(one["rows"]) for one in facts.values())
    lab.figures.note(
        processes=count,
        rows=rows,
        idle_in_transaction=len(idle),
        sessions_most=max(sessions),
        sessions_last=sessions[-1],
    )
    assert_alive(runners)
    assert {one["status"] for one in facts.values()} == {"completed"}
    assert all([row["status"] for row in one["rows"]].count("failed") == 3 for one in facts.values())
    assert not idle, idle
    # Each runner has a session for each thread and one for its keeper; a starter and one that asks come and go.
    assert max(sessions) <= len(runners) * (THREADS + 1) + 3
