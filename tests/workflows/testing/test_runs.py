"""The harness starts, answers, waits and tells what happened, without a process of its own."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from wfo_site.common.clock import now
from wfo_site.common.errors import Conflict
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
    task,
    workflow,
)
from workflows.engine import open_transactions
from workflows.engine.registry import Workflow, get_workflow
from workflows.forms import FormGenerator, FormPage, FormValidationError
from workflows.selectors import why_not_running
from workflows.testing import Engine

pytestmark = pytest.mark.django_db


@step("Double")
def double(number: int) -> State:
    return {"number": 2 * number}


def asking_form() -> FormGenerator:
    class First(FormPage):
        number: int

    class Second(FormPage):
        colour: str

    first = yield First
    second = yield Second
    return {**first.model_dump(), **second.model_dump()}


@inputstep("Confirm", assignee="NOC")
def confirm() -> FormGenerator:
    class Confirm(FormPage):
        name: str

    page = yield Confirm
    return page.model_dump()


def asking() -> Workflow:
    @workflow("Asking", initial_input_form=asking_form)
    def asks() -> StepList:
        return init >> double >> confirm >> done

    return asks


def test_a_workflow_is_run_with_the_pages_of_its_form_and_answered(engine: Engine) -> None:
    run = engine.start(asking(), {"number": 4}, {"colour": "red"}, user="alice")
    run.expect("suspended", step="Confirm")
    assert run.steps == [("Start", "success"), ("Double", "success"), ("Confirm", "suspend")]
    assert run.step("Double").delta == {"number": 8}
    assert run.form().fields == ["name"]
    assert run.form({"name": 3}).errors == {"name": "Input should be a valid string"}
    with pytest.raises(FormValidationError):
        run.resume({"name": 3})
    run.resume({"name": "core"}, user="bob").expect("completed")
    assert (run.state["name"], run.state["colour"], run.rows[-1].created_by) == ("core", "red", "bob")
    with pytest.raises(Conflict):
        run.abort()


def test_a_form_is_asked_page_by_page_without_starting_anything(engine: Engine) -> None:
    asks = asking()
    assert engine.form(asks).fields == ["number"]
    assert engine.form(asks, {"number": "x"}).errors.keys() == {"number"}
    assert engine.form(asks, {"number": 1}).fields == ["colour"]
    whole = engine.form(asks, {"number": 1}, {"colour": "red"})
    assert (whole.result, whole.errors, whole.schema) == ({"number": 1, "colour": "red"}, {}, {})
    run = engine.queue(asks, {"number": 1}, {"colour": "red"})
    assert (run.status, run.steps) == ("created", [])
    assert engine.run_until_idle() == 1
    run.expect("suspended").abort(user="alice").expect("aborted", step="User Aborted")


def test_a_workflow_of_a_test_is_forgotten_after_it(db: None) -> None:
    with Engine() as engine:
        assert engine.form(asking()).fields == ["number"]
        assert get_workflow("asks") is not None
    assert get_workflow("asks") is None


def test_an_expectation_that_does_not_hold_tells_the_story(engine: Engine) -> None:
    @step("Break")
    def breaks() -> None:
        raise ProcessFailureError("The link is down", {"link": 7})

    @workflow("Breaking")
    def breaking() -> StepList:
        return init >> breaks >> done

    run = engine.start(breaking)
    run.expect("failed", step="Break", failure="link is down")
    with pytest.raises(AssertionError) as told:
        run.expect("completed")
    story = str(told.value)
    assert "breaking should be completed, and is failed" in story
    assert "Start: success" in story
    assert "Break says: The link is down" in story
    assert "raise ProcessFailureError" in story
    with pytest.raises(AssertionError, match="saying 'fire'"):
        run.expect("failed", failure="fire")
    with pytest.raises(AssertionError, match="at 'Start'"):
        run.expect("failed", step="Start")


def test_retries_come_due_as_time_passes(engine: Engine) -> None:
    tries: list[int] = []

    @retrystep("Ask")
    def ask() -> State:
        tries.append(1)
        if len(tries) < 4:
            raise RuntimeError("not yet")
        return {"answer": 42}

    @task("Patient")
    def patient() -> StepList:
        return StepList([ask])

    run = engine.start(patient)
    engine.advance(minutes=59)
    run.expect("waiting", failure="not yet")
    assert len(tries) == 1
    engine.advance(hours=1, minutes=30)
    assert len(tries) == 3
    engine.advance(hours=1)
    run.expect("completed")
    assert run.state["answer"] == 42
    assert run.process.started_at < now() - timedelta(hours=3)


def test_a_start_for_later_is_due_at_its_time(engine: Engine) -> None:
    run = engine.queue(asking(), {"number": 1}, {"colour": "red"}, not_before=now() + timedelta(hours=2))
    assert engine.run_until_idle() == 0
    assert why_not_running(run.process).startswith("Starts at ")
    assert engine.advance(minutes=119) == 0
    assert engine.advance(minutes=1) == 1
    run.expect("suspended")


@step("Hand over")
def hand_over(callback_route: str) -> State:
    return {"ordered_at": callback_route}


@step("Check")
def check(callback_result: dict[str, Any]) -> State:
    return {"checked": callback_result["ok"]}


def delegating() -> Workflow:
    @workflow("Delegating")
    def delegates() -> StepList:
        return init >> callback_step("Deliver", hand_over, check, timeout=60) >> done

    return delegates


def test_callbacks_are_answered_as_the_other_system_would(engine: Engine) -> None:
    run = engine.start(delegating()).expect("awaiting_callback", step="Deliver")
    assert run.callback_route.startswith(f"/api/processes/{run.process_id}/callback/")
    run.report_progress("half way").expect("awaiting_callback")
    run.call_back({"ok": True}).expect("completed")
    assert run.state["checked"] is True
    with pytest.raises(Conflict):
        run.call_back({"ok": True})


def test_deadlines_pass_as_time_does(engine: Engine) -> None:
    run = engine.start(delegating())
    engine.advance(seconds=59)
    run.expect("awaiting_callback")
    engine.advance(seconds=1)
    run.expect("failed", failure="Callback timed out")
    run.retry(user="bob").expect("awaiting_callback")


def test_an_atomic_step_that_keeps_its_transaction_open_fails_the_test(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(open_transactions, "LIMIT_SECONDS", 0.05)

    @step("Dawdle", atomic=True)
    def dawdle() -> None:
        time.sleep(0.06)

    @workflow("Dawdling")
    def dawdling() -> StepList:
        return init >> dawdle >> done

    with pytest.raises(AssertionError, match="Step 'Dawdle' kept its transaction open"):
        engine.start(dawdling)
    assert "Step 'Dawdle' kept its transaction open for 0.1 s" in caplog.text
