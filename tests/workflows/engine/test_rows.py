"""What becomes of the process row and its step rows: at a start, after each step, and after a worker is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from products.models import Workflow as WorkflowRow
from wfo_site.common.errors import Conflict
from workflows import (
    InconsistentDataError,
    ProcessFailureError,
    State,
    Step,
    StepList,
    abort,
    begin,
    conditional,
    done,
    init,
    inputstep,
    retrystep,
    step,
    task,
    workflow,
)
from workflows.engine import claims
from workflows.engine.registry import Workflow
from workflows.forms import FormGenerator, FormPage
from workflows.models import InputState
from workflows.selectors import engine_status, process_detail
from workflows.testing import Engine, FaultPoint
from workflows.testing.clock import pass_time

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("way")]


@step("First")
def first() -> State:
    return {"first": 1}


@step("Second")
def second(first: int) -> State:
    return {"second": first + 1}


@step("Third")
def third(second: int) -> State:
    return {"third": second + 1}


@step("Breaks")
def breaks() -> None:
    raise ProcessFailureError("It broke", {"part": "axle"})


@step("Breaks with two truths")
def breaks_with_two_truths() -> None:
    raise InconsistentDataError("Two truths")


@retrystep("Asks")
def asks() -> None:
    raise RuntimeError("Not yet")


@inputstep("Confirm", assignee="CHANGES")
def confirm() -> FormGenerator:
    class Confirm(FormPage):
        name: str

    page = yield Confirm
    return page.model_dump()


def of(*steps: Step | StepList) -> Workflow:
    """Return a workflow of these steps after Start."""

    @workflow("Made of steps")
    def of_steps() -> StepList:
        listed = begin >> init
        for one in steps:
            listed = listed >> one
        return listed

    return of_steps


@pytest.mark.parametrize(("decorator", "is_task"), [(workflow, False), (task, True)])
def test_a_started_process_is_created_and_takes_from_its_row_whether_it_is_a_task(
    engine: Engine, decorator: Callable[..., Any], is_task: bool
) -> None:
    """Conformance 80."""

    @decorator("Anything")
    def anything() -> StepList:
        return begin >> first

    process = engine.queue(anything, user="alice").process
    assert (process.last_status, process.created_by, process.is_task) == ("created", "alice", is_task)
    assert (process.last_step, process.assignee, process.failed_reason) == (None, "SYSTEM", None)
    assert process.started_at == process.last_modified_at


def test_whether_it_is_a_task_is_said_by_the_catalogue_and_not_by_the_code(engine: Engine) -> None:
    """Conformance 80."""

    @workflow("Anything")
    def became_a_task() -> StepList:
        return begin >> breaks_with_two_truths

    WorkflowRow.objects.create(name="became_a_task", target="SYSTEM", description="", is_task=True)
    run = engine.start(became_a_task).expect("inconsistent_data")
    assert run.process.is_task


@pytest.mark.parametrize(
    ("last", "row_status", "stands"),
    [
        (conditional(lambda _: False)(first), "skipped", ("running", "SYSTEM", None)),
        (first, "success", ("running", "SYSTEM", None)),
        (confirm, "suspend", ("suspended", "CHANGES", None)),
        (asks, "waiting", ("waiting", "SYSTEM", "Not yet")),
        (breaks, "failed", ("failed", "SYSTEM", "It broke")),
        (abort, "abort", ("aborted", "SYSTEM", None)),
        (done, "complete", ("completed", "SYSTEM", None)),
    ],
)
def test_the_status_of_a_process_follows_from_its_last_row(
    engine: Engine, last: Any, row_status: str, stands: tuple[str, str, str | None]
) -> None:
    """Conformance 81, 83; `stands`: status and assignee of the process, and why it failed."""
    status, _, reason = stands
    if status == "running":
        engine.crash_at(FaultPoint.AFTER_WRITE, "First")
    run = engine.start(of(last, done))
    process, row = run.process, run.rows[-1]
    assert (row.status, process.last_step) == (row_status, row.name)
    assert (process.last_status, process.assignee, process.failed_reason) == stands
    assert "traceback" not in str(row.error)
    assert ("Traceback" in (process.traceback or "")) is (reason is not None)


def test_what_failed_is_no_longer_said_once_a_later_step_is_done(engine: Engine) -> None:
    """Conformance 81."""
    broken = [True]

    @step("Breaks once")
    def breaks_once() -> None:
        if broken:
            raise ValueError(broken.pop())

    run = engine.start(of(breaks_once, confirm)).expect("failed")
    process = run.retry().expect("suspended").process
    assert (process.failed_reason, process.traceback) == (None, None)


def test_the_assignee_of_a_failed_task_is_that_of_its_step(engine: Engine) -> None:
    """Conformance 82, as of 5.5."""

    @task("Contradicting")
    def contradicting() -> StepList:
        return begin >> breaks_with_two_truths

    process = engine.start(contradicting).expect("inconsistent_data", failure="Two truths").process
    assert process.assignee == "SYSTEM"


@pytest.mark.parametrize("lost_at", ["Start", "First", "Second", "Third"])
def test_a_process_goes_on_after_its_last_stored_step_with_the_state_then(engine: Engine, lost_at: str) -> None:
    """Conformance 44, 43."""
    engine.crash_at(FaultPoint.AFTER_WRITE, lost_at)
    run = engine.start(of(first, second, third, done)).expect("running", step=lost_at)
    names = ["Start", "First", "Second", "Third", "Done"]
    stored = names.index(lost_at) + 1
    detail = process_detail(run.process_id)
    assert [item["status"] for item in detail["steps"]] == ["success"] * stored + ["pending"] * (5 - stored)
    assert [item["name"] for item in detail["steps"]] == names
    wanted = {name.lower(): number for number, name in enumerate(names) if 0 < number < stored}
    assert {key: detail["current_state"].get(key) for key in wanted} == wanted
    engine.recover()
    run.expect("completed")
    assert [name for name, _ in run.steps] == names
    assert (run.state["first"], run.state["second"], run.state["third"]) == (1, 2, 3)


def test_the_last_step_can_be_taken_away_while_it_has_not_run(engine: Engine) -> None:
    """Conformance 89; that it is keys and not numbers of steps that count is our own."""
    growing = of(confirm, first, done)
    run = engine.start(growing).expect("suspended")
    growing.steps = init >> confirm >> done
    del growing.keys
    run.resume({"name": "x"}).expect("completed")
    assert [name for name, _ in run.steps] == ["Start", "Confirm", "Confirm", "Done"]


@pytest.mark.parametrize(("last", "status"), [(done, "completed"), (abort, "aborted")])
def test_an_ended_process_stays_as_it_ended(engine: Engine, last: Step, status: str) -> None:
    """Conformance 47."""
    run = engine.start(of(last)).expect(status)
    before = run.steps
    with pytest.raises(Conflict, match=f"this process is {status} already"):
        run.abort()
    run.expect(status)
    assert run.steps == before


def test_the_inputs_of_a_process_are_kept_in_their_order(engine: Engine) -> None:
    """Conformance 59."""
    run = engine.start(of(confirm, confirm, done), user="alice")
    run.resume({"name": "one"}, user="bob").resume({"name": "two"}, user="carol").expect("completed")
    given = InputState.objects.filter(process_id=run.process_id)
    assert [(one.input_type, one.created_by, one.input_state.get("name")) for one in given] == [
        ("initial_state", "alice", None),
        ("user_input", "bob", "one"),
        ("user_input", "carol", "two"),
    ]
    assert given[0].input_state["process_id"] == str(run.process_id)


def test_running_processes_are_the_live_leases(engine: Engine) -> None:
    """Conformance 97, where ours asks the database and not the workers, so that nothing is polled or out of date."""
    assert engine_status()["running_processes"] == 0
    run = engine.queue(of(first, done))
    assert claims.claim(run.process_id, "a worker") is not None
    assert engine_status()["running_processes"] == 1
    pass_time(claims.lease())
    assert engine_status()["running_processes"] == 0
