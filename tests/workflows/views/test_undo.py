"""The button, the page that shows the plan, and the page of the undo itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from products import registry
from products.models import Workflow as WorkflowRow
from workflows import AuthContext, StepList, branch, done, init, parallel, step, workflow
from workflows.models import EngineSettings, Process
from workflows.services import abort_process, start_process

from .conftest import Html

pytestmark = pytest.mark.django_db(transaction=True)

MADE: set[str] = set()


def _makes(thing: str) -> Any:
    @step(f"Make {thing}", undo=lambda: MADE.discard(thing))
    def make() -> None:
        MADE.add(thing)

    return make


@step("Look around")
def look() -> None: ...


@step("Stop")
def stop() -> None:
    raise ValueError("No further")


def nobody(context: AuthContext) -> bool:
    return False


@pytest.fixture(autouse=True)
def workflows() -> Iterator[None]:
    MADE.clear()
    with registry.isolated(empty=False):

        @workflow("Make things")
        def make_things() -> StepList:
            sides = parallel("Sides", branch("West", _makes("b")))
            return init >> _makes("a") >> sides >> look >> stop >> done

        @workflow("Make things, guarded", retry_auth_callback=nobody)
        def make_guarded() -> StepList:
            return init >> _makes("a") >> stop >> done

        for one in (make_things, make_guarded):
            WorkflowRow.objects.create(name=one.name, target=one.target, description=one.description)
        yield


def _failed(name: str = "make_things") -> Process:
    process = Process.objects.get(pk=start_process(name, user="bob"))
    assert process.last_status == "failed"
    return process


def _undo_url(process: Process) -> str:
    return reverse("workflows:process-undo", args=[process.pk])


def _page(process: Process) -> str:
    return reverse("workflows:process-detail", args=[process.pk])


def test_the_page_shows_the_plan_before_anything_starts(get: Html) -> None:
    process = _failed()
    assert f'href="{_undo_url(process)}"' in get(_page(process))
    html = get(_undo_url(process))
    assert re.findall(r'class="undo-step undo-(\w+)"', html) == ["stays", "stays", "undone", "undone"]
    assert re.findall(r'class="undo-name">([^<]+)<', html) == [
        "Stop",
        "Look around",
        "Undo: Make b",
        "Undo: Make a",
    ]
    assert '<span class="tag">West</span>' in html
    assert html.count('class="undo-half"') == 1
    assert "2 steps cannot be taken back and stay as they are" in html
    assert "State it gets" in html
    assert sorted(MADE) == ["a", "b"]
    assert Process.every.get(pk=process.pk).last_status == "failed"


def test_sending_it_starts_the_undo_and_shows_it(browser_of_alice: Client, get: Html) -> None:
    process = _failed()
    response = browser_of_alice.post(_undo_url(process))
    undo = Process.every.get(kind="undo")
    assert (response.status_code, response["Location"]) == (302, _page(undo))
    assert (undo.last_status, undo.created_by, MADE) == ("completed", "alice", set())
    html = get(_page(undo))
    assert "Undo of Make things</h1>" in html
    assert "<dt>Undoes</dt>" in html
    assert f'href="{_page(process)}"' in html
    assert "Undo: Make b (West)" in html
    assert 'data-action="undo"' not in html, "an undo is not undone"
    html = get(_page(process))
    assert "<dt>Undone by</dt>" in html
    assert f'href="{_page(undo)}"' in html
    assert "It has been undone already." in html


def test_what_cannot_be_undone_says_why(browser_of_alice: Client, get: Html) -> None:
    guarded = _failed("make_guarded")
    assert "not authorized to undo" in get(_page(guarded))
    response = browser_of_alice.post(_undo_url(guarded))
    assert response["Location"] == _page(guarded)
    assert "not authorized to undo" in str(next(iter(get_messages(response.wsgi_request))))
    process = _failed()
    abort_process(process.pk)
    browser_of_alice.post(_undo_url(process))
    html = get(_undo_url(process))
    assert "It has been undone already." in html
    assert 'method="post" action="' + _undo_url(process) not in html
    response = browser_of_alice.post(_undo_url(process))
    assert "undone already" in str(list(get_messages(response.wsgi_request))[-1])


def test_while_the_engine_is_paused_the_button_is_off(get: Html) -> None:
    process = _failed()
    EngineSettings.objects.update_or_create(pk=1, defaults={"global_lock": True})
    assert f'href="{_undo_url(process)}"' not in get(_page(process))


def test_an_unknown_process_is_404(browser_of_alice: Client) -> None:
    url = "/processes/00000000-0000-7000-8000-000000000000/undo/"
    assert browser_of_alice.get(url).status_code == browser_of_alice.post(url).status_code == 404


def test_only_people_who_are_logged_in_see_it(client: Client) -> None:
    assert "login" in client.get(_undo_url(_failed()))["Location"]
