"""The building blocks, without any database."""

from __future__ import annotations

from typing import Any

import pytest

from workflows import (
    Effect,
    StepList,
    begin,
    callback_step,
    conditional,
    done,
    focussteps,
    init,
    inputstep,
    parallel,
    retrystep,
    step,
    step_group,
)
from workflows.engine.step_options import effects_sentence
from workflows.engine.steps import StepKind


@step("One")
def one() -> None:
    """Do the first thing."""


@step("Two")
def two() -> None: ...


def test_steps_are_joined_in_order_and_slices_stay_step_lists() -> None:
    joined = begin >> init >> one >> (begin >> two >> done)
    assert [item.name for item in joined] == ["Start", "One", "Two", "Done"]
    assert isinstance(joined[1:3], StepList)
    assert joined == init >> one >> two >> done


def test_joining_anything_else_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match="Expected @step decorated function or type Step or StepList, got 'x'"):
        begin >> "x"  # type: ignore[operator]


@pytest.mark.parametrize("decorator", [step("One"), retrystep("One"), inputstep("One", assignee="NOC")])
def test_a_step_keeps_the_names_of_its_function(decorator: Any) -> None:
    """Conformance 55."""

    def deliver() -> None:
        """Do the first thing."""

    made, where = decorator(deliver), "test_a_step_keeps_the_names_of_its_function.<locals>.deliver"
    assert (made.name, made.__name__, made.__qualname__) == ("One", "deliver", where)
    assert (made.__doc__, made.__module__) == ("Do the first thing.", __name__)
    assert made.__wrapped__ is deliver


def test_keys_tell_steps_of_the_same_name_apart() -> None:
    assert (begin >> one >> two >> one).keys() == ["One", "Two", "One#2"]


def test_a_group_lends_the_form_and_assignee_of_its_first_input() -> None:
    @inputstep("Ask", assignee="NOC")
    def ask() -> None: ...

    group = step_group("Group", begin >> one >> ask)
    assert group.form is ask.form
    assert group.assignee == "NOC"
    assert step_group("Group", begin >> one >> ask, extract_form=False).form is None


def test_a_group_within_a_group_becomes_part_of_it() -> None:
    group = step_group("Outer", begin >> one >> step_group("Inner", begin >> two >> two))
    assert [item.name for item in group.steps] == ["One", "Two", "Two"]


def test_a_callback_step_is_a_group_of_five() -> None:
    made = callback_step("Deliver", one, two, timeout=3)
    assert made.kind is StepKind.GROUP
    assert [item.name for item in made.steps] == [
        "Deliver - Create endpoint",
        "One",
        "Deliver - Await callback",
        "Two",
        "Deliver - Cleanup callback step",
    ]


def test_combinators_take_a_step_or_a_list_and_leave_the_original_alone() -> None:
    wrapped = conditional(lambda state: state["go"])(one)
    assert isinstance(wrapped, StepList)
    assert len(wrapped[0].conditions) == 1
    assert one.conditions == ()
    assert len(focussteps("part")(begin >> one >> two)) == 2


def test_effects_are_what_is_declared_and_of_a_group_what_its_steps_do() -> None:
    @step("Read", effects="read")
    def read() -> None: ...

    @step("Order", effects=[Effect.OUTSIDE, "read"])
    def order() -> None: ...

    @step("Note", atomic=True, effects=Effect.DATABASE)
    def note() -> None: ...

    @step("Secretive")
    def secretive() -> None: ...

    said = {
        "nothing": secretive,
        "read": read,
        "order": order,
        "all": step_group("All", begin >> read >> order >> note),
        "not all say": step_group("Some", begin >> read >> secretive),
        "said by the group": step_group("Some", begin >> read >> secretive, effects="outside"),
        "side by side": parallel("Both", note, read),
        "form": init,
    }
    assert {name: effects_sentence(one.effects) for name, one in said.items()} == {
        "nothing": "",
        "read": "reads only",
        "order": "changes other systems",
        "all": "changes the database and other systems",
        "not all say": "",
        "said by the group": "changes other systems",
        "side by side": "changes the database",
        "form": "reads only",
    }


def test_effects_that_cannot_be_are_refused_where_they_are_written() -> None:
    with pytest.raises(ValueError, match="'everything'"):
        step("Step", effects="everything")
    with pytest.raises(ValueError, match="atomic, so it cannot change other systems"):
        step("Step", atomic=True, effects=["database", "outside"])
