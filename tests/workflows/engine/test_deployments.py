"""Code that changes under a process: what fits goes on, what does not runs nothing until somebody has chosen (F18)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from products import registry
from wfo_site.common.errors import Conflict, Forbidden, Locked
from workflows import (
    AuthContext,
    State,
    Step,
    StepList,
    begin,
    branch,
    callback_step,
    done,
    foreach,
    init,
    inputstep,
    obsolete_step,
    parallel,
    step,
    step_group,
    workflow,
)
from workflows.engine import claims, deadlines
from workflows.engine.errors import PlanChanged
from workflows.engine.registry import Workflow
from workflows.engine.runner import run
from workflows.executors.room import Room
from workflows.executors.worker_process import WorkerProcess
from workflows.forms import FormGenerator, FormPage
from workflows.models import Process, ProcessStep, Wait, WorkflowPlan
from workflows.page_selectors.timeline import process_view
from workflows.selectors import continue_choices, process_detail, process_form, undo_plan, why_not_running
from workflows.services import abort_process, continue_at, pause_engine, resume_process
from workflows.services.continue_at import NoSuchStep
from workflows.testing import run_until_idle
from workflows.testing.clock import pass_time

from .conftest import StartWorkflow, rows, state_of

pytestmark = pytest.mark.django_db(transaction=True)

RAN: list[str] = []
BROKEN: set[str] = set()


@pytest.fixture(autouse=True)
def clean() -> None:
    RAN.clear()
    BROKEN.clear()


def does(name: str, **options: Any) -> Step:
    """Return a step that notes that it ran, and fails while its name is in BROKEN."""

    @step(name, **options)
    def do() -> State:
        RAN.append(name)
        if name in BROKEN:
            raise ValueError(f"{name} is broken")
        return {name.lower(): True}

    return do


def asks(name: str) -> Step:
    @inputstep(name, assignee="NOC")
    def ask() -> FormGenerator:
        class Answer(FormPage):
            answer: int

        page = yield Answer
        return page.model_dump()

    return ask


def deploy(code: Workflow, *steps: Step | StepList) -> None:
    """Put other steps into the code of a workflow."""
    joined = begin
    for one in steps:
        joined = joined >> one
    code.steps = init >> joined >> done
    vars(code).pop("keys", None)


def flow(*steps: Step | StepList, name: str = "deployed", **options: Any) -> Workflow:
    def body() -> StepList:
        joined = begin
        for one in steps:
            joined = joined >> one
        return init >> joined >> done

    body.__name__ = name
    made: Workflow = workflow("Deployed", **options)(body)
    return made


def choose(process: Process, key: str, *, user: str = "carol", user_model: Any = None) -> None:
    found = continue_choices(process.pk)
    continue_at(process.pk, key, plan=found.plan, version=found.version, user=user, user_model=user_model)


A, B, C, D = does("A"), does("B"), does("C"), does("D")
ASK = asks("Ask")


@pytest.fixture
def suspended(start: StartWorkflow) -> Process:
    process = start(flow(A, B, ASK, C))
    assert process.last_status == "suspended"
    RAN.clear()
    return process


def code_of(process: Process) -> Workflow:
    spec: Any = registry.workflows()["deployed"]
    found: Workflow = spec.factory
    return found


FITTING: dict[str, list[Step]] = {
    "the same": [A, B, ASK, C],
    "added later": [A, B, ASK, D, C],
    "removed later": [A, B, ASK],
    "renamed later": [A, B, ASK, D],
    "removed before, with a placeholder": [A, obsolete_step, ASK, C],
    "removed before, with its own placeholder": [A, obsolete_step("B"), ASK, C],
    "both removed": [obsolete_step, obsolete_step, ASK, C],
}
OTHER: dict[str, tuple[list[Step], str]] = {
    "added before": ([A, D, B, ASK, C], "as step 3 it has done “B”, where the code has “D”"),
    "removed before": ([A, ASK, C], "as step 3 it has done “B”, where the code has “Ask”"),
    "renamed before": ([A, D, ASK, C], "as step 3 it has done “B”, where the code has “D”"),
    "swapped": ([B, A, ASK, C], "as step 2 it has done “A”, where the code has “B”"),
    "the question is gone": ([A, B, C], "stands at “Ask”; the code"),
    "the question is a plain step now": ([A, B, does("Ask"), C], "in the middle of “Ask”"),
    "a placeholder for another": ([A, obsolete_step("X"), ASK, C], "where the code has “X”"),
    "a placeholder, and the step stands later": ([A, obsolete_step, ASK, B, C], "where the code has “Obsolete step”"),
    "ends before": ([A], "as step 3 it has done “B”, where the code has “Done”"),
    "nothing left": ([], "as step 2 it has done “A”, where the code has “Done”"),
}


@pytest.mark.parametrize("case", FITTING)
def test_what_fits_goes_on_with_the_new_steps(suspended: Process, case: str) -> None:
    deploy(code_of(suspended), *FITTING[case])
    form, _ = process_form(suspended.pk)
    assert form is not None
    resume_process(suspended.pk, {"answer": 1})
    run_until_idle()
    suspended.refresh_from_db()
    assert suspended.last_status == "completed"
    assert [one.name for one in FITTING[case][3:]] == RAN
    # The plan that it ran by in the end is what is kept.
    assert WorkflowPlan.objects.get(pk=suspended.plan_id).keys == code_of(suspended).keys


@pytest.mark.parametrize("case", OTHER)
def test_what_does_not_fit_runs_nothing_and_wants_a_choice(suspended: Process, case: str) -> None:
    steps, words = OTHER[case]
    deploy(code_of(suspended), *steps)
    assert process_form(suspended.pk)[0] is None
    for given in ({"answer": 1}, {}):
        with pytest.raises(PlanChanged, match="Choose where it goes on"):
            resume_process(suspended.pk, given)
    detail = process_detail(suspended.pk)
    assert words in detail["why"]
    assert detail["form"] is None
    # What it would have gone on with, by the plan that it has run by.
    assert [one["name"] for one in detail["steps"][4:]] == ["Ask", "C", "Done"]
    view = process_view(suspended.pk)
    assert (view.wants_choice, view.has_form) == (True, False)
    assert view.misfit == detail["why"]
    Process.every.filter(pk=suspended.pk).update(last_status="resumed")
    run_until_idle()
    suspended.refresh_from_db()
    assert (suspended.last_status, RAN) == ("failed", [])
    assert words in (suspended.failed_reason or "")
    assert words in process_detail(suspended.pk)["why"]


def test_it_goes_on_at_the_step_that_was_chosen(suspended: Process) -> None:
    deploy(code_of(suspended), A, D, B, ASK, C)
    choices = continue_choices(suspended.pk)
    assert [(one.key, str(one.standing)) for one in choices.old] == [
        ("Start", "done"), ("A", "done"), ("B", "done"), ("Ask", "stopped"), ("C", "ahead"), ("Done", "ahead"),
    ]  # fmt: skip
    assert [one.key for one in choices.new if one.was_done] == ["Start", "A", "B"]
    assert [one.key for one in choices.new if one.is_suggested] == ["Ask"]
    choose(suspended, "D")
    suspended.refresh_from_db()
    assert (suspended.last_status, RAN) == ("suspended", ["D", "B"])
    assert rows(suspended)[3:] == [
        ("Ask", "suspend"), ("Continued at D", "success"), ("D", "success"), ("B", "success"), ("Ask", "suspend"),
    ]  # fmt: skip
    assert list(Wait.objects.filter(process=suspended).order_by("created_at").values_list("state", flat=True)) == [
        "cancelled",
        "open",
    ]
    assert ProcessStep.objects.get(process=suspended, name="D").created_by == "carol"
    resume_process(suspended.pk, {"answer": 1})
    suspended.refresh_from_db()
    assert suspended.last_status == "completed"
    assert state_of(suspended.pk)["answer"] == 1
    assert [(card.name, card.status) for card in process_view(suspended.pk).cards][-2:] == [
        ("C", "success"),
        ("Done", "complete"),
    ]
    assert [one.name for one in undo_plan(suspended.pk).steps] == ["C", "Ask", "B", "D", "A"]


def test_the_page_counts_from_where_it_goes_on(suspended: Process) -> None:
    deploy(code_of(suspended), A, D, B, ASK, C)
    choose(suspended, "Ask")
    view = process_view(suspended.pk)
    assert (view.wants_choice, view.has_form) == (False, True)
    assert [card.key for card in view.cards if not card.is_written] == ["C", "Done"]
    assert view.current is not None
    assert (view.current.key, view.current.status) == ("Ask", "suspend")
    detail = process_detail(suspended.pk)
    assert detail["form"] is not None
    assert [one["name"] for one in detail["steps"][-3:]] == ["Ask", "C", "Done"]
    assert "D" not in RAN


def test_a_failed_step_that_is_gone_is_left_behind(start: StartWorkflow) -> None:
    BROKEN.add("B")
    process = start(flow(A, B, C))
    deploy(code_of(process), A, C)
    with pytest.raises(PlanChanged, match=r"stands at “B”; the code .* but with “C”"):
        resume_process(process.pk)
    choose(process, "C")
    process.refresh_from_db()
    assert (process.last_status, RAN) == ("completed", ["A", "B", "C"])
    assert process.failed_reason is None


@pytest.mark.parametrize("placeholder", [obsolete_step, obsolete_step("B")], ids=["any", "its own"])
def test_a_placeholder_also_stands_for_the_step_that_failed(start: StartWorkflow, placeholder: Step) -> None:
    BROKEN.add("B")
    process = start(flow(A, B, C))
    deploy(code_of(process), A, placeholder, C)
    resume_process(process.pk)
    process.refresh_from_db()
    assert (process.last_status, RAN) == ("completed", ["A", "B", "C"])


def test_its_own_placeholder_also_stands_for_the_step_that_asks(suspended: Process) -> None:
    deploy(code_of(suspended), A, B, obsolete_step("Ask"), C)
    assert process_form(suspended.pk)[0] is None
    resume_process(suspended.pk)
    suspended.refresh_from_db()
    assert (suspended.last_status, RAN) == ("completed", ["C"])


def test_a_named_placeholder_is_skipped_by_new_processes_and_hides_nothing_from_an_undo(start: StartWorkflow) -> None:
    BROKEN.add("C")
    process = start(flow(does("A", undo=dict), does("B", undo=dict), C))
    deploy(code_of(process), does("A", undo=dict), obsolete_step("B"), C)
    fates = {one.name: (str(one.fate), one.reason) for one in undo_plan(process.pk).steps}
    assert fates["A"] == ("undone", "")
    assert fates["B"] == ("stays", "The code does not have this step any more.")
    fresh = start(code_of(process))
    assert ("B", "skipped") in rows(fresh)
    assert "B" not in {one.name for one in undo_plan(fresh.pk).steps}


def test_within_a_group_it_must_know_the_step_it_stands_at(start: StartWorkflow) -> None:
    process = start(flow(step_group("Group", begin >> A >> ASK >> B), C))
    assert process.last_status == "suspended"
    code = code_of(process)
    deploy(code, step_group("Group", begin >> A >> ASK >> D), C)
    assert process_detail(process.pk)["form"] is not None
    deploy(code, step_group("Group", begin >> A >> asks("Ask otherwise") >> B), C)
    with pytest.raises(PlanChanged, match="in the middle of “Group” at “Ask”"):
        resume_process(process.pk, {"answer": 1})
    RAN.clear()
    choose(process, "Group")
    process.refresh_from_db()
    assert (process.last_status, RAN) == ("suspended", ["A"])
    # What the group had done until then is not in the state that it begins with.
    resume_process(process.pk, {"answer": 1})
    process.refresh_from_db()
    assert (process.last_status, RAN) == ("completed", ["A", "B", "C"])
    assert "__step_group" not in state_of(process.pk)


def test_a_callback_that_arrives_for_a_step_that_is_gone(start: StartWorkflow) -> None:
    process = start(flow(callback_step("Hand over", does("Send"), does("Check")), C))
    assert process.last_status == "awaiting_callback"
    deploy(code_of(process), D, C)
    assert process_view(process.pk).wants_choice
    choose(process, "D")
    process.refresh_from_db()
    assert (process.last_status, RAN[1:]) == ("completed", ["D", "C"])
    assert not Wait.objects.filter(process=process, state="open").exists()


def test_parts_of_a_step_that_is_gone_are_aborted_and_those_of_one_that_stays_are_kept(start: StartWorkflow) -> None:
    BROKEN.add("B")
    fork = parallel("Both", branch("One", A), branch("Two", B))
    gone, kept = start(flow(fork, C)), start(flow(fork, C, name="deployed_too"))
    assert (gone.last_status, kept.last_status) == ("waiting", "waiting")
    for process, steps in ((gone, [D, C]), (kept, [D, fork, C])):
        spec: Any = registry.workflows()[process.workflow.name]
        deploy(spec.factory, *steps)
        assert process_view(process.pk).wants_choice
    part = Process.every.get(parent=gone, branch_name="Two")
    assert "Abort it, or choose for its parent" in process_view(part.pk).misfit
    assert continue_choices(part.pk).refusal == process_view(part.pk).misfit
    with pytest.raises(PlanChanged, match="choose for its parent"):
        resume_process(part.pk)
    choose(gone, "C")
    assert dict(Process.every.filter(parent=gone).values_list("branch_name", "last_status")) == {
        "One": "completed",
        "Two": "aborted",
    }
    BROKEN.clear()
    RAN.clear()
    choose(kept, "Both")
    kept.refresh_from_db()
    assert (kept.last_status, RAN) == ("completed", ["B", "C"])


def test_parts_that_went_on_after_their_step_had_failed_are_aborted_when_it_is_left_behind(
    start: StartWorkflow,
) -> None:
    process = start(flow(parallel("Both", branch("One", A), branch("Two", ASK), timeout=60), C))
    Wait.objects.filter(process=process).update(deadline=Now() - timedelta(seconds=1))
    assert deadlines.expire_due() == 1
    deploy(code_of(process), D, C)
    choose(process, "C")
    assert dict(Process.every.filter(parent=process).values_list("branch_name", "last_status")) == {
        "One": "completed",
        "Two": "aborted",
    }


def test_a_fork_that_is_chosen_once_more_runs_its_parts_once_more(start: StartWorkflow) -> None:
    """It was done, and with other items: what came of that is not taken for the new try."""
    items = ["x"]

    @step("Configure")
    def configure(item: str) -> State:
        RAN.append(item)
        return {"configured": item}

    each = foreach("Each", lambda _: list(items), configure)
    process = start(flow(each, ASK))
    deploy(code_of(process), D, each, ASK)
    items[:] = ["y", "z"]
    choose(process, "Each")
    assert RAN == ["x", "y", "z"]
    assert state_of(process.pk)["results"] == [{"configured": "y"}, {"configured": "z"}]
    old = Process.every.get(parent=process, branch_name="x")
    assert state_of(old.pk)["item"] == "x"


def test_it_can_be_aborted_instead(suspended: Process) -> None:
    deploy(code_of(suspended), A, D, ASK)
    abort_process(suspended.pk)
    assert process_detail(suspended.pk)["why"] == ""
    assert continue_choices(suspended.pk).refusal.startswith("It is aborted")


def nobody(context: AuthContext) -> bool:
    return False


def test_refusals(suspended: Process, start: StartWorkflow) -> None:
    found = continue_choices(suspended.pk)
    with pytest.raises(Conflict, match="goes on where it stands; retry it"):
        continue_at(suspended.pk, "Ask", plan=found.plan, version=found.version)
    deploy(code_of(suspended), A, D, ASK)
    with pytest.raises(Conflict, match="Look at them again"):
        continue_at(suspended.pk, "Ask", plan=found.plan, version=found.version)
    found = continue_choices(suspended.pk)
    with pytest.raises(NoSuchStep, match="no step 'B'"):
        choose(suspended, "B")
    Process.every.filter(pk=suspended.pk).update(epoch=found.version + 1)
    with pytest.raises(Conflict, match="Look at them again"):
        continue_at(suspended.pk, "Ask", plan=found.plan, version=found.version)
    Process.every.filter(pk=suspended.pk).update(last_status="running")
    with pytest.raises(Conflict, match="it is running"):
        choose(suspended, "Ask")
    Process.every.filter(pk=suspended.pk).update(last_status="suspended")
    pause_engine()
    with pytest.raises(Locked):
        choose(suspended, "Ask")
    assert not ProcessStep.objects.filter(process=suspended, key="").exists()


def test_who_may_retry_the_step_may_choose_it(start: StartWorkflow, django_user_model: Any) -> None:
    process = start(flow(A, B, ASK, retry_auth_callback=nobody))
    deploy(code_of(process), A, D, ASK)
    dave = django_user_model.objects.create_user("dave")
    with pytest.raises(Forbidden):
        choose(process, "D", user_model=dave)


# Rolling out


@pytest.fixture
def worker() -> Callable[[], WorkerProcess]:
    """Return makers of workers, which know nothing of each other."""
    return lambda: WorkerProcess(Room(), ring=lambda _: None, replace=lambda _: None)


def resumed(process: Process) -> None:
    Process.every.filter(pk=process.pk).update(last_status="resumed", epoch=process.epoch + 1)


def test_a_worker_whose_code_does_not_fit_leaves_it_to_one_whose_does(
    suspended: Process, worker: Callable[[], WorkerProcess]
) -> None:
    code, old = code_of(suspended), code_of(suspended).steps
    resumed(suspended)
    deploy(code, A, D, ASK)
    first, second = worker(), worker()
    assert first.run_next()
    # Once, and not again in its lease.
    assert not first.run_next()
    assert second.run_next()
    suspended.refresh_from_db()
    assert (suspended.last_status, suspended.runner, RAN) == ("running", None, [])
    assert suspended.left_since is not None
    assert "Workers whose code does not go on where it stands have left it" in why_not_running(suspended)
    # Its bell is rung although it was rung for just now: it may have reached those alone that have left it.
    claims.mark_rung([suspended.pk])
    assert claims.due(10) == [suspended.pk]
    code.steps = old
    vars(code).pop("keys", None)
    assert worker().run_next()
    suspended.refresh_from_db()
    assert (suspended.last_status, suspended.left_since, RAN) == ("completed", None, ["C"])


def test_after_a_lease_without_anybody_it_is_left_to_a_person(
    suspended: Process, worker: Callable[[], WorkerProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed(suspended)
    deploy(code_of(suspended), A, D, ASK)
    only = worker()
    assert only.run_next()
    pass_time(claims.lease() + timedelta(seconds=1))
    only._left.clear()
    assert only.run_next()
    suspended.refresh_from_db()
    assert (suspended.last_status, suspended.left_since, RAN) == ("failed", None, [])
    assert "as step 3 it has done “B”" in (suspended.failed_reason or "")


def test_each_release_gets_its_own_lease(suspended: Process, worker: Callable[[], WorkerProcess]) -> None:
    """What was left once, and has run since, is left again before anybody is asked."""
    code, old = code_of(suspended), code_of(suspended).steps
    resumed(suspended)
    deploy(code, A, D, ASK)
    assert worker().run_next()
    code.steps = old
    vars(code).pop("keys", None)
    run(suspended.pk, runner="old", should_stop=lambda: True)
    pass_time(2 * claims.lease())
    deploy(code, A, D, ASK)
    assert worker().run_next()
    suspended.refresh_from_db()
    assert suspended.last_status == "running"


def test_a_workflow_that_no_worker_knows_waits_for_one(suspended: Process, worker: Callable[[], WorkerProcess]) -> None:
    resumed(suspended)
    with registry.isolated(empty=True):
        only = worker()
        assert only.run_next()
        pass_time(3 * claims.lease())
        only._left.clear()
        assert only.run_next()
        suspended.refresh_from_db()
        assert suspended.last_status == "running"
        assert "No worker that came by has the code of its workflow" in why_not_running(suspended)
    assert worker().run_next()
    suspended.refresh_from_db()
    assert suspended.last_status == "completed"
