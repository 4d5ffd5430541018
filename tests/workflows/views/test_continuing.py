"""The page on which a person chooses where a process goes on whose workflow has changed under it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from products import registry
from products.models import Workflow as WorkflowRow
from workflows import done, init, inputstep, step, workflow
from workflows.engine.steps import StepList
from workflows.forms import FormGenerator, FormPage
from workflows.models import EngineSettings, Process
from workflows.services import start_process

from .conftest import Html

pytestmark = pytest.mark.django_db(transaction=True)


@step("Reserve")
def reserve() -> None: ...


@step("Order")
def order() -> None: ...


@inputstep("Check", assignee="NOC")
def check() -> FormGenerator:
    class Check(FormPage):
        remark: str

    page = yield Check
    return page.model_dump()


@pytest.fixture
def process() -> Iterator[Process]:
    """It has reserved and asks; since then it is ordered before that."""
    with registry.isolated(empty=False):

        @workflow("Deliver")
        def deliver_it() -> StepList:
            return init >> reserve >> check >> done

        WorkflowRow.objects.create(name=deliver_it.name, target="SYSTEM", description="Deliver")
        started = Process.objects.get(pk=start_process("deliver_it", user="bob"))
        deliver_it.steps = init >> order >> reserve >> check >> done
        del deliver_it.keys
        yield started


def _url(process: Process) -> str:
    return reverse("workflows:process-continue", args=[process.pk])


def _page(process: Process) -> str:
    return reverse("workflows:process-detail", args=[process.pk])


def _post(client: Client, process: Process, html: str, **changes: Any) -> HttpResponse:
    """Send what the page holds, with the step that is checked."""
    hidden = dict(re.findall(r'type="hidden" name="(plan|version)" value="([^"]*)"', html))
    response: HttpResponse = client.post(_url(process), {**hidden, **changes})
    return response


def test_the_page_of_the_process_says_so_and_leads_there(get: Html, process: Process) -> None:
    html = get(_page(process))
    assert "have changed in the part that this process has done" in html
    assert f'href="{_url(process)}" data-action="continue"' in html
    assert 'data-action="retry"' not in html
    assert 'id="process-form"' not in html
    assert 'data-action="abort"' in html


def test_a_form_that_was_left_open_leads_back_with_the_reason(browser_of_alice: Client, process: Process) -> None:
    url = reverse("workflows:process-resume", args=[process.pk])
    for response in (browser_of_alice.get(url), browser_of_alice.post(url, {"remark": "fine"})):
        assert (response.status_code, response["Location"]) == (302, _page(process))
        assert "Choose where it goes on" in str(list(get_messages(response.wsgi_request))[-1])
    process.refresh_from_db()
    assert process.last_status == "suspended"


def test_the_plans_stand_side_by_side_and_the_choice_is_followed(
    browser_of_alice: Client, get: Html, process: Process
) -> None:
    html = get(_url(process))
    assert re.findall(r'class="plan-step plan-(\w+)"', html) == ["done", "done", "stopped", "ahead"]
    assert re.findall(r'type="radio" name="step" value="([^"]+)"', html) == [
        "Start",
        "Order",
        "Reserve",
        "Check",
        "Done",
    ]
    assert re.findall(r'value="([^"]+)" required checked', html) == ["Check"]
    assert html.count(">done before<") == 2
    response = _post(browser_of_alice, process, html, step="Order")
    assert (response.status_code, response["Location"]) == (302, _page(process))
    process.refresh_from_db()
    assert process.last_status == "suspended"
    names = list(process.steps.order_by("seq").values_list("name", "created_by"))
    assert names[3:5] == [("Continued at Order", "alice"), ("Order", "alice")]
    html = get(_page(process))
    assert 'id="process-form"' in html
    assert 'data-action="continue"' not in html


def test_what_stands_in_the_way_is_said(browser_of_alice: Client, get: Html, process: Process) -> None:
    html = get(_url(process))
    for changes, status, words in (
        ({}, 422, "Choose a step."),
        ({"step": "Nowhere"}, 422, "Choose a step."),
        ({"step": "Order", "version": "0"}, 409, "Look at them again."),
        ({"step": "Order", "version": ""}, 409, "Look at them again."),
    ):
        response = _post(browser_of_alice, process, html, **changes)
        assert response.status_code == status
        assert words in response.content.decode()
        assert 'name="plan"' in response.content.decode()
    EngineSettings.objects.update_or_create(pk=1, defaults={"global_lock": True})
    assert _post(browser_of_alice, process, html, step="Order")["Location"] == _page(process)
    assert 'data-action="continue" aria-describedby' in get(_page(process))
    Process.every.filter(pk=process.pk).update(last_status="aborted")
    assert "It is aborted; only what has stopped" in get(_url(process))
    assert not process.steps.filter(key="").exists()


def test_an_unknown_process_is_404(browser_of_alice: Client) -> None:
    url = "/processes/00000000-0000-7000-8000-000000000000/continue/"
    assert browser_of_alice.get(url).status_code == browser_of_alice.post(url).status_code == 404
