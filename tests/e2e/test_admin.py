"""The administration on the screens that people have."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from tests.workflows.views.rows import a_process, a_subscription, a_workflow, some_steps
from workflows.enums import InputType
from workflows.models import InputState

LISTS = [
    "products_workflow",
    "subscriptions_subscription",
    "workflows_process",
    "workflows_processstep",
    "workflows_inputstate",
]
PERSON = "a.person.with.a.long.name@network-operations.example.org"


@pytest.fixture
def long_rows(user: object) -> None:
    """Rows of every list, with names as long as they come."""
    workflow = a_workflow("terminate_point_to_point_circuit_of_a_partner", target="TERMINATE")
    subscription = a_subscription("Circuit 1000 Mbit/s between Amsterdam and Utrecht", customer_id=str(uuid4()))
    step = "Update VLANs on connected ports in IMS"
    process = a_process(
        subscription, workflow=workflow, last_status="inconsistent_data", last_step=step, created_by=PERSON
    )
    some_steps(process, step, status="awaiting_callback", created_by=PERSON)
    InputState.objects.create(
        process=process,
        input_state={},
        input_type=InputType.USER_INPUT,
        input_time=process.started_at,
        created_by=PERSON,
    )


@pytest.mark.usefixtures("long_rows")
@pytest.mark.parametrize("name", LISTS)
def test_the_last_column_of_a_list_is_seen_beside_the_filters(page: Page, name: str) -> None:
    page.goto(reverse(f"admin:{name}_changelist"))
    page.locator("#result_list tbody tr").first.wait_for()
    results = page.locator(".results")
    assert results.evaluate("each => each.scrollWidth <= each.clientWidth")
