"""F21: the worker is killed on the way there and on the way back; in the end, what is outside is as it was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.faults.harness.fleet import Child, Fleet
from tests.faults.harness.lab import Lab
from tests.faults.sample.wfo_workflows import STEPS
from tests.story.installation import wait_until

from .conftest import short_on

pytestmark = [pytest.mark.faults, short_on("PostgreSQL")]


@pytest.mark.fault("F21")
def test_undo_after_a_kill_at_each_step(lab: Lab) -> None:
    """Killed between body and commit while it makes things, given up, undone, killed while it takes them away."""
    fleet = lab.fleet()
    numbers = list(range(1, STEPS + 1)) * lab.count(1, 10) if lab.part else [1, 5, 10]
    started = fleet.start("making_things", len(numbers), held=True)
    kills = [_killed(fleet, pk, f"Make {number}") for pk, number in zip(started, numbers, strict=True)]
    made = [number for pk in started for number in _outside(lab.ledger.calls, [pk])]
    fleet.ask("abort", process_ids=started)
    undone = [fleet.ask("undo", process_id=pk) for pk in started]
    # On the way back from where it had got to, killed at any step of that.
    back = [lab.chance.randint(1, number) for number in numbers]
    kills += [_killed(fleet, pk, f"Undo: Make {number}") for pk, number in zip(undone, back, strict=True)]
    fleet.pool(4)
    fleet.wait_for(undone, "completed", seconds=60 + 2 * lab.lease)
    lab.figures.note(processes=len(started), kills=len(kills), things_made=len(made))
    assert len(made) == sum(numbers)
    assert _outside(lab.ledger.calls, [*started, *undone]) == set()
    assert {one["status"] for one in fleet.facts(started).values()} == {"aborted"}


def _killed(fleet: Fleet, process_id: str, step: str) -> Child:
    """Let a child run a process and die between the body and the commit of a step."""
    fleet.ask("release", process_ids=[process_id])
    file = fleet.folder / f"died_{process_id}"
    child = fleet.fork("run_one", process_id=process_id, stop_at=f"before write|{step}|0|die", file=str(file))
    wait_until(lambda: not child.is_alive())
    assert file.exists(), child.reply.read_text()
    return child


def _outside(calls: Iterable[dict[str, Any]], process_ids: list[str]) -> set[object]:
    """Return what is outside after these calls of some processes: each thing with the number of its process."""
    there: set[object] = set()
    for call in calls:
        if call["process"] in process_ids:
            place = process_ids.index(call["process"]) % max(1, len(process_ids) // 2)
            (there.add if "makes" in call else there.discard)((place, call.get("makes", call.get("takes"))))
    return there
