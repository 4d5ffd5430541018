"""F1, F2, F3, F6 and F24: runners that die, sleep or are lied to, and what becomes of their work."""

from __future__ import annotations

import math
import signal
import time
from pathlib import Path

import pytest

from tests.faults.harness.figures import percentile
from tests.faults.harness.fleet import Child, Fleet
from tests.faults.harness.lab import Lab
from tests.faults.harness.oracle import TEN, THREE, assert_right
from tests.story.installation import wait_until

from .conftest import short_on

pytestmark = pytest.mark.faults

THREADS = 2


@pytest.mark.fault("F1")
def test_runners_killed_at_random(lab: Lab) -> None:
    """`kill -9` of a random runner again and again: all is done, in here once, outside with one key each."""
    fleet = lab.fleet()
    # Three kills in a row at one step have it held. With one runner, to which all kills go, it must be short.
    lab.ledger.delay = 0.1 if lab.runners > 1 else 0.02
    started = fleet.start("ten_steps", lab.count(20, 1000), held=True)
    runners = [fleet.pool(THREADS) for _ in range(lab.runners)]
    began, kills, least, every = time.monotonic(), 0, lab.size(5, 600), 2 if lab.part else 1
    waiting, share = list(started), math.ceil(len(started) * every / least)
    while time.monotonic() - began < least:
        # So many at a time that kills meet work, and not always at its beginning.
        released, waiting = waiting[:share], waiting[share:]
        apart = every * lab.chance.uniform(0.8, 1.2)
        before = apart * lab.chance.random()
        time.sleep(before)
        fleet.ask("release", process_ids=released)
        time.sleep(apart - before)
        victim = lab.chance.randrange(len(runners))
        runners[victim].kill()
        runners[victim] = fleet.pool(THREADS)
        kills += 1
    fleet.ask("release", process_ids=waiting)
    fleet.wait_for_end(started, seconds=120 + lab.lease)
    repeated = lab.ledger.extra_calls
    lab.figures.note(processes=len(started), kills=kills, seconds=time.monotonic() - began, repeated_calls=repeated)
    assert_right(fleet.facts(started), lab.ledger, TEN)
    # A kill hits at most one call of each thread.
    assert repeated <= kills * THREADS


@short_on("PostgreSQL")
@pytest.mark.fault("F6")
def test_all_runners_down_and_up_again(lab: Lab) -> None:
    """All are killed with work under way, and more comes in: once they are up, it begins at once and nothing fails."""
    fleet = lab.fleet()
    lab.ledger.gate.clear()
    # In the long form some fifty are under way.
    threads = lab.count(THREADS, 13)
    runners = [fleet.pool(threads) for _ in range(lab.runners)]
    running = fleet.start("three_steps", len(runners) * threads)
    wait_until(lambda: len(lab.ledger.calls) >= len(running))
    for runner in runners:
        runner.kill()
    queued = fleet.start("three_steps", lab.count(10, 500))
    time.sleep(lab.size(1, 600))
    lab.ledger.gate.set()
    called, up = len(lab.ledger.calls), time.monotonic()
    for _ in runners:
        fleet.pool(threads)
    wait_until(lambda: len(lab.ledger.calls) > called)
    begun_after = time.monotonic() - up
    fleet.wait_for_end([*running, *queued], seconds=120 + 2 * lab.lease)
    lab.figures.note(running=len(running), queued=len(queued), begun_after=begun_after)
    assert_right(fleet.facts([*running, *queued]), lab.ledger, THREE)
    assert begun_after <= 5


@short_on("PostgreSQL")
@pytest.mark.fault("F2")
def test_kills_at_each_named_place(lab: Lab) -> None:
    """Before and after a claim, between body and commit, after the commit, in the last step; at each of ten steps."""
    fleet = lab.fleet()
    numbers = range(1, 11) if lab.part else (1, 6, 10)
    cases = [
        *((point, f"Step {number}") for point in ("before claim", "after claim") for number in numbers),
        *((point, f"Step {number}") for point in ("before write", "after write") for number in numbers),
        *((point, "Done") for point in ("before write", "after write") for _ in range(max(1, len(numbers) // 2))),
    ] * lab.count(1, 20)
    started = fleet.start("ten_steps", len(cases), held=True)
    # The one that takes over is there all the time.
    fleet.pool(4)
    died: dict[str, float] = {}
    for process_id, (point, step) in zip(started, cases, strict=True):
        fleet.ask("release", process_ids=[process_id])
        file = lab.folder / f"died_{process_id}"
        child = _run_to_death(fleet, process_id, point, step, file)
        wait_until(lambda child=child: not child.is_alive())  # type: ignore[misc]
        if file.exists():
            died[process_id] = float(file.read_text())
    fleet.wait_for_end(started, seconds=60 + 2 * lab.lease)
    facts = fleet.facts(started)
    recovered = [
        min(later) - moment
        for process_id, moment in died.items()
        if (later := [row["started_at"] for row in facts[process_id]["rows"] if row["started_at"] > moment])
    ]
    lab.figures.note(
        kills=len(died),
        # The other runner found these in the moment between their release and their run.
        taken_before=len(cases) - len(died),
        repeated_calls=lab.ledger.extra_calls,
        recovery_p50=percentile(recovered, 0.5),
        recovery_p95=percentile(recovered, 0.95),
        recovery_max=max(recovered),
    )
    assert_right(facts, lab.ledger, TEN)
    assert len(died) > len(cases) / 2
    # The lease, a sweep, and some seconds for a machine that is busy.
    assert max(recovered) <= lab.lease + 10


def _run_to_death(fleet: Fleet, process_id: str, point: str, step: str, file: Path) -> Child:
    """Have a process run by a child that dies at a place, and writes the moment into a file before."""
    is_claim = point.endswith("claim")
    if is_claim:
        # Up to that step by one that hands back in good order; then the claim that is meant.
        fleet.ask("run_one", process_id=process_id, steps=TEN.index(step))
    stop_at = f"{point}|{'' if is_claim else step}|0|die"
    return fleet.fork("run_one", process_id=process_id, stop_at=stop_at, file=str(file))


@short_on("PostgreSQL")
@pytest.mark.fault("F3")
def test_runners_that_sleep_past_their_lease(lab: Lab) -> None:
    """SIGSTOP between a body and its commit, SIGCONT when another has done the work: not one late write gets in."""
    fleet = lab.fleet()
    started, late = [], 0
    # Each that sleeps keeps a session of the server, which has a hundred.
    for count in portions(lab.count(8, 200), 50):
        processes, changed = _wake_when_all_is_done(lab, fleet, count)
        started += processes
        late += changed
    lab.figures.note(sleepers=len(started), late_writes=late, repeated_calls=lab.ledger.extra_calls)
    assert late == 0
    assert_right(fleet.facts(started), lab.ledger, TEN)
    assert lab.ledger.extra_calls == len(started)


def portions(whole: int, most: int) -> list[int]:
    """Return numbers that make up the whole, none of which is over `most`."""
    return [min(most, whole - done) for done in range(0, whole, most)]


def _wake_when_all_is_done(lab: Lab, fleet: Fleet, count: int) -> tuple[list[str], int]:
    """Let others do what so many sleepers were at, then wake them; return the processes, and how many changed then."""
    started = fleet.start("ten_steps", count, held=True)
    sleepers: list[Child] = []
    for process_id in started:
        fleet.ask("release", process_ids=[process_id])
        # The odd ones fall asleep in a transaction. On SQLite nobody can write then, and nobody else should be there.
        number = lab.chance.randint(1, 10) if lab.is_on_postgresql else lab.chance.choice([2, 4, 6, 8, 10])
        step, file = f"Step {number}", lab.folder / f"asleep_{process_id}"
        stop_at = f"before write|{step}|0|freeze"
        sleepers.append(fleet.fork("run_one", process_id=process_id, stop_at=stop_at, file=str(file)))
        wait_until(file.exists)
    others = fleet.pool(4)
    fleet.wait_for_end(started, seconds=60 + 2 * lab.lease)
    time.sleep(lab.size(0, 100))
    before = fleet.facts(started)
    for child in sleepers:
        child.send(signal.SIGCONT)
    assert all(child.result() for child in sleepers)
    others.kill()
    after = fleet.facts(started)
    return started, sum(before[process_id] != after[process_id] for process_id in started)


LIES = {
    "no lease while running": {"last_status": "'running'", "lease_until": "NULL", "runner": "'gone'"},
    "a lease that is over": {"last_status": "'running'", "lease_until": "{past}", "runner": "'gone'"},
    "a lease far ahead": {"last_status": "'running'", "lease_until": "{future}", "runner": "'gone'"},
    "a lease and no status to match": {"last_status": "'created'", "lease_until": "{past}"},
    "rung in the future": {"rung_at": "{future}"},
    "rung just now": {"rung_at": "{now}"},
    "resumed by hand": {"last_status": "'resumed'"},
    "taken again and again": {"last_status": "'running'", "lost_claims": "2", "epoch": "41"},
}
MOMENTS = {
    True: {"now": "now()", "past": "now() - interval '1 hour'", "future": "now() + interval '1 day'"},
    False: {
        "now": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
        "past": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 hour')",
        "future": "strftime('%Y-%m-%d %H:%M:%f', 'now', '+1 day')",
    },
}


@short_on("PostgreSQL")
@pytest.mark.fault("F24")
def test_rows_that_were_edited_by_hand(lab: Lab) -> None:
    """Whatever the columns say: a process that may run is run, within two leases and a sweep."""
    fleet = lab.fleet()
    started = fleet.start("ten_steps", lab.count(len(LIES), 100), held=True)
    lies, moments = list(LIES.values()), MOMENTS[lab.is_on_postgresql]
    for number, process_id in enumerate(started):
        lie = {name: value.format(**moments) for name, value in lies[number % len(lies)].items()}
        fleet.ask("edit", process_id=process_id, columns={**lie, "held_because": "NULL"})
    began = time.monotonic()
    fleet.pool(4)
    fleet.wait_for_end(started, seconds=60 + 2 * lab.lease)
    lab.figures.note(rows=len(started), seconds=time.monotonic() - began)
    assert_right(fleet.facts(started), lab.ledger, TEN)
    assert lab.ledger.extra_calls == 0
