"""The log of a step on the page of its process: live under the one that runs, in a panel under those that ended."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.workflows.views.conftest import Html
from tests.workflows.views.rows import BEGIN, a_process, some_steps
from wfo_site.common.uuid7 import uuid7
from workflows.models import Process, StepLogLine, StepProgress

pytestmark = pytest.mark.django_db

PLAN = ["Start", "Reserve address", "Done"]
KEY = "Reserve address"


def _url(process: Process, part: str, **extra: Any) -> str:
    return reverse(f"workflows:process-{part}", kwargs={"process_id": process.pk, **extra})


def say(process: Process, *texts: str, key: str = KEY, epoch: int = 3, **values: Any) -> None:
    values = {"level": "info", "attempt": 1, "at": BEGIN, **values}
    StepLogLine.objects.bulk_create(
        [StepLogLine(process=process, key=key, epoch=epoch, text=text, **values) for text in texts]
    )


def texts(html: str) -> list[str]:
    return re.findall(r'<span class="log-text">(.*?)</span>', html, re.DOTALL)


@pytest.fixture
def running() -> Process:
    process = a_process(epoch=3)
    some_steps(process, "Start", plan=PLAN)
    return process


def test_the_running_step_shows_its_last_lines_and_how_far_it_is(running: Process, get: Html) -> None:
    assert f'hx-get="{_url(running, "log")}?step=Reserve+address"' in get(_url(running, "detail"))
    say(running, *(f"line {number}" for number in range(20)))
    say(running, "of another try", epoch=2)
    say(running, "of another step", key="Start")
    StepProgress.objects.create(process=running, epoch=3, key=KEY, done=1, total=3, text="ports", at=BEGIN)
    html = get(_url(running, "log"), step=KEY)
    assert texts(html) == [f"line {number}" for number in range(12, 20)]
    assert "12 earlier lines" in html
    assert "1 of 3 ports" in html
    assert 'value="33.3"' in html


def test_progress_without_a_total_and_beyond_it(running: Process, get: Html) -> None:
    progress = StepProgress.objects.create(process=running, epoch=3, key=KEY, done=7, at=BEGIN)
    html = get(_url(running, "log"), step=KEY)
    assert "<p>7 </p>" in html
    assert "value=" not in html
    for total, shown in ((0, None), (5, 'value="100.0"')):
        progress.total = total
        progress.save()
        html = get(_url(running, "log"), step=KEY)
        assert (shown in html) if shown else ("value=" not in html)


def test_nothing_is_shown_of_a_step_that_says_nothing_or_is_over(running: Process, get: Html) -> None:
    assert get(_url(running, "log"), step=KEY).strip() == ""
    say(running, "a line")
    Process.every.filter(pk=running.pk).update(last_status="failed")
    assert get(_url(running, "log"), step=KEY).strip() == ""


def test_a_step_that_ended_offers_its_log_and_shows_it_when_opened(get: Html) -> None:
    process = a_process(last_status="failed", epoch=4)
    some_steps(process, "Start", KEY, plan=PLAN, status="failed", error={"error": "x"}, epoch=3)
    say(process, "<b>one</b>", "two\nlines", level="warning")
    say(process, "cut off", epoch=2)
    content = get(_url(process, "step", seq=2), htmx=True)
    assert "2 lines" in content
    assert texts(content) == []
    html = get(_url(process, "step-log", seq=2), htmx=True)
    assert texts(html) == ["&lt;b&gt;one&lt;/b&gt;", "two\nlines"]
    assert html.count("Warning") == 2
    assert "step-log-panel" not in get(_url(process, "step", seq=1), htmx=True)
    assert "It has logged nothing." in get(_url(process, "step-log", seq=1))


def test_the_number_of_queries_does_not_grow_with_the_lines(running: Process, browser_of_alice: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser_of_alice.get(_url(running, "log"), {"step": KEY}).status_code == 200
        return len(captured)

    say(running, *("x" for _ in range(10)))
    before = queries()
    say(running, *("x" for _ in range(200)))
    assert queries() == before


def test_what_there_is_not_is_not_found(running: Process, browser_of_alice: Client, client: Client) -> None:
    unknown = Process(process_id=uuid7())
    assert browser_of_alice.get(_url(unknown, "log"), {"step": KEY}).status_code == 404
    assert browser_of_alice.get(_url(running, "step-log", seq=9)).status_code == 404
    assert client.get(_url(running, "log")).status_code == 302
