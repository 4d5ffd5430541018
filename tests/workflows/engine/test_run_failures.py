"""Steps that fail: what is stored, how they are tried again, and what of their writes stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db.models.functions import Now

from workflows import (
    ApiException,
    InconsistentDataError,
    ProcessFailureError,
    State,
    StepList,
    begin,
    done,
    init,
    register_failure_classifier,
    retrystep,
    step,
    task,
    workflow,
)
from workflows.engine import classifying, deadlines, store
from workflows.models import ProcessStep, Wait
from workflows.selectors import process_detail
from workflows.services import resume_process
from workflows.states import ENDED
from workflows.testing import run_until_idle

from .conftest import StartWorkflow, rows, state_of
from .plain_steps import body, first

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_failing_step_fails_the_process_and_a_retry_runs_it_again(start: StartWorkflow) -> None:
    """Conformance 48, 81."""
    calls: list[int] = []

    @step("Fragile")
    def fragile() -> State:
        calls.append(1)
        if len(calls) < 2:
            raise ProcessFailureError("The link is down", {"link": 7})
        return {"fine": True}

    @workflow("Fragile")
    def fragile_workflow() -> StepList:
        return init >> first >> fragile >> done

    process = start(fragile_workflow)
    assert (process.last_status, process.failed_reason, process.last_step) == ("failed", "The link is down", "Fragile")
    assert "ProcessFailureError" in (process.traceback or "")
    failure = ProcessStep.objects.get(process=process, status="failed")
    assert failure.error == {"error": "The link is down", "class": "ProcessFailureError", "details": {"link": 7}}
    assert process_detail(process.pk)["current_state"]["a"] == 1

    resume_process(process.pk, user="bob")
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert (process.failed_reason, process.traceback) == (None, None)
    assert rows(process)[2:] == [("Fragile", "failed"), ("Fragile", "success"), ("Done", "complete")]
    assert ProcessStep.objects.get(process=process, name="Fragile", status="success").created_by == "bob"


def test_only_identical_failures_in_a_row_are_counted_on_one_row(start: StartWorkflow) -> None:
    """Conformance 84."""
    messages = ["no", "no", "other", "no"]

    @step("Fragile")
    def fragile() -> None:
        if messages:
            raise ValueError(messages.pop(0))

    @workflow("Fragile")
    def repeated() -> StepList:
        return init >> fragile >> done

    process = start(repeated)
    for _ in range(4):
        resume_process(process.pk, user="alice")
    assert rows(process)[1:5] == [("Fragile", "failed")] * 3 + [("Fragile", "success")]
    merged = ProcessStep.objects.get(process=process, seq=2)
    assert merged.retries == 1
    assert len(merged.earlier_completed_at) == 1
    process.refresh_from_db()
    assert process.last_status == "completed"


def test_a_failure_with_other_details_or_of_another_user_has_a_row_of_its_own(start: StartWorkflow) -> None:
    """Conformance 84."""
    details = [1, 1, 1, 2]

    @step("Fragile")
    def fragile() -> None:
        raise ProcessFailureError("no", details.pop(0))

    @workflow("Fragile")
    def told_apart() -> StepList:
        return init >> fragile >> done

    process = start(told_apart, user="alice")
    for user in ("alice", "bob", "bob"):
        resume_process(process.pk, user=user)
    failures = ProcessStep.objects.filter(process=process, status="failed").order_by("seq")
    assert [(one.created_by, one.error["details"], one.retries) for one in failures] == [
        ("alice", 1, 1),
        ("bob", 1, 0),
        ("bob", 2, 0),
    ]


def test_a_retrystep_waits_instead_of_failing(start: StartWorkflow) -> None:
    """Conformance 45."""
    down = [True]

    @retrystep("Ask the other system")
    def ask() -> State:
        if down:
            raise RuntimeError("not yet")
        return {"answer": 42}

    @workflow("Patient")
    def patient() -> StepList:
        return init >> ask >> done

    process = start(patient)
    assert (process.last_status, process.failed_reason, process.wait_kind) == ("waiting", "not yet", "retry")
    down.clear()
    resume_process(process.pk)
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert state_of(process.pk)["answer"] == 42


def test_what_waits_is_tried_again_by_itself(start: StartWorkflow) -> None:
    tries: list[int] = []

    @retrystep("Ask the other system")
    def ask() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("not yet")

    @workflow("Patient")
    def trying_again() -> StepList:
        return init >> ask >> done

    process = start(trying_again)
    assert run_until_idle() == 0
    Wait.objects.filter(process=process).update(deadline=Now() - timedelta(seconds=1))
    assert deadlines.expire_due() == 1
    run_until_idle()
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert len(tries) == 2


def answer_of(*names: str) -> Exception:
    """Return an error as generated clients raise it: a class of their own, by names from the root down."""
    kind: type[Exception] = Exception
    for name in names:
        kind = type(name, (kind,), {})
    error: Any = kind("(503)\nReason: away\nHTTP response headers: ...")
    error.status, error.reason, error.body, error.headers = 503, "away", b"later", {"Retry-After": "5"}
    return error  # type: ignore[no-any-return]


class MaxRetryError(Exception):
    """Known by its name, which urllib3 gave it."""


@pytest.mark.parametrize(
    ("error", "as_task", "as_workflow"),
    [
        (InconsistentDataError("differs"), "inconsistent_data", "failed"),
        (ApiException(503, "away"), "api_unavailable", "failed"),
        (answer_of("OpenApiException", "ApiException"), "api_unavailable", "failed"),
        (answer_of("ApiException", "ServiceException"), "api_unavailable", "failed"),
        (answer_of("NotApiException"), "failed", "failed"),
        (ApiException(404, "missing"), "api_unavailable", "failed"),
        (MaxRetryError("nobody answers"), "api_unavailable", "failed"),
        (AssertionError("no"), "failed", "failed"),
    ],
)
def test_only_failures_of_tasks_are_classified(
    start: StartWorkflow, error: Exception, as_task: str, as_workflow: str
) -> None:
    """Conformance 82, as of 5.5."""

    @step("Fails")
    def fails() -> None:
        raise error

    @task("A task")
    def classified_task() -> StepList:
        return begin >> fails

    @workflow("A workflow")
    def classified_workflow() -> StepList:
        return init >> fails >> done

    assert start(classified_task).last_status == as_task
    assert start(classified_workflow).last_status == as_workflow


def test_an_app_may_say_what_a_failure_makes_of_its_process(
    start: StartWorkflow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`PROCESS_STEP_HANDLER` of orchestrator-core 5.5. What it says wrong loses no failure."""
    answers: list[Any] = ["api_unavailable", None, "completed", ZeroDivisionError("its own")]

    def classifier(error: BaseException, is_task: bool) -> Any:
        assert isinstance(error, InconsistentDataError)
        assert is_task
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return answer

    monkeypatch.setattr(classifying, "_registered", [])
    register_failure_classifier(classifier)

    @step("Fails")
    def fails() -> None:
        raise InconsistentDataError("differs")

    @task("A task")
    def classified_elsewhere() -> StepList:
        return begin >> fails

    process = start(classified_elsewhere)
    assert process.last_status == "api_unavailable"
    for complaint in ("", "said 'completed'; it may say api_unavailable, failed, inconsistent_data", "failed with"):
        resume_process(process.pk)
        process.refresh_from_db()
        assert process.last_status == "inconsistent_data"
        assert complaint in caplog.text
    assert not answers


def test_the_answer_of_another_system_is_kept_whichever_client_raises_it(start: StartWorkflow) -> None:
    """Conformance 204."""

    @step("Fails")
    def fails() -> None:
        raise answer_of("ApiException", "ServiceException")

    @workflow("Calling")
    def calling() -> StepList:
        return init >> fails >> done

    process = start(calling)
    assert process.failed_reason == "(503) away"
    assert ProcessStep.objects.get(process=process, name="Fails").error == {
        "error": "(503) away",
        "class": "ServiceException",
        "status_code": 503,
        "body": "later",
        "headers": {"Retry-After": "5"},
    }


def test_a_step_that_writes_to_the_database_itself_fails_and_says_what_to_do(start: StartWorkflow) -> None:
    @step("Writes")
    def writes() -> None:
        Group.objects.create(name="sneaky")

    @workflow("Writing")
    def writing() -> StepList:
        return init >> writes >> done

    process = start(writing)
    assert process.last_status == "failed"
    assert "atomic=True" in (process.failed_reason or "")
    assert not Group.objects.filter(name__in=["sneaky", "mine", "gone"]).exists()


def test_an_atomic_step_and_its_row_are_one_transaction(start: StartWorkflow) -> None:
    fail = [True]

    @step("Writes", atomic=True)
    def writes() -> State:
        Group.objects.create(name="mine")
        if fail:
            raise ValueError("after the write")
        return {"made": True}

    @workflow("Writing")
    def writing_atomically() -> StepList:
        return init >> writes >> done

    process = start(writing_atomically)
    assert process.last_status == "failed"
    assert not Group.objects.filter(name__in=["sneaky", "mine", "gone"]).exists()
    fail.clear()
    resume_process(process.pk)
    assert Group.objects.filter(name="mine").count() == 1
    assert rows(process)[1:] == [("Writes", "failed"), ("Writes", "success"), ("Done", "complete")]


def test_a_result_that_cannot_be_stored_is_a_failure_that_names_the_key(start: StartWorkflow) -> None:
    """Conformance 49."""

    @step("Returns NaN")
    def bad() -> State:
        return {"load": {"mean": float("nan")}}

    @step("Returns an atomic NaN", atomic=True)
    def bad_atomic() -> State:
        Group.objects.create(name="gone")
        return {"load": float("nan")}

    @workflow("Bad")
    def bad_result() -> StepList:
        return init >> bad >> done

    @workflow("Bad")
    def bad_atomic_result() -> StepList:
        return init >> bad_atomic >> done

    for made in (bad_result, bad_atomic_result):
        process = start(made)
        assert process.last_status == "failed"
        assert "load" in (process.failed_reason or "")
        assert len(rows(process)) == 2
    assert not Group.objects.filter(name__in=["sneaky", "mine", "gone"]).exists()


class TestWritesThatFail:
    """Conformance 49, 85."""

    @pytest.fixture
    def broken_writes(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The names of steps whose next write fails, taken off one by one."""
        broken: list[str] = []
        write = store.write_step

        def write_step(claim: Any, row: Any, *args: Any, **kwargs: Any) -> bool:
            if broken and row.name == broken[-1]:
                broken.pop()
                raise RuntimeError("The row could not be written")
            return write(claim, row, *args, **kwargs)

        monkeypatch.setattr(store, "write_step", write_step)
        return broken

    def test_the_first_is_the_failure_of_the_step(self, start: StartWorkflow, broken_writes: list[str]) -> None:
        @workflow("Unlucky")
        def unlucky() -> StepList:
            return init >> body >> done

        broken_writes.append("Body")
        process = start(unlucky)
        assert (process.last_status, process.last_step) == ("failed", "Body")
        assert process.failed_reason == "The row could not be written"
        assert rows(process) == [("Start", "success"), ("Body", "failed")]

    def test_after_a_second_the_process_itself_says_so(self, start: StartWorkflow, broken_writes: list[str]) -> None:
        @workflow("Unlucky")
        def unlucky() -> StepList:
            return init >> body >> done

        broken_writes.extend(["Body", "Body"])
        process = start(unlucky)
        assert (process.last_status, process.last_step) == ("failed", "Unknown")
        assert process.failed_reason == "The row could not be written"
        assert "RuntimeError" in (process.traceback or "")
        assert rows(process) == [("Start", "success")]
        assert process.last_status not in ENDED
        assert not ProcessStep.objects.filter(status="failed").exists()
