"""A task that shows every part of a form and every kind of step, as a test bed for user interfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from wfo_site.examples.network.forms.choices import choice
from workflows import (
    ProcessFailureError,
    State,
    StepList,
    begin,
    callback_step,
    conditional,
    inputstep,
    step,
    step_log,
    step_progress,
    task,
)
from workflows.enums import Assignee
from workflows.forms import (
    Divider,
    FormGenerator,
    FormPage,
    Label,
    LongText,
    SubmitFormPage,
    callout,
    choice_list,
    read_only_field,
)

FLAGS = ("run_conditional_step", "show_suspended_step", "wait_for_callback", "fail_on_purpose")
DISPLAYED = frozenset({"callout_1", "general_settings", "divider_1", "divider_2"})


def initial_input_form() -> FormGenerator:
    """Show all kinds of fields, then list what was submitted."""
    note = callout(
        header="Component showcase", message="This task changes nothing: it shows what forms and steps can look like."
    )
    fixed = read_only_field("This value is read-only")
    single = choice("SingleChoice", [("alpha", "Alpha"), ("beta", "Beta"), ("gamma", "Gamma")])
    several = choice_list(
        choice("MultiChoice", [("one", "One"), ("two", "Two"), ("three", "Three")]),
        min_items=1,
        max_items=3,
        unique_items=True,
    )

    class ShowcaseForm(FormPage, title="Component Showcase"):
        callout_1: note  # type: ignore[valid-type]
        general_settings: Label

        text_value: str
        optional_text: str | None = None
        long_text: LongText | None = None
        read_only_value: fixed  # type: ignore[valid-type]

        divider_1: Divider

        integer_value: int
        constrained_integer: Annotated[int, Field(ge=1, le=10)]
        boolean_value: bool = False
        single_choice: single  # type: ignore[valid-type]
        multi_choice: several  # type: ignore[valid-type]

        divider_2: Divider

        run_conditional_step: bool = True
        show_suspended_step: bool = False
        wait_for_callback: bool = False
        fail_on_purpose: bool = False

        @field_validator("text_value")
        @classmethod
        def text_is_not_reserved(cls, text: str) -> str:
            if text == "reserved":
                raise ValueError("The text 'reserved' is not allowed, choose another one")
            return text

        @model_validator(mode="after")
        def one_ending(self) -> Self:
            if self.wait_for_callback and self.fail_on_purpose:
                raise ValueError("Choose either wait_for_callback or fail_on_purpose, not both")
            return self

    page = yield ShowcaseForm
    submitted = page.model_dump(exclude=DISPLAYED)
    listing = "\n".join(f"{name}: {_shown(value)}" for name, value in submitted.items())

    class ShowcaseSummary(SubmitFormPage, title="Component Showcase Summary"):
        submitted_values: LongText = LongText(listing)
        continue_task: bool = True

    summary = yield ShowcaseSummary
    inputs: State = submitted | summary.model_dump()
    return inputs


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    return "" if value is None else str(getattr(value, "value", value))


@step("Record initial input")
def record_initial_input(state: State) -> State:
    """Keep a copy of what was submitted under one key, and tell of it one after the other."""
    names = ("text_value", "integer_value", *FLAGS)
    for number, name in enumerate(names, 1):
        step_log(f"{name} is {state[name]!r}")
        step_progress(number, len(names), "values")
    if state["fail_on_purpose"]:
        step_log("The last step will fail on purpose", level="warning")
    return {"showcase": {name: state[name] for name in names}}


@step("Conditional step")
def conditional_step() -> State:
    return {"conditional_step_ran": True}


@inputstep("Suspended confirmation", assignee=Assignee.SYSTEM)
def suspended_confirmation() -> FormGenerator:
    class Confirmation(SubmitFormPage, title="Suspended confirmation"):
        confirmation_label: Label
        confirmation_text: str = "Looks good"
        confirmation_details: LongText | None = None
        confirmed: bool = False

    page = yield Confirmation
    inputs: State = page.model_dump(exclude={"confirmation_label"})
    return inputs


@step("Callback action")
def callback_action(callback_route: str) -> State:
    """Hand the address to whoever is to call back. Here nobody is told: a person or a test calls it.

    The address holds a secret, so it goes no further in the state than where the engine keeps it.
    """
    return {"callback_was_requested": bool(callback_route)}


@step("Callback validation")
def callback_validation(callback_result: State) -> State:
    if callback_result.get("status") == "failed":
        raise ProcessFailureError("The callback reported a failure", callback_result)
    return {"callback_received": True}


@step("Deliberate failure")
def deliberate_failure(fail_on_purpose: bool) -> State:
    if fail_on_purpose:
        raise ProcessFailureError(
            "This step failed on purpose", {"requested_by": "fail_on_purpose", "how_to_go_on": "abort the task"}
        )
    return {"deliberate_failure": False}


def _asked_for(flag: str) -> Callable[[State], bool]:
    return lambda state: bool(state.get(flag))


@task("Component Showcase", initial_input_form=initial_input_form)
def task_showcase() -> StepList:
    return (
        begin
        >> record_initial_input
        >> conditional(_asked_for("run_conditional_step"))(conditional_step)
        >> conditional(_asked_for("show_suspended_step"))(suspended_confirmation)
        >> conditional(_asked_for("wait_for_callback"))(
            callback_step("Callback step", callback_action, callback_validation)
        )
        >> deliberate_failure
    )
