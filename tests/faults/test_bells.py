"""F7 and F8: bells that nobody hears, and the same thing asked for many times at once."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.faults.harness.figures import percentile
from tests.faults.harness.lab import Lab
from tests.faults.harness.oracle import TEN, THREE, assert_right
from tests.faults.harness.web import Web, at_once, web_of
from workflows.executors.keeper import SWEEP_SECONDS

from .conftest import short_on

pytestmark = pytest.mark.faults

AT_ONCE = 20


@short_on("PostgreSQL")
@pytest.mark.fault("F7")
def test_starts_whose_bell_nobody_hears(lab: Lab) -> None:
    """Who starts is another process than the runners and cannot ring there: each start is found by the next look."""
    # Looks are as far apart as the leases of production make them.
    fleet = lab.fleet(lease=20)
    runners = [fleet.pool(2) for _ in range(lab.runners)]
    started = []
    for _ in range(lab.count(4, 100)):
        time.sleep(lab.chance.uniform(0, 1))
        started += fleet.start("three_steps", 1)
    fleet.wait_for_end(started, seconds=60)
    facts = fleet.facts(started)
    waited = [one["rows"][0]["started_at"] - one["started_at"] for one in facts.values()]
    lab.figures.note(
        starts=len(started),
        runners=len(runners),
        latency_p50=percentile(waited, 0.5),
        latency_max=max(waited),
    )
    assert_right(facts, lab.ledger, THREE)
    # A second more for a machine that is busy.
    assert max(waited) <= SWEEP_SECONDS + 1


@short_on("PostgreSQL")
@pytest.mark.fault("F8")
def test_one_process_given_to_many_runners_at_once(lab: Lab) -> None:
    """Each of them tries to claim it in the same moment: one runs it, and nothing is done twice."""
    fleet = lab.fleet()
    started = fleet.start("ten_steps", lab.count(3, 500 // 4), held=True)
    won: list[int] = []
    for process_id in started:
        fleet.ask("release", process_ids=[process_id])
        children = [fleet.fork("run_one", process_id=process_id) for _ in range(4)]
        won.append(sum(child.result() for child in children))
    lab.figures.note(processes=len(started), runners_each=4, claims=sum(won), repeated_calls=lab.ledger.extra_calls)
    assert set(won) == {1}
    assert_right(fleet.facts(started), lab.ledger, TEN)
    assert lab.ledger.extra_calls == 0


@pytest.mark.fault("F8")
def test_twenty_requests_at_once_have_one_effect(lab: Lab) -> None:
    """Starts with one key and resumes: one process, one input; all others get the same answer or a refusal."""
    fleet = lab.fleet()
    runner = fleet.pool(2)
    rounds = lab.count(2, 25)
    with web_of(fleet) as web:
        started = [_start_at_once(web, f"key {number}") for number in range(rounds)]
        fleet.wait_for(started, "failed")
        fleet.ask("resume", process_ids=started)
        fleet.wait_for(started, "suspended")
        # It would go on and fail, and the last of the requests would be taken for the wish to try again.
        runner.kill()
        used = [_resume_at_once(web, process_id) for process_id in started]
        lab.figures.note(
            requests=len(web.seconds), effects=2 * rounds, answer_p95_at_once=percentile(web.seconds, 0.95)
        )
    fleet.pool(2)
    fleet.wait_for(started, "failed")
    fleet.ask("resume", process_ids=started)
    fleet.wait_for(started, "completed")
    assert fleet.ask("stored")["processes"] == fleet.ask("stored")["keys"] == rounds
    facts = fleet.facts(started)
    assert [facts[process_id]["rows"][-2]["delta"]["used"] for process_id in started] == used


def _start_at_once(web: Web, key: str) -> str:
    found = at_once(AT_ONCE, lambda _: web.start("asking", key))
    statuses = Counter(answer.status_code for answer in found)
    assert set(statuses) <= {201, 409}, statuses
    assert statuses[201] > 0
    (process_id,) = {answer.json()["id"] for answer in found if answer.status_code == 201}
    return str(process_id)


def _resume_at_once(web: Web, process_id: str) -> str:
    found = at_once(AT_ONCE, lambda number: web.resume(process_id, {"answer": f"answer {number}"}))
    assert sorted(found) == [204] + [409] * (AT_ONCE - 1)
    return f"answer {found.index(204)}"
