"""Callbacks of workflows and steps, as people meet them on pages: buttons that are off and say why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from products import registry
from products.models import Workflow as WorkflowRow
from tests.workflows.views.flows import check_cabling, nothing
from tests.workflows.views.rows import a_product, a_subscription
from workflows import (
    AuthContext,
    State,
    StepList,
    callback_step,
    done,
    init,
    inputstep,
    modify_workflow,
    step,
    workflow,
)
from workflows.models import Process
from workflows.services import start_process

pytestmark = pytest.mark.django_db(transaction=True)


def not_alice(context: AuthContext) -> bool:
    return context.user is None or context.user.get_username() != "alice"


@step("Choose city")
def choose_city() -> State:
    return {"city": "Utrecht"}


@step("Fail", retry_auth_callback=not_alice)
def fail() -> None:
    raise ValueError("no")


@pytest.fixture(autouse=True)
def workflows(db: None) -> Iterator[None]:
    with registry.isolated(empty=False):
        guarded = inputstep("Check cabling", assignee="NOC", resume_auth_callback=not_alice)(check_cabling.form)

        @workflow("Asks")
        def asks() -> StepList:
            return init >> choose_city >> guarded >> done

        @workflow("Fails")
        def fails() -> StepList:
            return init >> fail >> done

        @workflow("Calls", authorize_callback=not_alice)
        def calls() -> StepList:
            return init >> callback_step("Call", step("Call")(nothing), step("Read")(nothing)) >> done

        @modify_workflow("Modify guarded", authorize_callback=not_alice)
        def modify_guarded() -> StepList:
            return StepList()

        for made in (asks, fails, calls, modify_guarded):
            WorkflowRow.objects.create(name=made.name, target=made.target, description=made.description)
        yield


def detail(client: Client, process: Process) -> str:
    return client.get(reverse("workflows:process-detail", args=[process.pk])).content.decode()


def started(name: str) -> Process:
    return Process.objects.get(pk=start_process(name))


def test_a_form_is_not_shown_to_who_may_not_fill_it_in(browser_of_alice: Client, browser_of_admin: Client) -> None:
    process = started("asks")
    html = detail(browser_of_alice, process)
    assert "<strong>Resume:</strong> User is not authorized to resume step." in html
    assert 'id="process-form"' not in html
    assert 'id="process-form"' in detail(browser_of_admin, process)

    url = reverse("workflows:process-resume", args=[process.pk])
    for response in (browser_of_alice.get(url, follow=True), browser_of_alice.post(url, {"port": "1"}, follow=True)):
        assert "User is not authorized to resume step." in response.content.decode()
    process.refresh_from_db()
    assert process.last_status == "suspended"


def test_retry_is_off_and_refused(browser_of_alice: Client, browser_of_admin: Client) -> None:
    process = started("fails")
    reason = "User is not authorized to retry step."
    assert f"<strong>Retry:</strong> {reason}" in detail(browser_of_alice, process)
    assert reason not in detail(browser_of_admin, process)
    response = browser_of_alice.post(reverse("workflows:process-retry", args=[process.pk]), follow=True)
    assert reason in response.content.decode()


def test_going_on_without_a_callback_is_for_who_may_resume(browser_of_alice: Client, browser_of_admin: Client) -> None:
    process = started("calls")
    reason = "User is not authorized to resume step."
    assert f"<strong>Resume:</strong> {reason}" in detail(browser_of_alice, process)
    assert reason not in detail(browser_of_admin, process)
    browser_of_alice.post(reverse("workflows:process-proceed", args=[process.pk]))
    process.refresh_from_db()
    assert process.last_status == "awaiting_callback"


def test_a_start_is_refused_before_its_form(browser_of_alice: Client, browser_of_admin: Client) -> None:
    url = reverse("workflows:process-start", args=["calls"])
    response = browser_of_alice.get(url)
    assert response.status_code == 403
    assert "User is not authorized to start &#x27;calls&#x27; workflow." in response.content.decode()
    assert browser_of_admin.get(url).status_code == 200


def test_a_subscription_says_which_workflows_are_for_others(browser_of_alice: Client, browser_of_admin: Client) -> None:
    product = a_product()
    product.workflows.add(WorkflowRow.objects.get(name="modify_guarded"))
    url = reverse("workflows:subscription-actions", args=[a_subscription(product=product).pk])
    sentence = "You are not authorized to start this workflow"
    assert sentence in browser_of_alice.get(url).content.decode()
    assert sentence not in browser_of_admin.get(url).content.decode()
