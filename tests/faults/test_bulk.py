"""F20: a bulk of processes that is paused, partly aborted, and loses its workers. There is no canary yet."""

from __future__ import annotations

import time

import pytest

from tests.faults.harness.lab import Lab
from tests.faults.harness.oracle import THREE, assert_right
from tests.story.installation import wait_until

from .conftest import short_on

pytestmark = pytest.mark.faults

THREADS = 2


@short_on("PostgreSQL")
@pytest.mark.fault("F20")
def test_the_parts_of_a_bulk_add_up_at_every_moment(lab: Lab) -> None:
    """Paused, killed, started again and aborted in part: each look counts all, and what was not aborted is right."""
    fleet = lab.fleet()
    lab.ledger.delay = 0.02
    size, done = lab.count(30, 1000), lab.folder / "done"
    runners = [fleet.pool(THREADS) for _ in range(lab.runners)]
    (bulk,) = fleet.start("bulk", 1, pages=[{"count": size}])
    watcher = fleet.fork("watch", parent=bulk, file=str(done))

    def having(status: str) -> list[str]:
        return [pk for pk, its in fleet.ask("children", parent=bulk).items() if its == status]

    wait_until(lambda: len(having("completed")) >= size // 10)
    fleet.ask("pause")
    # What is at a step ends it and is given back.
    wait_until(lambda: not any(one["leased"] for one in fleet.ask("facts").values()))
    before = fleet.ask("children", parent=bulk)
    for runner in runners:
        runner.kill()
    waiting = [pk for pk, status in before.items() if status != "completed"]
    aborted = fleet.ask("abort", process_ids=lab.chance.sample(waiting, len(waiting) // 4))
    runners = [fleet.pool(THREADS) for _ in range(lab.runners)]
    # Long enough for the first look of each.
    time.sleep(1)
    after = fleet.ask("children", parent=bulk)
    assert [pk for pk, status in after.items() if status == "completed"] == [pk for pk in before if pk not in waiting]
    fleet.ask("unpause")
    wait_until(lambda: len(having("completed")) >= size // 2)
    for runner in runners:
        runner.kill()
        fleet.pool(THREADS)
    fleet.wait_for([bulk], "completed", seconds=120 + 2 * lab.lease)
    done.touch()
    sums = watcher.result()
    completed = having("completed")
    lab.figures.note(
        size=size,
        completed=len(completed),
        aborted=len(aborted),
        looks=len(sums),
        repeated_calls=lab.ledger.extra_calls,
    )
    assert set(sums) <= {0, size}
    assert sorted(having("aborted")) == sorted(aborted)
    assert len(completed) + len(aborted) == size
    assert_right(fleet.facts(completed), lab.ledger, THREE)
    assert lab.ledger.extra_calls <= lab.runners * THREADS
