"""The page on which the state of a process is changed: written, looked at, confirmed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from products import registry
from tests.workflows.views import flows
from workflows.models import Process, ProcessStep
from workflows.services import abort_process, start_process

from .conftest import Html

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def workflows(alice: User) -> Iterator[None]:
    alice.user_permissions.add(Permission.objects.get(codename="change_process_state"))
    with registry.isolated(empty=False):
        flows.register()
        yield


@pytest.fixture
def failed() -> Process:
    process = Process.objects.get(pk=start_process("task_clean_up", user="bob"))
    assert process.last_status == "failed"
    return process


def _url(process: Process) -> str:
    return reverse("workflows:process-state", args=[process.pk])


def _page(process: Process) -> str:
    return reverse("workflows:process-detail", args=[process.pk])


def _post(client: Client, process: Process, step: str, state: Any, **fields: Any) -> HttpResponse:
    text = state if isinstance(state, str) else json.dumps(state)
    version = Process.every.get(pk=process.pk).epoch
    data = {"step": step, "state": text, "reason": "Wrong city", "version": version, **fields}
    response: HttpResponse = client.post(_url(process), data)
    return response


def _state_on(html: str) -> dict[str, Any]:
    found = re.search(r'name="state"[^>]*>\n(.*?)</textarea>', html, re.DOTALL)
    assert found
    shown: dict[str, Any] = json.loads(unescape(found[1]))
    return shown


def test_from_the_process_to_the_changed_state(browser_of_alice: Client, get: Html, failed: Process) -> None:
    html = get(_page(failed))
    assert f'href="{_url(failed)}"' in html
    counted = re.findall(r"\d+ of \d+ done", html)
    state = _state_on(get(_url(failed)))
    assert state["reporter"] == "bob"
    review = _post(browser_of_alice, failed, "review", {**state, "city": "Delft", "label_x": "<b>"})
    html = review.content.decode()
    assert review.status_code == 200
    assert re.findall(r"<code>(\w+)</code></th><td class=\"change-how\">(\w+)", html) == [
        ("city", "new"),
        ("label_x", "new"),
    ]
    assert "&lt;b&gt;" in html
    assert "Wrong city" in html
    assert not ProcessStep.objects.filter(process=failed, name="State edited").exists()
    hidden = unescape(re.search(r'name="state" value="([^"]*)"', html)[1])  # type: ignore[index]
    saved = _post(browser_of_alice, failed, "save", hidden)
    assert (saved.status_code, saved["Location"]) == (302, _page(failed))
    row = ProcessStep.objects.get(process=failed, name="State edited")
    assert (row.created_by, row.delta) == ("alice", {"city": "Delft", "label_x": "<b>"})
    html = get(_page(failed))
    assert f'id="step-{row.seq}"' in html
    # It is no step: neither counted nor a dot.
    assert re.findall(r"\d+ of \d+ done", html) == counted != []
    assert f'href="#step-{row.seq}"' not in html
    card = get(reverse("workflows:process-step", args=[failed.pk, row.seq]))
    assert "Wrong city" in card
    assert "label_x" in card


def test_what_is_wrong_is_said_and_what_was_written_stays(browser_of_alice: Client, failed: Process) -> None:
    for step in ("review", "save"):
        for text, words in (
            ('{"a": }', "This is no JSON: expecting value in line 1, column 7."),
            ("[1]", "The state is an object"),
            ("[" * 100_000, "This is nested too deep"),
            ('{"a": NaN}', "a is nan"),
            ('{"reporter": "eve"}', "is the engine&#x27;s own"),
        ):
            response = _post(browser_of_alice, failed, step, text)
            html = response.content.decode()
            assert response.status_code == 422, text[:20]
            assert words in html
            assert 'aria-invalid="true"' in html
    response = _post(browser_of_alice, failed, "review", {"a": 1}, reason="")
    assert "Say why the state is changed" in response.content.decode()
    assert '"a": 1' in unescape(response.content.decode())


def test_somebody_was_faster(browser_of_alice: Client, get: Html, failed: Process) -> None:
    state = {**_state_on(get(_url(failed))), "city": "Delft"}
    Process.every.filter(pk=failed.pk).update(epoch=failed.epoch + 1)
    response = _post(browser_of_alice, failed, "save", state, version=failed.epoch)
    assert response.status_code == 409
    assert "Look at it again." in response.content.decode()
    assert _state_on(response.content.decode())["city"] == "Delft"
    assert not ProcessStep.objects.filter(process=failed, name="State edited").exists()
    assert _post(browser_of_alice, failed, "save", state, version="").status_code == 409


def test_it_says_why_it_cannot_be_changed(browser_of_alice: Client, get: Html, failed: Process, alice: User) -> None:
    alice.user_permissions.clear()
    for html in (get(_url(failed)), get(_page(failed))):
        assert "This needs the permission workflows.change_process_state" in html
    assert f'href="{_url(failed)}"' not in get(_page(failed))
    assert "<textarea" not in get(_url(failed))
    assert _post(browser_of_alice, failed, "save", {"a": 1}).status_code == 409
    abort_process(failed.pk)
    assert "It is aborted; only the state" in get(_url(failed))
    assert 'data-action="state"' not in get(_page(failed))
    assert not ProcessStep.objects.filter(process=failed, name="State edited").exists()


def test_an_unknown_process_is_404_and_a_stranger_logs_in(
    browser_of_alice: Client, client: Client, failed: Process
) -> None:
    url = "/processes/00000000-0000-7000-8000-000000000000/state/"
    assert browser_of_alice.get(url).status_code == browser_of_alice.post(url).status_code == 404
    assert "login" in client.get(_url(failed))["Location"]
