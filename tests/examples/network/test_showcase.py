"""The showcase task takes every way it offers (EX-14)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.examples.network.ordering import again, run
from workflows.engine import callback_tokens
from workflows.forms import FormNotCompleteError, FormValidationError
from workflows.models import Process, ProcessStep, Wait
from workflows.selectors import process_detail
from workflows.services import arrive_callback, resume_process, start_process

pytestmark = pytest.mark.django_db

PAGE: dict[str, Any] = {
    "text_value": "hello",
    "read_only_value": "This value is read-only",
    "integer_value": 3,
    "constrained_integer": 5,
    "single_choice": "alpha",
    "multi_choice": ["one", "two"],
}


def showcase(**changes: Any) -> Process:
    return run("task_showcase", PAGE | changes, {})


def steps(process: Process) -> dict[str, str]:
    return dict(ProcessStep.objects.filter(process=process).order_by("seq").values_list("name", "status"))


def refusals(**changes: Any) -> dict[str, str]:
    with pytest.raises(FormValidationError) as refused:
        start_process("task_showcase", [PAGE | changes, {}])
    return {str(error["loc"][0]): error["msg"] for error in refused.value.errors}


def test_pages() -> None:
    with pytest.raises(FormNotCompleteError) as first:
        start_process("task_showcase", [])
    schema = first.value.form
    assert schema["title"] == "Component Showcase"
    assert list(schema["properties"]) == [
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
        name: schema["properties"][name]["default"]
        for name in ("run_conditional_step", "show_suspended_step", "wait_for_callback", "fail_on_purpose")
    }
    assert defaults == {
        "run_conditional_step": True,
        "show_suspended_step": False,
        "wait_for_callback": False,
        "fail_on_purpose": False,
    }
    with pytest.raises(FormNotCompleteError) as second:
        start_process("task_showcase", [PAGE])
    summary = second.value.form
    assert summary["title"] == "Component Showcase Summary"
    assert list(summary["properties"]) == ["submitted_values", "continue_task"]
    assert summary["properties"]["submitted_values"]["format"] == "long"
    assert "text_value: hello" in summary["properties"]["submitted_values"]["default"]
    assert "multi_choice: one, two" in summary["properties"]["submitted_values"]["default"]
    assert summary["properties"]["continue_task"]["default"] is True


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
def test_what_the_form_refuses(changes: dict[str, Any], field: str, sentence: str) -> None:
    refused = refusals(**changes)
    assert set(refused) == {field}
    assert sentence in refused[field]


def test_happy_path() -> None:
    process = showcase()
    assert process.last_status == "completed"
    assert process.is_task
    assert steps(process) == {
        "Start": "success",
        "Record initial input": "success",
        "Conditional step": "success",
        "Suspended confirmation": "skipped",
        "Callback step": "skipped",
        "Deliberate failure": "success",
        "Done": "complete",
    }


def test_conditional_step_is_skipped_when_not_wanted() -> None:
    process = showcase(run_conditional_step=False)
    assert process.last_status == "completed"
    assert steps(process)["Conditional step"] == "skipped"


def test_suspended_step_waits_for_its_form() -> None:
    process = showcase(show_suspended_step=True)
    assert (process.last_status, process.last_step) == ("suspended", "Suspended confirmation")
    form = process_detail(process.process_id)["form"]
    assert form["title"] == "Suspended confirmation"
    assert list(form["properties"]) == [
        "confirmation_label",
        "confirmation_text",
        "confirmation_details",
        "confirmed",
    ]
    resume_process(process.process_id, [{"confirmation_text": "fine", "confirmed": True}], user="noc")
    assert again(process).last_status == "completed"
    state = process_detail(process.process_id)["current_state"]
    assert (state["confirmation_text"], state["confirmed"]) == ("fine", True)


def test_callback_step_waits_and_keeps_its_secret_out_of_the_state() -> None:
    process = showcase(wait_for_callback=True)
    assert process.last_status == "awaiting_callback"
    delta = ProcessStep.objects.filter(process=process, name="Callback step").latest("seq").delta
    assert delta["callback_was_requested"] is True
    wait = Wait.objects.get(process=process)
    token = callback_tokens.token_of(wait.wait_id, wait.nonce, wait.token_hash)
    assert token not in str(delta)
    arrive_callback(process.process_id, token, {"status": "successful"})
    assert again(process).last_status == "completed"
    state = process_detail(process.process_id)["current_state"]
    assert (state["callback_received"], state["callback_result"]) == (True, {"status": "successful"})


def test_callback_that_reports_a_failure_fails_the_step() -> None:
    process = showcase(wait_for_callback=True)
    wait = Wait.objects.get(process=process)
    token = callback_tokens.token_of(wait.wait_id, wait.nonce, wait.token_hash)
    arrive_callback(process.process_id, token, {"status": "failed", "output": ["no route to host"]})
    assert again(process).last_status == "failed"
    assert process.failed_reason == "The callback reported a failure"


def test_deliberate_failure_names_its_details() -> None:
    process = showcase(fail_on_purpose=True)
    assert (process.last_status, process.last_step) == ("failed", "Deliberate failure")
    assert process.failed_reason == "This step failed on purpose"
    error = ProcessStep.objects.filter(process=process).latest("seq").error
    assert error is not None
    assert error["details"]["requested_by"] == "fail_on_purpose"
