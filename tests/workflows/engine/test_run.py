"""What a run of a workflow leaves behind, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from workflows import (
    State,
    StepList,
    abort,
    begin,
    conditional,
    done,
    focussteps,
    init,
    inputstep,
    step,
    step_group,
    workflow,
)
from workflows.engine.errors import PlanChanged
from workflows.forms import FormGenerator, FormPage
from workflows.models import InputState, Process, ProcessStep
from workflows.selectors import process_detail
from workflows.services import abort_process, resume_process
from workflows.testing import run_until_idle

from .conftest import StartWorkflow, rows, state_of
from .plain_steps import first

pytestmark = pytest.mark.django_db(transaction=True)


@step("Second")
def second(a: int) -> State:
    return {"b": a + 1, "nested": {"y": 2}}


def test_steps_run_in_order_and_their_results_are_merged_shallowly(start: StartWorkflow) -> None:
    """Conformance 42, 43."""

    @workflow("Simple")
    def simple() -> StepList:
        return init >> first >> second >> done

    process = start(simple)
    assert process.last_status == "completed"
    assert rows(process) == [("Start", "success"), ("First", "success"), ("Second", "success"), ("Done", "complete")]
    state = state_of(process.pk)
    assert (state["a"], state["b"], state["nested"]) == (1, 2, {"y": 2})
    assert state["reporter"] == "alice"
    assert process.runner is None
    assert process.lease_until is None
    shown = process_detail(process.pk)["steps"]
    assert [item["state_delta"] for item in shown[1:3]] == [{"a": 1, "nested": {"x": 1}}, {"b": 2, "nested": {"y": 2}}]
    given = shown[0]["state"]
    assert [item["state"] for item in shown[1:]] == [{**given, "a": 1, "nested": {"x": 1}}, state, state]


def test_the_input_of_a_start_is_stored_and_marked_as_taken_in(start: StartWorkflow) -> None:
    """Conformance 59."""

    @workflow("Simple")
    def simple_input() -> StepList:
        return init >> done

    process = start(simple_input)
    given = InputState.objects.get(process=process)
    assert given.input_type == "initial_state"
    assert given.merged_seq == 1
    assert given.input_state == {
        "process_id": str(process.pk),
        "reporter": "alice",
        "workflow_name": "simple_input",
        "workflow_target": "SYSTEM",
    }


def test_what_the_form_gave_is_stored_with_the_start_and_the_engine_has_the_last_word(start: StartWorkflow) -> None:
    """Conformance 59."""

    def form() -> FormGenerator:
        class Size(FormPage):
            size: int

        page = yield Size
        return {**page.model_dump(), "reporter": "eve", "workflow_name": "another"}

    @workflow("Sized", initial_input_form=form)
    def sized() -> StepList:
        return init >> done

    process = start(sized, {"size": 3})
    given = InputState.objects.get(process=process).input_state
    own = {"reporter": "alice", "workflow_name": "sized", "workflow_target": "SYSTEM", "process_id": str(process.pk)}
    assert given == {"size": 3, **own}
    assert state_of(process.pk) == given


@inputstep("Confirm", assignee="CHANGES")
def confirm(state: State) -> FormGenerator:
    class Confirm(FormPage):
        name: str

    page = yield Confirm
    return page.model_dump()


def test_an_inputstep_suspends_until_valid_input_comes(start: StartWorkflow) -> None:
    """Conformance 11, 46, 19."""
    from workflows.forms import FormValidationError

    @workflow("Asking")
    def asking() -> StepList:
        return init >> first >> confirm >> done

    process = start(asking)
    assert (process.last_status, process.assignee, process.last_step) == ("suspended", "CHANGES", "Confirm")
    assert process_detail(process.pk)["form"]["properties"].keys() == {"name"}
    before = rows(process)
    with pytest.raises(FormValidationError):
        resume_process(process.pk, [{"name": []}])
    assert rows(process) == before

    resume_process(process.pk, [{"name": "core"}], user="bob")
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert rows(process)[2:] == [("Confirm", "suspend"), ("Confirm", "success"), ("Done", "complete")]
    assert state_of(process.pk)["name"] == "core"
    assert [row.merged_seq for row in InputState.objects.filter(process=process)] == [1, 4]


def test_an_answer_takes_the_place_of_what_the_state_had_under_its_name(start: StartWorkflow) -> None:
    """Conformance 20."""

    @step("Guess")
    def guess() -> State:
        return {"name": "a guess"}

    @workflow("Asking")
    def asking_again() -> StepList:
        return init >> guess >> confirm >> done

    process = start(asking_again)
    before = len(rows(process))
    assert process_detail(process.pk)["current_state"]["name"] == "a guess"
    resume_process(process.pk, [{"name": "core"}])
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert len(rows(process)) > before
    assert state_of(process.pk)["name"] == "core"


def test_a_resume_of_what_cannot_be_resumed_is_refused(start: StartWorkflow) -> None:
    """Conformance 21."""
    from wfo_site.common.errors import Conflict

    @workflow("Simple")
    def finished() -> StepList:
        return init >> done

    process = start(finished)
    with pytest.raises(Conflict, match="Resuming a completed workflow is not possible"):
        resume_process(process.pk)
    assert len(rows(process)) == 2


def test_conditions_are_asked_again_before_each_step(start: StartWorkflow) -> None:
    """Conformance 52, 53."""

    @step("Close the door")
    def close() -> State:
        return {"open": False}

    only_if_open = conditional(lambda state: state.get("open", True))

    @workflow("Door")
    def door() -> StepList:
        return init >> only_if_open(begin >> first >> close >> second) >> first >> done

    process = start(door)
    assert rows(process)[1:] == [
        ("First", "success"),
        ("Close the door", "success"),
        ("Second", "skipped"),
        ("First", "success"),
        ("Done", "complete"),
    ]
    assert "b" not in state_of(process.pk)


def test_focussed_steps_see_and_change_only_their_part(start: StartWorkflow) -> None:
    """Conformance 50, 51."""
    seen: list[State] = []

    @step("Look")
    def look(state: State) -> State:
        seen.append(state)
        return {"count": len(state) + 1}

    @workflow("Focus")
    def focus() -> StepList:
        return init >> focussteps("part")(begin >> look >> look >> confirm) >> done

    process = start(focus)
    assert seen == [{}, {"count": 1}]
    resume_process(process.pk, [{"name": "x"}])
    state = state_of(process.pk)
    assert state["part"] == {"count": 2, "name": "x"}
    assert "count" not in state


def test_a_step_group_is_one_row_and_goes_on_where_it_was_suspended(start: StartWorkflow) -> None:
    """Conformance 56."""
    calls: list[str] = []

    @step("Before")
    def before() -> State:
        calls.append("before")
        return {"before": 1}

    @step("After")
    def after(name: str) -> State:
        calls.append("after")
        return {"after": name}

    @workflow("Grouped")
    def grouped() -> StepList:
        return init >> step_group("Group", begin >> before >> confirm >> after) >> done

    process = start(grouped)
    assert process.last_status == "suspended"
    assert rows(process)[1:] == [("Group", "suspend")]
    state = process_detail(process.pk)["current_state"]
    assert (state["__step_group"], state["__sub_step"], state["before"]) == ("Group", "Confirm", 1)

    resume_process(process.pk, [{"name": "x"}])
    process.refresh_from_db()
    assert calls == ["before", "after"]
    assert rows(process)[1:] == [("Group", "success"), ("Done", "complete")]
    state = state_of(process.pk)
    assert (state["before"], state["name"], state["after"]) == (1, "x", "x")
    assert not {"__step_group", "__sub_step"} & state.keys()


def test_a_group_that_failed_starts_at_its_beginning_again(start: StartWorkflow) -> None:
    """Conformance 57; the failure is counted on one row."""
    calls: list[str] = []

    @step("Effect")
    def effect() -> State:
        calls.append("effect")
        return {"effect": len(calls)}

    @step("Fails twice")
    def fails() -> None:
        if len(calls) < 3:
            raise ValueError("again")

    @workflow("Grouped failure")
    def grouped_failure() -> StepList:
        return init >> step_group("Group", begin >> effect >> fails) >> done

    process = start(grouped_failure)
    assert rows(process)[1:] == [("Group", "failed")]
    assert (process.last_step, process.failed_reason) == ("Group", "again")
    assert "effect" not in process_detail(process.pk)["current_state"]
    resume_process(process.pk, user="alice")
    assert rows(process)[1:] == [("Group", "failed")]
    assert ProcessStep.objects.get(process=process, seq=2).retries == 1
    resume_process(process.pk, user="alice")
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert rows(process)[1:] == [("Group", "failed"), ("Group", "success"), ("Done", "complete")]
    assert state_of(process.pk)["effect"] == 3


def test_the_abort_step_ends_a_process(start: StartWorkflow) -> None:
    """Conformance 47."""

    @workflow("Aborting")
    def aborting() -> StepList:
        return init >> abort >> done

    assert start(aborting).last_status == "aborted"


def test_a_person_can_abort_what_has_not_ended_and_the_plan_stays_readable(start: StartWorkflow) -> None:
    """Conformance 15, 47."""
    from wfo_site.common.errors import Conflict

    @workflow("Asking")
    def abortable() -> StepList:
        return init >> confirm >> first >> done

    process = start(abortable)
    abort_process(process.pk, user="bob")
    process.refresh_from_db()
    assert (process.last_status, process.last_step) == ("aborted", "User Aborted")
    assert rows(process)[-1] == ("User Aborted", "abort")
    with pytest.raises(Conflict):
        abort_process(process.pk)
    with pytest.raises(Conflict):
        resume_process(process.pk, [{"name": "x"}])


def test_a_changed_plan_runs_nothing_and_says_so(start: StartWorkflow) -> None:
    @workflow("Old")
    def changing() -> StepList:
        return init >> first >> confirm >> done

    process = start(changing)
    changing.steps = init >> second >> confirm >> done
    del changing.keys
    with pytest.raises(PlanChanged, match="have changed"):
        resume_process(process.pk, [{"name": "x"}])
    # An answer that was taken before the deployment.
    Process.every.filter(pk=process.pk).update(last_status="resumed")
    run_until_idle()
    process.refresh_from_db()
    assert process.last_status == "failed"
    assert "have changed" in (process.failed_reason or "")
    assert rows(process) == [("Start", "success"), ("First", "success"), ("Confirm", "suspend")]


def test_steps_added_in_the_part_not_yet_run_are_picked_up(start: StartWorkflow) -> None:
    """Conformance 89."""

    @workflow("Old")
    def growing() -> StepList:
        return init >> confirm >> done

    process = start(growing)
    growing.steps = init >> confirm >> first >> done
    del growing.keys
    resume_process(process.pk, [{"name": "x"}])
    assert rows(process)[-2:] == [("First", "success"), ("Done", "complete")]


def test_what_a_step_does_to_the_state_it_was_given_is_not_stored(start: StartWorkflow) -> None:
    @step("Plays")
    def plays(state: State, nested: dict[str, Any]) -> None:
        state["nested"]["sneaky"] = True
        nested["sneaky"] = True

    @workflow("Playing")
    def playing() -> StepList:
        return init >> first >> plays >> done

    assert state_of(start(playing).pk)["nested"] == {"x": 1}


def test_a_long_history_reads_back_from_its_snapshot(start: StartWorkflow) -> None:
    def numbered(number: int) -> Any:
        @step(f"Step {number}")
        def count(seen: list[int] | None = None) -> State:
            return {"seen": [*(seen or []), number], f"key_{number % 7}": number}

        return count

    steps = begin >> init
    for number in range(130):
        steps = steps >> numbered(number)

    @workflow("Long")
    def long() -> StepList:
        return steps >> done

    process = start(long)
    assert process.last_status == "completed"
    assert ProcessStep.objects.filter(process=process, snapshot__isnull=False).count() == 2
    assert state_of(process.pk)["seen"] == list(range(130))
    assert Process.every.get(pk=process.pk).plan.keys[0] == "Start"
