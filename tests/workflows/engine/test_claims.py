"""Who may run a process, and what becomes of the one who may no longer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from workflows import State, StepList, begin, done, init, step, workflow
from workflows.engine import claims
from workflows.engine.fault_points import FaultPoint, install
from workflows.engine.runner import run
from workflows.models import Process
from workflows.selectors import engine_status, process_detail, why_not_running
from workflows.services import abort_process, pause_engine, unpause_engine

from .conftest import StartWorkflow, in_thread, rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_runs(settings: Any) -> None:
    """Bells reach nobody: the test is the runner."""
    settings.EXECUTOR = "threadpool"


def run_and_pause_in_first_count(process: Process) -> dict[str, Any]:
    """Run until the pause takes effect, and return what was said of the engine while the step still ran."""
    said: list[dict[str, Any]] = []

    def pause(point: FaultPoint, step: str) -> None:
        if (point, step) == (FaultPoint.BEFORE_WRITE, "Count") and not said:
            pause_engine()
            said.append(dict(engine_status()))

    install(pause)
    try:
        run(process.pk, runner="r")
    finally:
        install(None)
    return said[0]


@pytest.fixture
def created(start: StartWorkflow) -> Process:
    @step("Count")
    def count(n: int = 0) -> State:
        return {"n": n + 1}

    @workflow("Counting")
    def counting() -> StepList:
        return init >> count >> count >> done

    return start(counting)


def test_of_many_claims_at_once_exactly_one_wins(created: Process) -> None:
    won: list[object] = []
    threads = [in_thread(lambda: won.append(claims.claim(created.pk, "r"))) for _ in range(8)]
    for thread in threads:
        thread.join()
    assert len([claim for claim in won if claim is not None]) == 1


@pytest.mark.parametrize(
    ("columns", "may"),
    [
        ({}, True),
        ({"held_because": "waits for approval"}, False),
        ({"not_before": Now() + timedelta(hours=1)}, False),
        ({"not_before": Now() - timedelta(hours=1)}, True),
        ({"lease_until": Now() + timedelta(seconds=10)}, False),
        ({"lease_until": Now() - timedelta(seconds=1)}, True),
        ({"lease_until": Now() + timedelta(days=1)}, True),
        ({"last_status": "running"}, True),
        ({"last_status": "resumed"}, True),
        ({"last_status": "failed"}, False),
    ],
)
def test_what_makes_a_process_claimable(created: Process, columns: dict[str, Any], may: bool) -> None:
    Process.every.filter(pk=created.pk).update(**columns)
    assert (claims.claim(created.pk, "r") is not None) is may


def test_a_paused_engine_claims_nothing_and_stops_before_the_next_step(created: Process) -> None:
    """Conformance 8, 9."""
    while_it_runs = run_and_pause_in_first_count(created)
    assert while_it_runs == {"global_lock": True, "global_status": "PAUSING", "running_processes": 1}
    created.refresh_from_db()
    assert (created.last_status, created.lease_until) == ("running", None)
    assert rows(created) == [("Start", "success"), ("Count", "success")]
    assert engine_status() == {"global_lock": True, "global_status": "PAUSED", "running_processes": 0}
    assert why_not_running(created) == "The engine is paused; it goes on when the engine does."
    detail = process_detail(created.pk)
    assert detail["current_state"]["n"] == 1
    assert [(one["name"], one["status"]) for one in detail["steps"][2:]] == [("Count", "pending"), ("Done", "pending")]
    assert claims.claim(created.pk, "r") is None
    unpause_engine()
    assert run(created.pk, runner="r")
    assert rows(created)[-1] == ("Done", "complete")


def test_what_was_paused_is_rung_for_when_the_engine_goes_on(created: Process, settings: Any) -> None:
    """Conformance 9: nobody has to ask for it."""
    run_and_pause_in_first_count(created)
    settings.EXECUTOR = "inline"
    unpause_engine()
    created.refresh_from_db()
    assert created.last_status == "completed"
    assert rows(created) == [("Start", "success"), ("Count", "success"), ("Count", "success"), ("Done", "complete")]


def test_the_result_of_a_runner_that_lost_its_process_is_dropped(created: Process) -> None:
    """A runner that slept past its lease wakes up when another has done the work."""
    seen: list[str] = []

    def overtake(point: FaultPoint, step: str) -> None:
        if (point, step) == (FaultPoint.BEFORE_WRITE, "Count") and not seen:
            seen.append(step)
            Process.every.filter(pk=created.pk).update(lease_until=Now() - timedelta(seconds=1))
            thread = in_thread(lambda: run(created.pk, runner="other"))
            thread.join()

    install(overtake)
    try:
        run(created.pk, runner="sleeper")
    finally:
        install(None)
    assert rows(created) == [("Start", "success"), ("Count", "success"), ("Count", "success"), ("Done", "complete")]


def test_an_abort_during_a_step_drops_its_result_and_says_that_its_effect_is_unknown(created: Process) -> None:
    def abort_once(point: FaultPoint, step: str) -> None:
        if (point, step) == (FaultPoint.BEFORE_WRITE, "Count"):
            thread = in_thread(lambda: abort_process(created.pk, user="bob"))
            thread.join()

    install(abort_once)
    try:
        run(created.pk, runner="r")
    finally:
        install(None)
    created.refresh_from_db()
    assert created.last_status == "aborted"
    assert rows(created) == [("Start", "success"), ("User Aborted", "abort")]
    assert "unknown" in str(created.steps.get(name="User Aborted").delta)


def test_a_runner_that_is_to_stop_hands_back_between_steps(created: Process) -> None:
    asked: list[int] = []

    def should_stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    run(created.pk, runner="r", should_stop=should_stop)
    created.refresh_from_db()
    assert (created.last_status, created.runner, created.lost_claims) == ("running", None, 0)
    assert len(rows(created)) == 2
    assert claims.due(10) == [created.pk]


def test_heartbeats_prolong_only_our_own_leases(created: Process) -> None:
    claim = claims.claim(created.pk, "mine")
    assert claim is not None
    Process.every.filter(pk=created.pk).update(lease_until=Now() + timedelta(seconds=1))
    before = Process.every.get(pk=created.pk).lease_until
    claims.heartbeat([created.pk], "another")
    assert Process.every.get(pk=created.pk).lease_until == before
    claims.heartbeat([created.pk], "mine")
    after = Process.every.get(pk=created.pk).lease_until
    assert before is not None
    assert after is not None
    assert after > before


def test_what_was_rung_lately_is_not_rung_again(created: Process) -> None:
    assert claims.due(10) == [created.pk]
    claims.mark_rung([created.pk])
    assert claims.due(10) == []
    Process.every.filter(pk=created.pk).update(rung_at=Now() - timedelta(minutes=1))
    assert claims.due(10) == [created.pk]
    assert claims.due(0) == []
    # A bell of the future is the trace of a clock that was set back.
    Process.every.filter(pk=created.pk).update(rung_at=Now() + timedelta(hours=1))
    assert claims.due(10) == [created.pk]


def test_traces_of_clocks_and_hands_do_not_keep_a_process_from_being_found(created: Process) -> None:
    """F24: a lease or a bell far ahead, no runner, no lease, a status set by hand."""
    for columns in (
        {"last_status": "running", "lease_until": None, "runner": None, "rung_at": None},
        {"last_status": "running", "lease_until": Now() + timedelta(days=1), "rung_at": Now() - timedelta(days=1)},
        {"last_status": "running", "lease_until": Now() - timedelta(days=1), "rung_at": Now() + timedelta(days=1)},
        {"last_status": "resumed", "lease_until": None, "runner": "gone", "wait_kind": "input", "rung_at": None},
        {"last_status": "created", "lost_claims": 1, "epoch": 77, "lease_until": None, "rung_at": None},
    ):
        Process.every.filter(pk=created.pk).update(**columns)
        assert claims.due(10) == [created.pk]
        assert [due.process_id for due in claims.next_up(10)] == [created.pk]
    assert run(created.pk, runner="r")
    assert rows(created)[-1] == ("Done", "complete")


def test_the_idempotency_key_of_a_step_survives_a_lost_run_and_differs_between_steps(start: StartWorkflow) -> None:
    from workflows import step_context

    keys: list[tuple[str, UUID, int]] = []

    @step("Call out")
    def call_out() -> None:
        keys.append((step_context().step, step_context().idempotency_key, step_context().attempt))
        if len(keys) == 2:
            raise ValueError("failed for once")

    @workflow("Calling")
    def calling() -> StepList:
        return begin >> init >> call_out >> call_out >> done

    process = start(calling)

    def die(point: FaultPoint, step: str) -> None:
        if (point, step) == (FaultPoint.BEFORE_WRITE, "Call out"):
            raise SystemExit

    install(die)
    with pytest.raises(SystemExit):
        run(process.pk, runner="r")
    install(None)
    Process.every.filter(pk=process.pk).update(lease_until=None)
    run(process.pk, runner="r")
    from workflows.services import resume_process

    resume_process(process.pk)
    run(process.pk, runner="r")
    first, second = keys[0][1], keys[-1][1]
    assert [key for _, key, _ in keys] == [first, first, first, second]
    assert first != second
    assert [attempt for _, _, attempt in keys] == [1, 1, 2, 1]
