"""Steps that see a part of the state, and steps that run under a condition."""

from __future__ import annotations

from typing import Any

import pytest

from workflows import (
    State,
    Step,
    StepList,
    begin,
    callback_step,
    conditional,
    done,
    focussteps,
    init,
    inputstep,
    retrystep,
    step,
    step_group,
    steplens,
    workflow,
)
from workflows.engine.registry import Workflow
from workflows.forms import FormGenerator, FormPage
from workflows.testing import Engine

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("way")]


@step("Prepare")
def prepare() -> State:
    return {"part": {"speed": 10}, "other": 1}


@step("Double")
def double(speed: int = 1) -> State:
    return {"speed": 2 * speed}


def of(*steps: Any) -> Workflow:
    @workflow("Focused")
    def focused() -> StepList:
        listed = begin >> init
        for one in steps:
            listed = listed >> one
        return listed >> done

    return focused


def test_a_part_that_is_there_and_one_that_is_not(engine: Engine) -> None:
    """Conformance 50."""
    run = engine.start(of(prepare, focussteps("part")(double), focussteps("new")(double))).expect("completed")
    assert (run.state["part"], run.state["new"], run.state["other"]) == ({"speed": 20}, {"speed": 2}, 1)
    assert run.rows[2].delta == {"part": {"speed": 20}}


@pytest.mark.parametrize(("decorator", "status"), [(step, "failed"), (retrystep, "waiting")])
def test_an_error_within_a_part_is_told_as_it_is_and_leaves_the_state_alone(
    engine: Engine, decorator: Any, status: str
) -> None:
    """Conformance 50."""

    @decorator("Break")
    def break_(state: State) -> None:
        state["speed"] = "broken"
        raise ValueError("too fast")

    run = engine.start(of(prepare, focussteps("part")(break_))).expect(status, step="Break", failure="too fast")
    assert run.step("Break").error == {"error": "too fast", "class": "ValueError"}
    assert run.state["part"] == {"speed": 10}


def test_a_form_within_a_part_sees_only_the_part(engine: Engine) -> None:
    """Conformance 51."""
    seen: list[State] = []

    @inputstep("Ask", assignee="NOC")
    def ask(state: State) -> FormGenerator:
        seen.append(state)

        class Ask(FormPage):
            colour: str

        page = yield Ask
        return page.model_dump()

    run = engine.start(of(prepare, focussteps("part")(ask))).expect("suspended")
    run.resume({"colour": "red"}).expect("completed")
    assert seen
    assert all(one == {"speed": 10} for one in seen)
    assert run.state["part"] == {"speed": 10, "colour": "red"}
    assert "colour" not in run.state


def test_a_lens_of_ones_own_reaches_where_keys_do_not(engine: Engine) -> None:
    """Its second function gets the state first and the part then, as packages that are ported have written it."""
    lens = steplens(lambda state: state["part"], lambda state: lambda part: {**state, "part": {**part, "seen": True}})
    run = engine.start(of(prepare, lens(double))).expect("completed")
    assert (run.state["part"], run.state["other"]) == ({"speed": 20, "seen": True}, 1)


def test_a_condition_sees_what_its_step_sees(engine: Engine) -> None:
    """Conformance 52, within a part."""
    is_slow = conditional(lambda state: state["speed"] < 15)
    run = engine.start(of(prepare, focussteps("part")(is_slow(begin >> double >> double)))).expect("completed")
    assert run.state["part"] == {"speed": 20}
    assert [status for _, status in run.steps][2:4] == ["success", "skipped"]
    assert run.rows[3].delta == {}


@step("Note", atomic=True)
def note() -> State:
    return {"noted": True}


@retrystep("Try")
def try_() -> State:
    return {"tried": True}


@inputstep("Ask", assignee="NOC")
def ask_speed() -> FormGenerator:
    class Speed(FormPage):
        speed: int

    page = yield Speed
    return page.model_dump()


@pytest.mark.parametrize(
    "skipped",
    [double, note, try_, ask_speed, step_group("Group", double >> ask_speed), callback_step("Call", double, note)],
    ids=lambda one: one.name,
)
def test_a_step_of_any_kind_is_skipped_and_the_next_one_runs(engine: Engine, skipped: Step) -> None:
    """Conformance 52."""
    run = engine.start(of(prepare, conditional(lambda _: False)(skipped), double)).expect("completed")
    assert run.steps[2:] == [(skipped.name, "skipped"), ("Double", "success"), ("Done", "complete")]
    assert (run.rows[2].delta, run.rows[2].removed) == ({}, [])
    assert run.state["speed"] == 2


def test_all_of_a_list_run_while_the_condition_holds(engine: Engine) -> None:
    """Conformance 53."""
    run = engine.start(of(conditional(lambda _: True)(begin >> double >> double >> double))).expect("completed")
    assert run.state["speed"] == 8


def test_a_group_shows_the_form_of_its_input_while_it_waits_for_it(engine: Engine) -> None:
    """Conformance 56."""

    @inputstep("Ask", assignee="NOC")
    def ask(other: int) -> FormGenerator:
        class Ask(FormPage):
            colour: str = f"colour {other}"

        page = yield Ask
        return page.model_dump()

    run = engine.start(of(step_group("Group", begin >> prepare >> ask >> double))).expect("suspended", step="Group")
    assert run.process.assignee == "NOC"
    assert run.form().schema_of("colour")["default"] == "colour 1"
    run.resume({"colour": "red"}).expect("completed")
    assert [name for name, _ in run.steps] == ["Start", "Group", "Done"]
    assert (run.state["colour"], run.state["speed"]) == ("red", 2)


def test_a_group_is_done_whichever_of_its_steps_it_does_without(engine: Engine) -> None:
    """Its row tells of all of it: the last thing that it does is to leave the group."""
    never = conditional(lambda _: False)
    inner = begin >> prepare >> never(double)
    run = engine.start(of(step_group("Group", inner), step_group("Nothing", never(begin >> double >> double))))
    assert run.steps == [("Start", "success"), ("Group", "success"), ("Nothing", "success"), ("Done", "complete")]
    assert (run.state["other"], "speed" in run.state) == (1, False)
    whole = engine.start(of(never(step_group("Group", begin >> prepare)))).expect("completed")
    assert whole.step("Group").status == "skipped"


def test_a_group_within_a_group_is_done_or_left_out_as_a_whole(engine: Engine) -> None:
    """Conformance 53: the condition is asked before the group, not again before what the group does."""
    is_new = conditional(lambda state: "part" not in state)
    nested = is_new(step_group("Inner", begin >> prepare >> focussteps("part")(double)))
    run = engine.start(of(step_group("Outer", begin >> nested))).expect("completed")
    assert run.state["part"] == {"speed": 20}
    run = engine.start(
        of(prepare, step_group("Outer", begin >> is_new(step_group("Middle", begin >> nested)) >> double))
    )
    assert (run.state["part"], run.state["speed"]) == ({"speed": 10}, 2)
    assert run.steps == [("Start", "success"), ("Prepare", "success"), ("Outer", "success"), ("Done", "complete")]


def test_a_group_that_failed_behind_its_form_is_tried_again_without_it_and_asks_anew(engine: Engine) -> None:
    """Conformance 57; a button that tries again has no form to send."""

    @inputstep("Ask", assignee="NOC")
    def ask() -> FormGenerator:
        class Ask(FormPage):
            colour: str

        page = yield Ask
        return page.model_dump()

    @step("Check")
    def check(colour: str) -> None:
        assert colour == "red", "It must be red"

    run = engine.start(of(step_group("Group", begin >> ask >> check))).expect("suspended")
    run.resume({"colour": "blue"}).expect("failed", failure="It must be red")
    run.retry().expect("suspended")
    assert "colour" not in run.state
    run.resume({"colour": "red"}).expect("completed")
