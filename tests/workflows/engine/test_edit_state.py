"""A person changes the state of a process that has stopped: a row of its own, and nothing else moves."""

from __future__ import annotations

import logging
import math
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User

from wfo_site.common.errors import Conflict, Forbidden, NotFound
from workflows import (
    AuthContext,
    State,
    StepList,
    begin,
    branch,
    callback_step,
    done,
    init,
    inputstep,
    parallel,
    retrystep,
    step,
    step_group,
    workflow,
)
from workflows.engine.callback_tokens import MASKED, reference_to
from workflows.engine.state import Delta
from workflows.engine.state_edits import OWN_KEYS, EditInvalid, StateEdit
from workflows.enums import StepStatus
from workflows.forms import FormGenerator, FormPage
from workflows.models import InputState, Process, ProcessStep, Wait
from workflows.selectors import EditableState, editable_state, process_detail, undo_plan
from workflows.selectors.durations import measure
from workflows.services import abort_process, edit_state, pause_engine, resume_process
from workflows.testing import Engine

from .conftest import StartWorkflow, rows, state_of

pytestmark = pytest.mark.django_db(transaction=True)


@step("First", undo=dict)
def first() -> State:
    return {"vlan": 0, "kept": {"a": 1}}


@step("Fragile")
def fragile(vlan: int) -> State:
    if vlan == 0:
        raise ValueError("no VLAN 0")
    return {"used": vlan}


@inputstep("Ask", assignee="NOC")
def ask() -> FormGenerator:
    class Question(FormPage):
        answer: int

    page = yield Question
    return page.model_dump()


@step("Answered")
def answered(answer: int, vlan: int) -> State:
    return {"sum": answer + vlan, "vlan": vlan + 1}


@step("Quiet")
def quiet() -> None: ...


def edit(process: Process, *, version: int | None = None, reason: str = "It was wrong", **wanted: Any) -> None:
    """Change what is named by `set`, `remove` or `state`."""
    seen = editable_state(process.pk, None)
    version = seen.version if version is None else version
    edit_state(process.pk, StateEdit(**wanted), reason=reason, version=version, user="carol")


@pytest.fixture
def failed(start: StartWorkflow) -> Process:
    @workflow("Fragile")
    def fragile_flow() -> StepList:
        return init >> first >> fragile >> done

    process = start(fragile_flow)
    assert process.last_status == "failed"
    return process


@pytest.fixture
def suspended(start: StartWorkflow) -> Process:
    @workflow("Asking")
    def asking_flow() -> StepList:
        return init >> first >> ask >> answered >> done

    process = start(asking_flow)
    assert process.last_status == "suspended"
    return process


def test_the_retry_that_follows_sees_the_new_state(failed: Process) -> None:
    edit(failed, set={"vlan": 7}, remove=["kept"])
    failed.refresh_from_db()
    assert (failed.last_status, failed.last_step, failed.failed_reason) == ("failed", "Fragile", "no VLAN 0")
    resume_process(failed.pk, user="bob")
    failed.refresh_from_db()
    assert failed.last_status == "completed"
    state = state_of(failed.pk)
    assert (state["vlan"], state["used"], "kept" in state) == (7, 7, False)
    assert rows(failed) == [
        ("Start", "success"),
        ("First", "success"),
        ("Fragile", "failed"),
        ("State edited", "success"),
        ("Fragile", "success"),
        ("Done", "complete"),
    ]


def test_the_row_says_who_changed_what_and_why_and_so_does_the_log(
    failed: Process, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "workflows.services.edit_state"):
        edit(failed, set={"vlan": 7, "secret": "hunter2"}, remove=["kept"], reason="  VLAN 0 is reserved ")
    row = ProcessStep.objects.get(process=failed, name="State edited")
    assert (row.created_by, row.detail, row.delta, row.removed) == (
        "carol",
        {"reason": "VLAN 0 is reserved"},
        {"vlan": 7, "secret": "hunter2"},
        ["kept"],
    )
    assert "carol changed its state: set ['secret', 'vlan'], removed ['kept']; because: VLAN 0" in caplog.text
    assert "hunter2" not in caplog.text


def test_the_api_shows_the_row_and_the_state_with_it(failed: Process) -> None:
    edit(failed, set={"vlan": 7})
    detail = process_detail(failed.pk)
    shown = detail["steps"][3]
    assert (shown["name"], shown["status"], shown["reason"]) == ("State edited", "success", "It was wrong")
    assert shown["state_delta"] == {"vlan": 7}
    assert shown["state"]["kept"] == {"a": 1}
    assert detail["current_state"]["vlan"] == 7
    assert [one["name"] for one in detail["steps"][4:]] == ["Fragile", "Done"]
    assert detail["steps"][2]["state"]["error"] == "no VLAN 0"


def test_a_suspended_process_still_asks_and_its_answer_meets_the_new_state(suspended: Process) -> None:
    edit(suspended, set={"vlan": 10})
    assert Wait.objects.get(process=suspended).state == "open"
    assert process_detail(suspended.pk)["form"] is not None
    resume_process(suspended.pk, {"answer": 5}, user="bob")
    state = state_of(suspended.pk)
    assert (state["sum"], state["vlan"]) == (15, 11)
    suspended.refresh_from_db()
    assert suspended.last_status == "completed"


def test_within_a_group_it_goes_on_where_it_stood_and_later_steps_have_the_last_word(start: StartWorkflow) -> None:
    calls: list[str] = []

    @step("Before")
    def before() -> State:
        calls.append("before")
        return {"half": "done"}

    @workflow("Grouped")
    def grouped() -> StepList:
        return init >> first >> step_group("Group", begin >> before >> ask >> answered) >> done

    process = start(grouped)
    edit(process, set={"vlan": 10, "half": "mended"})
    assert editable_state(process.pk, None).state["half"] == "mended"
    shown = process_detail(process.pk)["steps"]
    assert [one["state_delta"] for one in shown if one["name"] == "State edited"] == [{"vlan": 10, "half": "mended"}]
    edit(process, remove=["half"])
    resume_process(process.pk, {"answer": 5}, user="bob")
    state = state_of(process.pk)
    assert calls == ["before"]
    assert (state["sum"], state["vlan"], state["answer"], "half" in state) == (15, 11, 5, False)
    assert "__step_group" not in state
    assert rows(process)[2:] == [
        ("Group", "suspend"),
        ("State edited", "success"),
        ("State edited", "success"),
        ("Group", "success"),
        ("Done", "complete"),
    ]


def test_a_group_that_begins_anew_keeps_the_change(start: StartWorkflow) -> None:
    @step("Break")
    def break_once(vlan: int) -> State:
        if vlan < 20:
            raise ValueError("too small")
        return {}

    @workflow("Grouped")
    def grouped_fails() -> StepList:
        return init >> first >> step_group("Group", begin >> ask >> break_once) >> done

    process = start(grouped_fails)
    edit(process, set={"vlan": 10})
    resume_process(process.pk, {"answer": 1})
    assert Process.every.get(pk=process.pk).last_status == "failed"
    assert state_of(process.pk)["vlan"] == 10
    edit(process, set={"vlan": 20})
    resume_process(process.pk)
    resume_process(process.pk, {"answer": 1})
    assert Process.every.get(pk=process.pk).last_status == "completed"


def test_failures_after_a_change_are_counted_on_a_row_of_their_own(failed: Process) -> None:
    """What was tried before the change, and what after it, can be told apart; attempts count through."""
    resume_process(failed.pk, user="alice")
    edit(failed, set={"kept": None})
    for _ in range(2):
        resume_process(failed.pk, user="alice")
    assert rows(failed)[2:] == [("Fragile", "failed"), ("State edited", "success"), ("Fragile", "failed")]
    retries = (
        ProcessStep.objects.filter(process=failed, name="Fragile").order_by("seq").values_list("retries", flat=True)
    )
    assert list(retries) == [1, 1]


def test_what_was_given_and_not_yet_taken_in_is_part_of_what_is_changed(start: StartWorkflow) -> None:
    @step("At once")
    def at_once(size: int, ready: bool = False) -> State:
        if not ready:
            raise ValueError("not ready")
        return {"twice": 2 * size}

    def form() -> FormGenerator:
        class Size(FormPage):
            size: int

        page = yield Size
        return page.model_dump()

    @workflow("No start", initial_input_form=form)
    def no_start() -> StepList:
        return begin >> at_once >> done

    process = start(no_start, {"size": 3})
    assert InputState.objects.get(process=process).merged_seq is None
    edit(process, set={"size": 4, "ready": True})
    assert InputState.objects.get(process=process).merged_seq == 2
    resume_process(process.pk)
    assert state_of(process.pk)["twice"] == 8


def test_nothing_of_it_is_in_an_undo_plan_or_in_the_usual_durations(failed: Process) -> None:
    edit(failed, set={"vlan": 7})
    assert [one.name for one in undo_plan(failed.pk).steps] == ["Fragile", "First"]
    resume_process(failed.pk)
    durations = measure([failed.workflow_id]), measure([failed.workflow_id], portable=True)
    assert all(set(one[failed.workflow_id].steps) == {"Start", "First", "Fragile", "Done"} for one in durations)


def test_a_branch_is_mended_and_its_parent_gets_what_it_came_to(start: StartWorkflow) -> None:
    @workflow("Forked")
    def forked() -> StepList:
        return init >> first >> parallel("Both", branch("One", fragile), branch("Two", quiet)) >> done

    process = start(forked)
    one = Process.every.get(parent=process, branch_name="One")
    assert (process.last_status, one.last_status) == ("waiting", "failed")
    with pytest.raises(Conflict, match="The state cannot be changed: it is waiting"):
        edit(process, set={"vlan": 3})
    edit(one, set={"vlan": 3})
    resume_process(one.pk)
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert (state_of(process.pk)["used"], state_of(process.pk)["vlan"]) == (3, 3)


@pytest.mark.parametrize("status", ["created", "running", "resumed", "completed", "aborted", "awaiting_callback"])
def test_only_what_has_stopped_can_be_changed(failed: Process, status: str) -> None:
    Process.every.filter(pk=failed.pk).update(last_status=status)
    with pytest.raises(Conflict, match="The state cannot be changed: it is "):
        edit(failed, set={"vlan": 7})
    assert not ProcessStep.objects.filter(process=failed, name="State edited").exists()


def test_of_two_who_looked_at_the_same_one_wins(failed: Process) -> None:
    version = editable_state(failed.pk, None).version
    edit(failed, set={"vlan": 7}, version=version)
    with pytest.raises(Conflict, match="Look at it again"):
        edit(failed, set={"vlan": 8}, version=version)
    assert state_of(failed.pk)["vlan"] == 7


def test_of_a_change_and_a_resume_at_the_same_moment_one_wins(
    suspended: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is let in between what the other has read and its write."""
    delta_of = EditableState.delta_of

    def resume_first(found: EditableState, wanted: StateEdit) -> Delta:
        resume_process(suspended.pk, {"answer": 1})
        return delta_of(found, wanted)

    monkeypatch.setattr(EditableState, "delta_of", resume_first)
    with pytest.raises(Conflict, match="Look at it again"):
        edit(suspended, set={"vlan": 9})
    assert state_of(suspended.pk)["sum"] == 1


def test_a_resume_loses_to_a_change_that_came_after_it_had_looked(
    suspended: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workflows.services import resume

    post = resume.post_form

    def edit_first(*arguments: Any) -> State:
        edit(suspended, set={"vlan": 9})
        return post(*arguments)

    monkeypatch.setattr(resume, "post_form", edit_first)
    with pytest.raises(Conflict, match="Another was faster"):
        resume_process(suspended.pk, {"answer": 1})
    suspended.refresh_from_db()
    assert (suspended.last_status, state_of(suspended.pk)["vlan"]) == ("suspended", 9)


@pytest.mark.parametrize("key", ["process_id", "reporter", "workflow_name", "workflow_target"])
def test_keys_of_the_engine_cannot_be_changed(failed: Process, key: str) -> None:
    for wanted in ({"set": {key: "x"}}, {"remove": [key]}):
        with pytest.raises(EditInvalid, match=f"'{key}' is the engine's own") as refused:
            edit(failed, **wanted)
        assert refused.value.field == key
    without = {name: value for name, value in editable_state(failed.pk, None).state.items() if name != key}
    with pytest.raises(EditInvalid, match="the engine's own"):
        edit(failed, state=without)


def test_the_marks_of_a_group_and_the_copies_of_subscriptions_are_the_engines_too() -> None:
    assert {"__step_group", "__sub_step", "__old_subscriptions__"} < set(OWN_KEYS)


def test_what_json_cannot_hold_is_refused_by_its_key(failed: Process) -> None:
    for value, words in ((math.nan, "deep.list\\[1\\] is nan"), (object(), "cannot be stored")):
        with pytest.raises(EditInvalid, match=words) as refused:
            edit(failed, set={"deep": {"list": [1, value]}})
        assert refused.value.field == "deep"


def test_what_cannot_be_meant_is_refused(failed: Process) -> None:
    for wanted, words in (
        ({"remove": ["nothing"]}, "no key 'nothing'"),
        ({"remove": ["vlan"], "set": {"vlan": 1}}, "both set and taken away"),
        ({"set": {"vlan": 0}}, "Nothing is changed"),
        ({"set": {"vlan": 1}, "reason": " \n"}, "Say why"),
        ({"set": {"vlan": 1}, "reason": "x" * 1001}, "at most 1000 characters"),
    ):
        with pytest.raises(EditInvalid, match=words):
            edit(failed, **wanted)
    # The type of a value matters, though Python calls these equal.
    edit(failed, set={"vlan": False})
    with pytest.raises(NotFound):
        edit_state(uuid4(), StateEdit(set={"a": 1}), reason="x", version=1)


def test_hidden_addresses_of_callbacks_stay_where_they_are(start: StartWorkflow) -> None:
    @step("Deliver")
    def deliver(callback_route: str) -> State:
        return {"sent": {"to": f"https://us.example{callback_route}", "tries": 1}}

    @step("Check")
    def check(callback_result: State) -> State:
        raise ValueError("wrong answer")

    @workflow("Delegating")
    def delegating_flow() -> StepList:
        return init >> callback_step("Hand over", deliver, check) >> ask >> done

    process = start(delegating_flow)
    wait = Wait.objects.get(process=process)
    reference = reference_to(wait.pk)
    process.refresh_from_db()
    resume_process(process.pk)
    process.refresh_from_db()
    assert process.last_status == "failed"
    # A group that failed has lost what it had done; the address is put back as a step would have.
    ProcessStep.objects.filter(process=process, seq=1).update(
        delta={"route": reference, "sent": {"to": f"https://us.example{reference}", "tries": 1}}
    )
    seen = editable_state(process.pk, None)
    assert str(wait.pk) not in str(seen.shown)
    assert seen.shown["sent"] == {"to": f"https://us.example{MASKED}", "tries": 1}
    edit(process, state={**seen.shown, "sent": {**seen.shown["sent"], "tries": 2}})
    assert state_of(process.pk)["sent"] == {"to": f"https://us.example{reference}", "tries": 2}
    with pytest.raises(EditInvalid, match="'copy' holds the hidden address") as refused:
        edit(process, set={"copy": MASKED})
    assert refused.value.field == "copy"
    with pytest.raises(EditInvalid, match="not of this state"):
        edit(process, set={"copy": reference_to(uuid4())})
    # An address that somebody who may resume has seen is stored as what stands for it.
    from workflows.engine.waits import route

    edit(process, set={"copy": f"see {route(wait)}"})
    assert state_of(process.pk)["copy"] == f"see {reference}"


def nobody(context: AuthContext) -> bool:
    return False


def test_who_may_change_it(start: StartWorkflow) -> None:
    """The permission, and whoever the workflow lets retry or resume."""

    @workflow("Guarded", retry_auth_callback=nobody)
    def guarded() -> StepList:
        return init >> first >> fragile >> done

    @workflow("Open")
    def unguarded() -> StepList:
        return init >> first >> fragile >> done

    process, guarded_process = start(unguarded), start(guarded)
    dave = User.objects.create_user("dave")

    def by_dave(one: Process) -> None:
        user = User.objects.get(pk=dave.pk)
        version = editable_state(one.pk, user).version
        edit_state(one.pk, StateEdit(set={"vlan": 1}), reason="x", version=version, user="dave", user_model=user)

    with pytest.raises(Forbidden, match=r"needs the permission workflows\.change_process_state"):
        by_dave(process)
    dave.user_permissions.add(Permission.objects.get(codename="change_process_state"))
    by_dave(process)
    with pytest.raises(Forbidden, match="not authorized to retry"):
        by_dave(guarded_process)


def test_it_is_possible_while_the_engine_is_paused(failed: Process) -> None:
    pause_engine()
    edit(failed, set={"vlan": 7})
    assert state_of(failed.pk)["vlan"] == 7


def test_an_abort_after_a_change_closes_the_history(failed: Process) -> None:
    edit(failed, set={"vlan": 7})
    abort_process(failed.pk)
    assert rows(failed)[-2:] == [("State edited", "success"), ("User Aborted", "abort")]
    assert [one.name for one in undo_plan(failed.pk).steps] == ["Fragile", "First"]


def test_a_process_that_waits_for_another_try_is_left_alone(engine: Engine) -> None:
    @retrystep("Later")
    def later() -> None:
        raise ValueError("not now")

    @workflow("Retrying")
    def retrying() -> StepList:
        return init >> later >> done

    run = engine.start(retrying).expect("waiting")
    with pytest.raises(Conflict, match="it is waiting; only the state of a process that has failed"):
        edit(run.process, set={"a": 1})
    assert StepStatus.WAITING in [row.status for row in run.rows]
