"""The showcase task takes every way it offers (EX-14)."""

from __future__ import annotations

from typing import Any

import pytest

from workflows.testing import Engine, Run

pytestmark = pytest.mark.django_db

PAGE: dict[str, Any] = {
    "text_value": "hello",
    "read_only_value": "This value is read-only",
    "integer_value": 3,
    "constrained_integer": 5,
    "single_choice": "alpha",
    "multi_choice": ["one", "two"],
}


def showcase(engine: Engine, **changes: Any) -> Run:
    return engine.start("task_showcase", PAGE | changes, {})


def test_pages(engine: Engine) -> None:
    first = engine.form("task_showcase")
    assert first.title == "Component Showcase"
    assert first.fields == [
        "callout_1",
        "general_settings",
        "text_value",
        "optional_text",
        "long_text",
        "read_only_value",
        "divider_1",
        "integer_value",
        "constrained_integer",
        "boolean_value",
        "single_choice",
        "multi_choice",
        "divider_2",
        "run_conditional_step",
        "show_suspended_step",
        "wait_for_callback",
        "fail_on_purpose",
    ]
    defaults = {
        name: first.schema_of(name)["default"]
        for name in ("run_conditional_step", "show_suspended_step", "wait_for_callback", "fail_on_purpose")
    }
    assert defaults == {
        "run_conditional_step": True,
        "show_suspended_step": False,
        "wait_for_callback": False,
        "fail_on_purpose": False,
    }
    second = engine.form("task_showcase", PAGE)
    assert second.title == "Component Showcase Summary"
    assert second.fields == ["submitted_values", "continue_task"]
    submitted = second.schema_of("submitted_values")
    assert submitted["format"] == "long"
    assert "text_value: hello" in submitted["default"]
    assert "multi_choice: one, two" in submitted["default"]
    assert second.schema_of("continue_task")["default"] is True


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"text_value": "reserved"}, "text_value", "reserved"),
        ({"constrained_integer": 11}, "constrained_integer", "less than or equal to 10"),
        ({"multi_choice": []}, "multi_choice", "at least 1"),
        ({"multi_choice": ["one", "one"]}, "multi_choice", "unique"),
        ({"single_choice": "delta"}, "single_choice", "alpha"),
        ({"read_only_value": "changed"}, "read_only_value", "read-only"),
        (
            {"wait_for_callback": True, "fail_on_purpose": True},
            "__root__",
            "Choose either wait_for_callback or fail_on_purpose, not both",
        ),
    ],
)
def test_what_the_form_refuses(engine: Engine, changes: dict[str, Any], field: str, sentence: str) -> None:
    refused = engine.form("task_showcase", PAGE | changes, {}).errors
    assert set(refused) == {field}
    assert sentence in refused[field]


def test_happy_path(engine: Engine) -> None:
    run = showcase(engine).expect("completed")
    assert run.process.is_task
    assert run.steps == [
        ("Start", "success"),
        ("Record initial input", "success"),
        ("Conditional step", "success"),
        ("Suspended confirmation", "skipped"),
        ("Callback step", "skipped"),
        ("Deliberate failure", "success"),
        ("Done", "complete"),
    ]


def test_conditional_step_is_skipped_when_not_wanted(engine: Engine) -> None:
    run = showcase(engine, run_conditional_step=False).expect("completed")
    assert run.step("Conditional step").status == "skipped"


def test_suspended_step_waits_for_its_form(engine: Engine) -> None:
    run = showcase(engine, show_suspended_step=True).expect("suspended", step="Suspended confirmation")
    form = run.form()
    assert form.title == "Suspended confirmation"
    assert form.fields == ["confirmation_label", "confirmation_text", "confirmation_details", "confirmed"]
    run.resume({"confirmation_text": "fine", "confirmed": True}, user="noc").expect("completed")
    assert (run.state["confirmation_text"], run.state["confirmed"]) == ("fine", True)


def test_callback_step_waits_and_keeps_its_secret_out_of_the_state(engine: Engine) -> None:
    run = showcase(engine, wait_for_callback=True).expect("awaiting_callback")
    delta = run.step("Callback step").delta
    assert delta["callback_was_requested"] is True
    assert run.callback_route.rpartition("/")[2] not in str(delta)
    run.call_back({"status": "successful"}).expect("completed")
    assert (run.state["callback_received"], run.state["callback_result"]) == (True, {"status": "successful"})


def test_callback_that_reports_a_failure_fails_the_step(engine: Engine) -> None:
    run = showcase(engine, wait_for_callback=True)
    run.call_back({"status": "failed", "output": ["no route to host"]})
    run.expect("failed", failure="The callback reported a failure")


def test_deliberate_failure_names_its_details(engine: Engine) -> None:
    run = showcase(engine, fail_on_purpose=True)
    run.expect("failed", step="Deliberate failure", failure="This step failed on purpose")
    error = run.step("Deliberate failure").error
    assert error is not None
    assert error["details"]["requested_by"] == "fail_on_purpose"


def test_the_first_step_tells_what_it_does(engine: Engine) -> None:
    run = showcase(engine, fail_on_purpose=True)
    assert run.log[0] == ("info", "text_value is 'hello'")
    assert run.log[-1] == ("warning", "The last step will fail on purpose")
    assert run.progress == (6, 6, "values")
