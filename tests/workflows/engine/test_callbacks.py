"""Callback steps: tokens, early and late answers, progress, deadlines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from wfo_site.common.errors import Conflict, Locked, NotFound
from workflows import (
    ProcessFailureError,
    State,
    StepList,
    callback_step,
    done,
    init,
    inputstep,
    retrystep,
    step,
    workflow,
)
from workflows.engine import deadlines
from workflows.forms import FormGenerator, FormPage
from workflows.models import Process, ProcessStep, Wait
from workflows.selectors import process_detail
from workflows.services import (
    abort_process,
    arrive_callback,
    pause_engine,
    resume_process,
    unpause_engine,
    update_callback_progress,
)
from workflows.testing.clock import pass_time, until_next_due

from .conftest import StartWorkflow, rows, state_of

pytestmark = pytest.mark.django_db(transaction=True)

ROUTES: list[str] = []


@step("Hand over")
def hand_over(callback_route: str) -> State:
    ROUTES.append(callback_route)
    return {"ordered_at": f"https://runner.example.org?answer=https://wfo.example.org{callback_route}"}


@step("Check the answer")
def check(callback_result: dict[str, Any]) -> State:
    if callback_result.get("return_code"):
        raise ProcessFailureError("The runner failed", callback_result)
    return {"checked": True}


def token_of(process_id: UUID) -> str:
    route: str = process_detail(process_id)["current_state"]["callback_route"]
    assert route.startswith(f"/api/processes/{process_id}/callback/")
    return route.rsplit("/", 1)[1]


def workflow_with(**options: Any) -> Any:
    @workflow("Delegating")
    def delegating() -> StepList:
        return init >> callback_step("Deliver", hand_over, check, **options) >> done

    return delegating


def test_the_process_awaits_the_answer_and_goes_on_with_it(start: StartWorkflow) -> None:
    """Conformance 71, 76, 33."""
    process = start(workflow_with())
    assert process.last_status == "awaiting_callback"
    assert rows(process)[1:] == [("Deliver", "awaiting_callback")]
    assert process_detail(process.pk)["current_state"]["__sub_step"] == "Deliver - Await callback"

    arrive_callback(process.pk, token_of(process.pk), {"return_code": 0})
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert rows(process)[1:] == [("Deliver", "success"), ("Done", "complete")]
    state = state_of(process.pk)
    assert state["callback_result"] == {"return_code": 0}
    assert state["checked"] is True
    assert "callback_route" in state
    assert not {"__callback_token", "__sub_step", "__step_group"} & state.keys()


def test_neither_the_token_nor_the_address_is_stored_anywhere(start: StartWorkflow) -> None:
    process = start(workflow_with())
    token = token_of(process.pk)
    assert ROUTES[-1].endswith(token)
    stored = str(list(ProcessStep.objects.filter(process=process).values())) + str(list(Wait.objects.values()))
    assert token not in stored
    assert token in str(process_detail(process.pk)["current_state"]["ordered_at"])
    assert token not in str(process_detail(process.pk, may_resume=False))


def test_a_step_that_fails_at_its_address_tells_nobody_what_it_is(start: StartWorkflow) -> None:
    @step("Cannot reach it")
    def unreachable(callback_route: str) -> None:
        ROUTES.append(callback_route)
        raise ProcessFailureError(
            f"\0 https://wfo.example.org{callback_route} is not reachable", {"at": callback_route}
        )

    @workflow("Unreachable")
    def flow() -> StepList:
        return init >> callback_step("Deliver", unreachable, check) >> done

    process = start(flow)
    token = ROUTES[-1].rsplit("/", 1)[1]
    assert process.last_status == "failed"
    assert process.failed_reason == "␀ https://wfo.example.orgcallback address (hidden) is not reachable"
    assert "ProcessFailureError" in str(process.traceback)
    assert token not in str(list(Process.every.values())) + str(list(ProcessStep.objects.values()))
    assert token not in str(process_detail(process.pk, may_resume=False))


def test_keys_for_the_address_and_the_answer_can_be_chosen(start: StartWorkflow) -> None:
    """Conformance 72."""

    @step("Hand over elsewhere")
    def elsewhere(my_route: str) -> None:
        assert my_route.startswith("/api/processes/")

    @step("Look")
    def look(my_answer: State) -> State:
        return {"seen": my_answer}

    @workflow("Custom keys")
    def custom() -> StepList:
        return init >> callback_step("Deliver", elsewhere, look, "my_answer", callback_route_key="my_route") >> done

    process = start(custom)
    state = process_detail(process.pk)["current_state"]
    assert "callback_route" not in state
    arrive_callback(process.pk, state["my_route"].rsplit("/", 1)[1], {"x": 1})
    assert state_of(process.pk)["seen"] == {"x": 1}


def test_two_callback_steps_have_different_addresses(start: StartWorkflow) -> None:
    """Conformance 73, 75."""

    @workflow("Two")
    def two() -> StepList:
        return init >> callback_step("One", hand_over, check) >> callback_step("Two", hand_over, check) >> done

    process = start(two)
    first = token_of(process.pk)
    update_callback_progress(process.pk, first, "10 %")
    arrive_callback(process.pk, first, {"n": 1})
    second = token_of(process.pk)
    assert first != second
    state = process_detail(process.pk)["current_state"]
    assert state["callback_result"] == {"n": 1}
    assert "callback_progress" not in state, "that was said of the first"
    with pytest.raises(Conflict, match="This process is not in an awaiting state"):
        arrive_callback(process.pk, first, {"n": 1})
    arrive_callback(process.pk, second, {"n": 2})
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert state_of(process.pk)["callback_result"] == {"n": 2}


def test_progress_is_shown_while_waiting_and_gone_afterwards(start: StartWorkflow) -> None:
    """Conformance 75."""
    process = start(workflow_with())
    token = token_of(process.pk)
    update_callback_progress(process.pk, token, "10 %")
    update_callback_progress(process.pk, token, {"done": 2, "of": 3})
    assert process_detail(process.pk)["current_state"]["callback_progress"] == {"done": 2, "of": 3}
    arrive_callback(process.pk, token, {})
    assert "callback_progress" not in process_detail(process.pk)["current_state"]


def test_wrong_spent_and_paused(start: StartWorkflow) -> None:
    """Conformance 74."""
    process = start(workflow_with())
    token = token_of(process.pk)
    with pytest.raises(NotFound, match="Invalid token"):
        arrive_callback(process.pk, "wrong", {})
    with pytest.raises(NotFound, match="Invalid token"):
        update_callback_progress(process.pk, "wrong", "x")
    pause_engine()
    with pytest.raises(Locked):
        arrive_callback(process.pk, token, {})
    unpause_engine()
    arrive_callback(process.pk, token, {})
    for late in (token, "wrong"):
        with pytest.raises(Conflict, match="not in an awaiting state"):
            update_callback_progress(process.pk, late, "x")


def test_an_answer_that_comes_before_the_process_waits_is_kept(start: StartWorkflow) -> None:
    """The other system is faster than our commit."""

    @step("Answered at once")
    def fast(callback_route: str, process_id: UUID) -> None:
        import threading

        from django.db import connection

        def answer() -> None:
            arrive_callback(process_id, callback_route.rsplit("/", 1)[1], {"early": True})
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        thread.join()

    @workflow("Fast")
    def fast_answer() -> StepList:
        return init >> callback_step("Deliver", fast, check) >> done

    process = start(fast_answer)
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert state_of(process.pk)["callback_result"] == {"early": True}


@pytest.mark.parametrize(("decorator", "status"), [(step, "failed"), (retrystep, "waiting")])
def test_an_answer_to_a_step_that_failed_is_refused_because_it_would_be_lost(
    start: StartWorkflow, decorator: Any, status: str
) -> None:
    """Conformance 33, 74. The order has reached the other system; another try has another address."""
    broken = [True]

    @decorator("Hand over for long")
    def slow(callback_route: str) -> None:
        ROUTES.append(callback_route)
        if broken:
            raise TimeoutError("The runner took its time")

    @workflow("Slow")
    def slow_order() -> StepList:
        return init >> callback_step("Deliver", slow, check) >> done

    process = start(slow_order)
    assert process.last_status == status
    for token in (ROUTES[-1].rsplit("/", 1)[1], "wrong"):
        with pytest.raises(Conflict, match="not in an awaiting state"):
            arrive_callback(process.pk, token, {"return_code": 0})
        with pytest.raises(Conflict, match="not in an awaiting state"):
            update_callback_progress(process.pk, token, "half")
    broken.clear()
    resume_process(process.pk)
    arrive_callback(process.pk, ROUTES[-1].rsplit("/", 1)[1], {"return_code": 0})
    process.refresh_from_db()
    assert process.last_status == "completed"


@pytest.mark.parametrize(("is_answered", "user"), [(True, "SYSTEM"), (False, "bob")])
def test_what_comes_after_an_answer_is_nobodys_doing(start: StartWorkflow, is_answered: bool, user: str) -> None:
    """An answer resumes as SYSTEM; a person who lets the process go on does so as themselves."""

    @step("Check nothing")
    def nothing() -> None: ...

    @workflow("Delegating to whomever")
    def whomever() -> StepList:
        return init >> callback_step("Deliver", hand_over, nothing) >> done

    process = start(whomever, user="alice")
    assert ProcessStep.objects.get(process=process, name="Deliver").created_by == "alice"
    if is_answered:
        arrive_callback(process.pk, token_of(process.pk), {})
    else:
        resume_process(process.pk, user="bob")
    by = dict(ProcessStep.objects.filter(process=process).values_list("name", "created_by"))
    assert by == {"Start": "alice", "Deliver": user, "Done": user}


def test_a_deadline_fails_the_step_and_a_retry_starts_the_group_again(start: StartWorkflow) -> None:
    """Conformance 77, 78."""
    process = start(workflow_with(timeout=60))
    old, handed_over = token_of(process.pk), len(ROUTES)
    count = len(rows(process))
    pass_time(timedelta(seconds=50))
    assert deadlines.expire_due() == 0
    pass_time(timedelta(seconds=10))
    assert deadlines.expire_due() == 1
    process.refresh_from_db()
    assert (process.last_status, process.failed_reason) == ("failed", "Callback timed out")
    assert rows(process)[-1] == ("Deliver", "failed")
    assert len(rows(process)) == count
    with pytest.raises(Conflict):
        arrive_callback(process.pk, old, {})

    resume_process(process.pk)
    process.refresh_from_db()
    assert process.last_status == "awaiting_callback"
    assert token_of(process.pk) != old
    assert len(ROUTES) == handed_over + 1, "the work is handed over anew"
    abort_process(process.pk)
    assert Process.every.get(pk=process.pk).last_status == "aborted"
    assert not Wait.objects.filter(process=process, state="open").exists()


def test_a_pause_takes_nothing_of_the_time_for_an_answer(start: StartWorkflow) -> None:
    """While the engine is paused an answer gets 503, so it cannot be late."""
    process = start(workflow_with(timeout=60))
    pass_time(timedelta(seconds=40))
    pause_engine()
    pass_time(timedelta(seconds=300))
    pause_engine()
    pass_time(timedelta(seconds=300))
    assert deadlines.expire_due() == 0
    unpause_engine()
    assert until_next_due() == pytest.approx(timedelta(seconds=20), abs=timedelta(seconds=3))
    assert deadlines.expire_due() == 0
    arrive_callback(process.pk, token_of(process.pk), {})
    process.refresh_from_db()
    assert process.last_status == "completed"


def test_without_a_timeout_an_answer_is_awaited_for_ever(start: StartWorkflow) -> None:
    """Conformance 78."""
    process = start(workflow_with())
    pass_time(timedelta(days=1000))
    assert deadlines.expire_due() == 0
    arrive_callback(process.pk, token_of(process.pk), {})
    assert Process.every.get(pk=process.pk).last_status == "completed"


def test_one_that_cannot_be_ended_does_not_hold_up_the_others(
    start: StartWorkflow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Conformance 79."""
    broken, good = (start(flow) for flow in [workflow_with(timeout=60)] * 2)
    for process, seconds in ((broken, 2), (good, 1)):
        Wait.objects.filter(process=process).update(deadline=Now() - timedelta(seconds=seconds))
    fail = deadlines._fail

    def fail_unless_broken(wait: Wait, **how: Any) -> bool:
        if wait.process_id == broken.pk:
            raise ValueError("No, not this one")
        return fail(wait, **how)

    monkeypatch.setattr(deadlines, "_fail", fail_unless_broken)
    assert deadlines.expire_due() == 1
    assert "No, not this one" in caplog.text
    statuses = {process.pk: Process.every.get(pk=process.pk).last_status for process in (broken, good)}
    assert statuses == {broken.pk: "awaiting_callback", good.pk: "failed"}
    assert Wait.objects.get(process=broken).state == "open"


def test_a_person_may_let_an_awaiting_process_go_on(start: StartWorkflow) -> None:
    @step("Check nothing")
    def nothing() -> None: ...

    @workflow("By hand")
    def by_hand() -> StepList:
        return init >> callback_step("Deliver", hand_over, nothing) >> done

    process = start(by_hand)
    token = token_of(process.pk)
    resume_process(process.pk)
    process.refresh_from_db()
    assert process.last_status == "completed"
    with pytest.raises(Conflict):
        arrive_callback(process.pk, token, {})


def test_a_failed_validation_is_retried_with_a_new_address(start: StartWorkflow) -> None:
    process = start(workflow_with())
    token = token_of(process.pk)
    arrive_callback(process.pk, token, {"return_code": 2})
    process.refresh_from_db()
    assert (process.last_status, process.failed_reason) == ("failed", "The runner failed")
    resume_process(process.pk)
    assert Process.every.get(pk=process.pk).last_status == "awaiting_callback"
    assert token_of(process.pk) != token


def test_an_answer_for_a_step_that_has_failed_is_refused(start: StartWorkflow) -> None:
    """Its next try gives another address away, and would never look at it."""

    @step("Order and fail")
    def order_and_fail(callback_route: str) -> None:
        ROUTES.append(callback_route)
        raise ValueError("ordered, and then this")

    @workflow("Failing")
    def failing() -> StepList:
        return init >> callback_step("Deliver", order_and_fail, check) >> done

    process = start(failing)
    token = ROUTES[-1].rsplit("/", 1)[1]
    with pytest.raises(Conflict, match="not in an awaiting state"):
        arrive_callback(process.pk, token, {"return_code": 0})
    with pytest.raises(Conflict, match="not in an awaiting state"):
        update_callback_progress(process.pk, token, "half way")
    assert Wait.objects.get(process=process).body is None


def test_a_person_asked_on_the_way_does_not_end_the_waiting(start: StartWorkflow) -> None:
    @inputstep("Confirm", assignee="NOC")
    def confirm() -> FormGenerator:
        class Confirm(FormPage):
            sure: bool

        page = yield Confirm
        return page.model_dump()

    @workflow("Asking first")
    def asking() -> StepList:
        return init >> callback_step("Deliver", confirm, check) >> done

    process = start(asking)
    token = token_of(process.pk)
    assert process.last_status == "suspended"
    resume_process(process.pk, [{"sure": True}])
    process.refresh_from_db()
    assert process.last_status == "awaiting_callback"
    arrive_callback(process.pk, token, {"return_code": 0})
    process.refresh_from_db()
    assert process.last_status == "completed"


def test_clocks_that_differ_do_not_bring_an_old_answer_back(start: StartWorkflow) -> None:
    """The runner of the first try was an hour ahead."""
    process = start(workflow_with())
    arrive_callback(process.pk, token_of(process.pk), {"return_code": 1})
    process.refresh_from_db()
    assert process.last_status == "failed"
    Wait.objects.filter(process=process).update(created_at=Now() + timedelta(hours=1))
    resume_process(process.pk)
    process.refresh_from_db()
    assert process.last_status == "awaiting_callback"
