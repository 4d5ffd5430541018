"""F14: the web process dies within a request. What it was told to do is done as a whole or not at all."""

from __future__ import annotations

import pytest

from tests.faults.harness.lab import Lab
from tests.faults.harness.oracle import THREE, assert_right
from tests.faults.harness.web import Web, killed_within, web_of

from .conftest import short_on

pytestmark = pytest.mark.faults


@short_on("PostgreSQL")
@pytest.mark.fault("F14")
def test_starts_that_are_cut_off(lab: Lab) -> None:
    """Before each statement, and between commit and answer: nothing or all of it, and the same key starts only one."""
    fleet = lab.fleet()
    keys: list[str] = []

    def start(web: Web) -> object:
        keys.append(f"key {len(keys)}")
        return web.start("three_steps", keys[-1])

    kills, kept = 0, 0
    with web_of(fleet) as healthy:
        for _ in range(lab.count(1, 20)):
            before = fleet.ask("stored")["processes"]
            for _place in killed_within(fleet, start):
                stored = fleet.ask("stored")
                assert len(set(stored.values())) == 1, f"a half start: {stored}"
                # One that was not cut off may have come before.
                kept += stored["processes"] > before
                answer = healthy.start("three_steps", keys[-1])
                assert answer is not None
                assert answer.status_code == 201
                before, kills = fleet.ask("stored")["processes"], kills + 1
        started = [healthy.start("three_steps", key).json()["id"] for key in keys]  # type: ignore[union-attr]
    lab.figures.note(starts=len(keys), kills=kills, stored_before_the_kill=kept)
    assert len(set(started)) == len(keys) == fleet.ask("stored")["processes"]
    fleet.pool(2)
    fleet.wait_for_end(started, seconds=60)
    assert_right(fleet.facts(started), lab.ledger, THREE)


@short_on("PostgreSQL")
@pytest.mark.fault("F14")
def test_answers_of_people_that_are_cut_off(lab: Lab) -> None:
    """A resume with input: the process still asks and has no input, or goes on and has it once."""
    fleet = lab.fleet()
    suspended = _suspended(lab, lab.count(8, 160))
    answered: list[str] = []

    def resume(web: Web) -> object:
        answered.append(suspended.pop())
        return web.send("PUT", f"{answered[-1]}/resume", [{"answer": "the answer"}])

    kills, kept = 0, 0
    with web_of(fleet) as healthy:
        for _ in range(lab.count(1, 20)):
            for _place in killed_within(fleet, resume):
                one = fleet.facts(answered[-1:])[answered[-1]]
                kept, kills = kept + one["unmerged"], kills + 1
                assert (one["status"], one["unmerged"]) in {("suspended", 0), ("resumed", 1)}
                again = healthy.resume(answered[-1], {"answer": "the answer"})
                assert again == (409 if one["unmerged"] else 204)
    lab.figures.note(resumes=len(answered), kills=kills, stored_before_the_kill=kept)
    fleet.pool(2)
    fleet.wait_for(answered, "failed")
    fleet.ask("resume", process_ids=answered)
    fleet.wait_for(answered, "completed")
    facts = fleet.facts(answered)
    assert {one["rows"][-2]["delta"]["used"] for one in facts.values()} == {"the answer"}
    assert {one["unmerged"] for one in facts.values()} == {0}


def _suspended(lab: Lab, count: int) -> list[str]:
    """Return processes that ask for an answer, with nobody to run them on."""
    fleet = lab.fleet()
    runner = fleet.pool(4)
    started = fleet.start("asking", count)
    fleet.wait_for(started, "failed")
    fleet.ask("resume", process_ids=started)
    fleet.wait_for(started, "suspended")
    runner.kill()
    return started


@short_on("PostgreSQL")
@pytest.mark.fault("F14")
def test_a_resume_of_all_that_is_cut_off(lab: Lab) -> None:
    """All tasks are resumed or none is. The next call does what is left, and no task is resumed twice."""
    fleet = lab.fleet()
    runner = fleet.pool(4)
    tasks, kept, refused = lab.count(5, 60), [], 0
    # The first takes the right to do this, the last gives it back.
    numbers = range(5) if lab.part else (lab.chance.randint(1, 3), 4)
    places = [*(f"statement||{number}|die" for number in numbers), "answer||0|die"]
    with web_of(fleet) as healthy:
        assert healthy.status("PUT", "resume-all", None) == 200
        for place in places:
            started = fleet.start("failing_task", tasks)
            fleet.wait_for(started, "failed")
            runner.kill()
            with web_of(fleet, stop_at=place) as web:
                assert web.send("PUT", "resume-all", None) is None
            stored = {(one["status"], one["unmerged"]) for one in fleet.facts(started).values()}
            assert stored in ({("failed", 0)}, {("resumed", 1)})
            kept.append(0 if ("failed", 0) in stored else tasks)
            answer = healthy.send("PUT", "resume-all", None)
            assert answer is not None
            if answer.status_code == 409:
                # Who died has the right to do this alone for half a minute.
                refused += 1
                fleet.ask("end_leases")
                answer = healthy.send("PUT", "resume-all", None)
                assert answer is not None
            assert answer.json() == {"count": tasks - kept[-1]}
            runner = fleet.pool(4)
            fleet.wait_for(started, "completed")
            facts = fleet.facts(started)
            assert {row["retries"] for one in facts.values() for row in one["rows"]} == {0}
            assert all([row["status"] for row in one["rows"]].count("failed") == 1 for one in facts.values())
    lab.figures.note(tasks=tasks, kills=len(places), resumed_before_the_kill="/".join(map(str, kept)))
    assert (kept[0], kept[-1]) == (0, tasks)
    assert refused == len(places) - (2 if lab.part else 1)
