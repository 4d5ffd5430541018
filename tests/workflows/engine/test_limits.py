"""`max_running`: how many processes of one workflow are run at the same time."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from workflows import StepList, done, init, step, workflow
from workflows.engine import claims, limits
from workflows.engine.claims import Claim
from workflows.engine.registry import Workflow
from workflows.executors import keeper
from workflows.executors.threadpool import ThreadPool
from workflows.models import Process
from workflows.selectors import why_not_running

from .conftest import StartWorkflow
from .test_claims import in_thread
from .test_executors import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_runs(settings: Any) -> None:
    settings.EXECUTOR = "threadpool"


def limited_to(places: int | None) -> Workflow:
    @step("Work")
    def work() -> None: ...

    def factory() -> StepList:
        return init >> work >> done

    factory.__name__ = "free" if places is None else f"limited_to_{places}"
    return workflow("Work", max_running=places)(factory)


def claim_all(processes: list[Process]) -> list[Claim]:
    """Let as many threads as there are processes claim one each at the same moment."""
    won: list[Claim] = []
    gate = threading.Barrier(len(processes))

    def take(process_id: UUID) -> None:
        gate.wait()
        if (claim := claims.claim(process_id, "r")) is not None:
            won.append(claim)

    threads = [in_thread(lambda process=process: take(process.pk)) for process in processes]
    for thread in threads:
        thread.join()
    return won


def test_of_many_claimed_at_once_no_more_win_than_there_are_places(start: StartWorkflow) -> None:
    processes = [start(limited_to(2)) for _ in range(8)]
    won = claim_all(processes)
    assert len(won) == 2
    # One is given back: one place is free, and the seven others want it.
    claims.hand_back(won[0])
    left = [process for process in processes if process.pk not in {claim.process_id for claim in won}]
    assert len(claim_all(left)) == 1


def test_a_place_is_taken_only_while_a_runner_is_at_work(start: StartWorkflow) -> None:
    made = limited_to(1)
    one, other = start(made), start(made)
    assert claims.claim(one.pk, "r") is not None
    assert claims.claim(other.pk, "r") is None
    for columns in (
        {"last_status": "suspended", "lease_until": None},
        {"last_status": "running", "lease_until": Now() - timedelta(seconds=1)},
        {"last_status": "running", "lease_until": None},
    ):
        Process.every.filter(pk=one.pk).update(**columns)
        claim = claims.claim(other.pk, "r")
        assert claim is not None
        claims.hand_back(claim)


def test_workflows_without_a_limit_and_others_with_one_are_not_concerned(start: StartWorkflow) -> None:
    full, other, free = start(limited_to(1)), start(limited_to(2)), start(limited_to(None))
    waits = start(limited_to(1))
    assert claims.claim(full.pk, "r") is not None
    assert claims.claim(other.pk, "r") is not None
    assert claims.claim(free.pk, "r") is not None
    assert claims.claim(waits.pk, "r") is None


def test_a_claim_without_a_limit_costs_no_more_where_another_workflow_has_one(start: StartWorkflow) -> None:
    free, limited = start(limited_to(None)), limited_to(3)
    with CaptureQueriesContext(connection) as queries:
        assert claims.claim(free.pk, "r") is not None
    assert limited.name == "limited_to_3"
    assert len(queries) == (1 if claims.fast_path.is_on() else 2)


def test_what_has_no_place_is_neither_looked_at_nor_rung_for(start: StartWorkflow) -> None:
    one, other = start(limited_to(1)), start(limited_to(1))
    free = start(limited_to(None))
    claim = claims.claim(one.pk, "r")
    assert claim is not None
    assert [due.process_id for due in claims.next_up(10)] == [free.pk]
    assert claims.due(10) == [free.pk]
    claims.hand_back(claim)
    assert {due.process_id for due in claims.next_up(10)} == {one.pk, other.pk, free.pk}


def test_a_process_without_a_place_says_so(start: StartWorkflow) -> None:
    made = limited_to(2)
    processes = [start(made) for _ in range(3)]
    assert why_not_running(processes[2]) == "Waits for a free runner."
    for process in processes[:2]:
        claims.claim(process.pk, "r")
    assert why_not_running(processes[2]) == (
        "Waits: 2 of 2 “limited_to_2” run; it goes on when one of them ends or waits."
    )


def test_who_waits_for_a_place_is_woken_when_one_is_free(
    start: StartWorkflow, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runners. The one that ends the first takes up what is more urgent, so the other one, asleep, must hear."""
    monkeypatch.setattr(keeper, "SWEEP_SECONDS", 1_000.0)
    settings.PROCESS_LEASE_SECONDS = 4_000.0
    begun, release_first, release_urgent = threading.Event(), threading.Event(), threading.Event()

    @step("Wait")
    def wait() -> None:
        begun.set()
        release_first.wait(30)

    @step("Wait longer")
    def wait_longer() -> None:
        release_urgent.wait(30)

    @workflow("One at a time", max_running=1)
    def one_at_a_time() -> StepList:
        return init >> wait >> done

    @workflow("Urgent")
    def urgent() -> StepList:
        return init >> wait_longer >> done

    first, second = start(one_at_a_time), start(one_at_a_time)
    pool = ThreadPool(2)
    pool.start()
    try:
        assert begun.wait(20)
        more_urgent = start(urgent)
        Process.every.filter(pk=more_urgent.pk).update(priority=-1)
        release_first.set()
        wait_for(lambda: Process.every.get(pk=first.pk).last_status == "completed")
        wait_for(lambda: Process.every.get(pk=second.pk).last_status == "completed")
        wait_for(lambda: Process.every.get(pk=more_urgent.pk).last_status == "running")
    finally:
        release_urgent.set()
        pool.stop(20)


def test_a_limit_must_leave_room_for_one(own_registry: None) -> None:
    with pytest.raises(ValueError, match="max_running of limited_to_0 is 0; at least one must be able to run"):
        limited_to(0)
    limited_to(1)
    assert limits.by_workflow()["limited_to_1"] == 1
