"""Steps that are tried again by themselves: how often, when, and after which errors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from workflows import (
    ApiException,
    RetryPolicy,
    State,
    StepList,
    begin,
    branch,
    conditional,
    done,
    init,
    parallel,
    retrystep,
    step,
    step_group,
    task,
    workflow,
)
from workflows.engine import deadlines, store
from workflows.models import Process, ProcessStep, Wait
from workflows.selectors import process_detail, why_not_running
from workflows.services import resume_process
from workflows.testing import run_until_idle

from .conftest import StartWorkflow, rows, state_of

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = RetryPolicy(3, first_delay=60, jitter=0)


class Unreachable(ConnectionError):
    """The other system is away."""


def failing(times: int, error: type[Exception] = Unreachable, **options: Any) -> tuple[Any, list[int]]:
    """Return a step that fails so many times, and the list of its tries."""
    tries: list[int] = []

    @step("Order the line", **options)
    def order() -> State:
        tries.append(1)
        if len(tries) <= times:
            raise error(f"try {len(tries)}")
        return {"tries": len(tries)}

    return order, tries


def flow_of(steps: Any, decorator: Any = workflow) -> Any:
    @decorator("Trying")
    def trying() -> StepList:
        return steps if decorator is task else init >> steps >> done

    return trying


def let_time_pass(process: Process) -> None:
    """Let the wait be over, and do what is due then."""
    Wait.objects.filter(process=process, state="open").update(deadline=Now() - timedelta(seconds=1))
    assert deadlines.expire_due() == 1
    run_until_idle(process.pk)
    process.refresh_from_db()


def seconds_until(moment: datetime) -> float:
    return (moment - datetime.now(UTC)).total_seconds()


def test_a_step_is_tried_until_it_works(start: StartWorkflow) -> None:
    order, _ = failing(2, retry=QUICK)
    process = start(flow_of(order))
    assert (process.last_status, process.wait_kind, process.failed_reason) == ("waiting", "retry", "try 1")
    assert deadlines.expire_due() == 0, "it is not time yet"
    let_time_pass(process)
    assert (process.last_status, process.failed_reason) == ("waiting", "try 2")
    let_time_pass(process)
    assert (process.last_status, process.failed_reason) == ("completed", None)
    assert state_of(process.pk)["tries"] == 3
    assert [status for _, status in rows(process)] == ["success", "waiting", "waiting", "success", "complete"]


def test_after_its_last_try_it_fails_and_a_person_may_try_once_more(start: StartWorkflow) -> None:
    order, tries = failing(4, retry=QUICK)
    process = start(flow_of(order))
    for _ in range(2):
        let_time_pass(process)
    assert (process.last_status, process.failed_reason) == ("failed", "try 3")
    assert not Wait.objects.filter(process=process, state="open").exists()
    resume_process(process.pk)
    process.refresh_from_db()
    assert (process.last_status, process.failed_reason) == ("failed", "try 4")
    resume_process(process.pk)
    process.refresh_from_db()
    assert (process.last_status, len(tries)) == ("completed", 5)


def test_the_same_error_counts_although_it_has_one_row(start: StartWorkflow) -> None:
    @step("Order the line", retry=QUICK)
    def order() -> None:
        raise Unreachable("away")

    process = start(flow_of(order))
    let_time_pass(process)
    assert rows(process) == [("Start", "success"), ("Order the line", "waiting")]
    let_time_pass(process)
    assert process.last_status == "failed"


def test_delays_grow_up_to_the_longest_and_are_kept_in_the_database(start: StartWorkflow) -> None:
    order, _ = failing(9, retry=RetryPolicy(9, first_delay=100, factor=3, max_delay=500, jitter=0))
    process = start(flow_of(order))
    for expected in (100, 300, 500):
        wait = Wait.objects.get(process=process, state="open")
        assert wait.deadline is not None
        assert seconds_until(wait.deadline) == pytest.approx(expected, abs=60)
        let_time_pass(process)


def test_only_the_errors_that_were_named_are_tried_again(start: StartWorkflow) -> None:
    policy = RetryPolicy(on=("ConnectionError", TimeoutError))
    again, _ = failing(1, error=Unreachable, retry=policy)
    assert start(flow_of(again)).last_status == "waiting", "a subclass of what was named"
    never, _ = failing(1, error=ValueError, retry=policy)
    assert start(flow_of(never)).last_status == "failed"


def test_a_person_need_not_wait(start: StartWorkflow) -> None:
    order, _ = failing(1, retry=QUICK)
    process = start(flow_of(order))
    resume_process(process.pk)
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert deadlines.expire_due() == 0


def test_a_retrystep_with_a_policy_fails_in_the_end_and_without_one_never(start: StartWorkflow) -> None:
    def body() -> None:
        raise Unreachable("away")

    bounded = start(flow_of(retrystep("Bounded", retry=RetryPolicy(1))(body)))
    assert bounded.last_status == "failed"
    endless = start(flow_of(retrystep("Endless")(body)))
    for _ in range(6):
        let_time_pass(endless)
        assert endless.last_status == "waiting"
    wait = Wait.objects.get(process=endless, state="open")
    assert wait.deadline is not None
    assert seconds_until(wait.deadline) == pytest.approx(3600, abs=60)


def test_a_group_says_it_for_its_steps_and_is_tried_from_its_first(start: StartWorkflow) -> None:
    firsts: list[int] = []

    @step("First")
    def first() -> None:
        firsts.append(1)

    order, _ = failing(2)
    process = start(flow_of(step_group("Deliver", begin >> first >> order, retry=QUICK)))
    for _ in range(2):
        assert rows(process)[-1] == ("Deliver", "waiting")
        let_time_pass(process)
    assert process.last_status == "completed"
    assert len(firsts) == 3


def test_an_atomic_step_leaves_nothing_of_a_try_that_failed(start: StartWorkflow) -> None:
    order, _ = failing(1, retry=QUICK, atomic=True)
    process = start(flow_of(order))
    assert process.last_status == "waiting"
    let_time_pass(process)
    assert process.last_status == "completed"


def test_what_cannot_be_stored_is_a_failure_like_any_other(start: StartWorkflow) -> None:
    results: list[Any] = [float("nan"), 1.5]

    @step("Measure", retry=QUICK)
    def measure() -> State:
        return {"loss": results.pop(0)}

    process = start(flow_of(measure))
    assert process.last_status == "waiting"
    let_time_pass(process)
    assert state_of(process.pk)["loss"] == 1.5


def test_a_branch_that_is_tried_again_does_not_fail_its_parent(start: StartWorkflow) -> None:
    order, _ = failing(1, retry=QUICK)
    process = start(flow_of(parallel("Both", branch("Order", order), branch("Nothing", step("Nothing")(lambda: None)))))
    run_until_idle()
    child = Process.every.get(parent=process, branch_name="Order")
    assert child.last_status == "waiting"
    let_time_pass(child)
    run_until_idle()
    process.refresh_from_db()
    assert process.last_status == "completed"


def test_a_task_waits_too_and_is_classified_when_it_fails(start: StartWorkflow) -> None:
    @step("Look", retry=RetryPolicy(2))
    def look() -> None:
        raise ApiException(503, "Service unavailable")

    process = start(flow_of(begin >> look, decorator=task))
    assert process.last_status == "waiting"
    let_time_pass(process)
    assert process.last_status == "api_unavailable"


def test_people_and_programs_are_told_when(start: StartWorkflow) -> None:
    order, _ = failing(9, retry=RetryPolicy(5, first_delay=60))
    process = start(flow_of(order))
    let_time_pass(process)
    wait = Wait.objects.get(process=process, state="open")
    assert wait.deadline is not None
    moment = wait.deadline.astimezone(UTC)
    sentence = why_not_running(process)
    assert sentence.startswith("Step “Order the line” failed for now (attempt 2 of 5) and is tried again at ")
    assert sentence.endswith(f"{moment:%H:%M:%S} UTC; retry to try at once.")
    detail = process_detail(process.pk)
    assert (detail["why"], detail["next_retry_at"], detail["deadline"]) == (sentence, wait.deadline, None)


def test_a_condition_that_raises_is_the_failure_of_its_step_and_of_its_group(start: StartWorkflow) -> None:
    """The process stands at the step and says why, instead of being claimed over and over."""

    def raises(state: State) -> bool:
        return bool(state["missing"])

    order, _ = failing(0)
    alone = start(flow_of(conditional(raises)(order)))
    grouped = start(flow_of(conditional(raises)(step_group("Deliver", begin >> order))))
    for process, name in ((alone, "Order the line"), (grouped, "Deliver")):
        assert (process.last_status, process.failed_reason) == ("failed", "'missing'")
        assert rows(process)[-1] == (name, "failed")


class TestPolicy:
    def test_jitter_is_bounded_and_the_same_for_the_same_try(self) -> None:
        policy = RetryPolicy(first_delay=100, factor=1, jitter=0.2)
        delays = [policy.next_try(Unreachable(), attempt=1, seed=str(UUID(int=number))) for number in range(200)]
        seconds = [one.delay for one in delays if one is not None]
        assert 80 <= min(seconds) < 90
        assert 110 < max(seconds) <= 120
        assert delays[7] == policy.next_try(Unreachable(), attempt=1, seed=str(UUID(int=7)))
        assert delays[7] != policy.next_try(Unreachable(), attempt=2, seed=str(UUID(int=7)))

    def test_a_thousand_tries_do_not_overflow(self) -> None:
        again = RetryPolicy(None, jitter=0).next_try(Unreachable(), attempt=5000, seed="")
        assert again is not None
        assert again.delay == 3600

    @pytest.mark.parametrize(
        ("values", "why"),
        [
            ({"max_attempts": 0}, "at least once"),
            ({"first_delay": -1}, "back in time"),
            ({"factor": 0.5}, "back in time"),
            ({"jitter": 2}, "between 0 and 1"),
        ],
    )
    def test_policies_that_cannot_be_are_refused(self, values: dict[str, Any], why: str) -> None:
        with pytest.raises(ValueError, match=why):
            RetryPolicy(**values)


def test_one_that_is_tried_for_ever_does_not_grow_for_ever(start: StartWorkflow, monkeypatch: Any) -> None:
    monkeypatch.setattr(store, "KEPT_TIMES", 3)

    @step("Never", retry=RetryPolicy(max_attempts=None, first_delay=1))
    def never() -> None:
        raise ValueError("no")

    @workflow("For ever")
    def for_ever() -> StepList:
        return init >> never >> done

    process = start(for_ever)
    for _ in range(6):
        Wait.objects.filter(process=process, state="open").update(deadline=Now() - timedelta(seconds=1))
        assert deadlines.expire_due() == 1
    row = ProcessStep.objects.get(process=process, name="Never")
    assert (row.retries, len(row.earlier_completed_at)) == (6, 3)
    assert row.earlier_completed_at[-1] < row.completed_at.isoformat()
    assert Wait.objects.filter(process=process, kind="retry").count() == 1
