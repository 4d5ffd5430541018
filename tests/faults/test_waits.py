"""F9, F10 and F11: people and other systems answer early, late, twice, wrongly, all at once, or never."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.harness.figures import percentile
from tests.faults.harness.lab import Lab
from tests.faults.harness.ledger import Ledger
from tests.faults.harness.web import Web, at_once, web_of
from tests.story.installation import wait_until

from .conftest import short_on

pytestmark = pytest.mark.faults

THREADS = 4
ASKED = [
    ["Start", "success"],
    ["Fail once before", "failed"],
    ["Fail once before", "success"],
    ["Ask", "suspend"],
    ["Ask", "success"],
    ["Fail once after", "failed"],
    ["Fail once after", "success"],
    ["Done", "complete"],
]


@short_on("PostgreSQL")
@pytest.mark.fault("F9")
def test_failures_before_and_after_an_input(lab: Lab) -> None:
    """Failed, tried again, asked, answered, failed, tried again: the newest input is used, each attempt is kept."""
    fleet = lab.fleet()
    fleet.pool(THREADS)
    started = fleet.start("asking", lab.count(4, 100))
    fleet.wait_for(started, "failed")
    fleet.ask("resume", process_ids=started)
    fleet.wait_for(started, "suspended")
    for number, process_id in enumerate(started):
        fleet.ask("resume", process_ids=[process_id], pages=[{"answer": f"answer {number}"}])
    fleet.wait_for(started, "failed")
    fleet.ask("resume", process_ids=started)
    fleet.wait_for(started, "completed")
    facts = fleet.facts(started)
    lab.figures.note(processes=len(started), repeated_calls=lab.ledger.extra_calls)
    for number, process_id in enumerate(started):
        one = facts[process_id]
        assert [[row["name"], row["status"]] for row in one["rows"]] == ASKED
        # The input of the start had the same name.
        assert one["rows"][-2]["delta"] == {"attempts_after": 2, "used": f"answer {number}"}
        said = [call["answer"] for call in lab.ledger.calls if call["process"] == process_id and "answer" in call]
        assert said == [f"answer {number}"] * 2
        assert one["unmerged"] == 0
    assert all(len(keys) == 1 for pk in started for keys in lab.ledger.keys_of(pk).values()), "a retry has a new key"


def route_of(ledger: Ledger, process_id: str) -> str:
    """Return the newest address that the other system was given for a process, as soon as it was."""

    def routes() -> list[str]:
        return [str(call["route"]) for call in list(ledger.calls) if call["process"] == process_id]

    wait_until(routes)
    return routes()[-1]


def answers(facts: dict[str, Any], process_ids: list[str]) -> list[object]:
    """Return who each of these processes says it was answered by."""
    deltas = [[row["delta"] for row in facts[process_id]["rows"]] for process_id in process_ids]
    return [next((delta["answered"] for delta in of_one if "answered" in delta), None) for of_one in deltas]


@short_on("PostgreSQL")
@pytest.mark.fault("F10")
def test_answers_that_come_before_the_wait_is_stored(lab: Lab) -> None:
    """The other system answers while it is still being asked: the answer is kept until the process waits."""
    fleet = lab.fleet()
    fleet.pool(THREADS)
    started: list[str] = []
    with web_of(fleet) as web:
        for _ in range(lab.count(1, 25)):
            lab.ledger.gate.clear()
            asking = fleet.start("delegating", THREADS)
            for process_id in asking:
                route = route_of(lab.ledger, process_id)
                assert web.call_back(route, {"by": "the quick one"}) == 200
                assert web.call_back(route, {"by": "the same again"}) == 409
            assert set(fleet.ask("statuses", process_ids=asking)) == {"running"}
            lab.ledger.gate.set()
            fleet.wait_for(asking, "completed")
            started += asking
        lab.figures.note(processes=len(started), answer_p95=percentile(web.seconds, 0.95))
    assert answers(fleet.facts(started), started) == ["the quick one"] * len(started)


@short_on("PostgreSQL")
@pytest.mark.fault("F10")
def test_answers_that_are_wrong_late_or_many(lab: Lab) -> None:
    """A wrong token changes nothing, of many answers at once one is taken, and after the deadline none is."""
    fleet = lab.fleet()
    fleet.pool(THREADS)
    with web_of(fleet) as web:
        late = fleet.start("delegating_briefly", lab.count(2, 100))
        started = fleet.start("delegating", lab.count(3, 100))
        fleet.wait_for(started, "awaiting_callback")
        wrong = [
            web.call_back(route_of(lab.ledger, process_id).rpartition("/")[0] + "/wrong", {"by": "nobody"})
            for process_id in started
        ]
        assert set(wrong) == {404}
        assert set(fleet.ask("statuses", process_ids=started)) == {"awaiting_callback"}
        taken = [_answer_at_once(web, route_of(lab.ledger, process_id)) for process_id in started]
        fleet.wait_for(late, "failed")
        refused = [web.call_back(route_of(lab.ledger, process_id), {"by": "too late"}) for process_id in late]
        assert set(refused) == {409}
        one_by_one = [web.seconds[number] for number in range(len(wrong))] + web.seconds[-len(late) :]
    fleet.wait_for(started, "completed")
    assert answers(fleet.facts(started), started) == taken
    facts = fleet.facts(late)
    assert {one["status"] for one in facts.values()} == {"failed"}
    assert answers(facts, late) == [None] * len(late)
    lab.figures.note(
        answered=len(started),
        answers_at_once=AT_ONCE,
        late=len(late),
        answer_p95=percentile(one_by_one, 0.95),
        answer_p95_at_once=percentile(web.seconds, 0.95),
    )


AT_ONCE = 20


def _answer_at_once(web: Web, route: str) -> str:
    """Answer many times at once; return whose answer was taken, the others having been refused."""
    found = at_once(AT_ONCE, lambda number: web.call_back(route, {"by": f"caller {number}"}))
    assert sorted(found) == [200] + [409] * (AT_ONCE - 1)
    return f"caller {found.index(200)}"


@short_on("PostgreSQL")
@pytest.mark.fault("F11")
def test_other_systems_that_never_answer(lab: Lab) -> None:
    """Silent from the start, or after some progress: timed out within two seconds of the deadline, and tried again."""
    fleet = lab.fleet()
    runners = [fleet.pool(THREADS)]
    with web_of(fleet) as web:
        started = fleet.start("delegating_briefly", lab.count(4, 50))
        stopped = started[::2]
        for process_id in stopped:
            assert web.call_back(f"{route_of(lab.ledger, process_id)}/progress", {"progress": "half"}) == 200
        fleet.wait_for(started, "failed", seconds=30)
        found = fleet.ask("waits", process_ids=started)
        assert {state for waits in found.values() for state, *_ in waits} == {"expired"}
        late = [closed - deadline for waits in found.values() for _, deadline, closed in waits]
        failed = fleet.facts(started)
        assert {one["reason"] for one in failed.values()} == {"Callback timed out"}

        # Tried again, it has a new address. The runner that asked is gone when the answer comes.
        old = {process_id: route_of(lab.ledger, process_id) for process_id in started}
        fleet.ask("resume", process_ids=started)
        wait_until(lambda: all(route_of(lab.ledger, pk) != old[pk] for pk in started))
        fleet.wait_for(started, "awaiting_callback")
        runners[0].kill()
        for process_id in started:
            assert web.call_back(old[process_id], {"by": "the old address"}) in {404, 409}
            assert web.call_back(route_of(lab.ledger, process_id), {"by": "the second try"}) == 200
        fleet.pool(THREADS)
        fleet.wait_for(started, "completed")
    facts = fleet.facts(started)
    lab.figures.note(processes=len(started), deadline_missed_by_most=max(late))
    assert min(late) >= 0
    assert max(late) <= 2
    assert answers(facts, started) == ["the second try"] * len(started)
    # The failure stays in the history.
    assert all("failed" in [row["status"] for row in one["rows"]] for one in facts.values())
    assert lab.ledger.extra_calls == len(started), "a retry has a new key"
