"""The page of the engine: who runs processes, what they run, what waits and what is held."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from products import registry
from tests.workflows.views.conftest import Html
from tests.workflows.views.rows import a_process, a_workflow
from workflows import StepList, done, init, workflow
from workflows.models import EngineSettings, Process
from workflows.services import pause_engine

pytestmark = pytest.mark.django_db


def runs(**values: object) -> Process:
    soon = timezone.now() + timedelta(seconds=20)
    return a_process(**{"last_status": "running", "lease_until": soon, "runner": "host:1:abc", **values})


def test_it_shows_what_runs_waits_and_is_held_and_why(get: Html) -> None:
    running = runs(last_step="Reserve address")
    a_process(last_status="created")
    held = a_process(last_status="running", lost_claims=3, held_because="its worker was lost 3 times in a row")
    html = get(reverse("workflows:engine"))
    assert "The engine runs." in html
    assert f'href="/processes/{running.pk}/"' in html
    assert "After “Reserve address”, by host:1:abc" in html
    assert f'href="/processes/{held.pk}/"' in html
    assert "Held: its worker was lost 3 times in a row" in html
    assert "No worker answers" not in html


def test_it_says_when_nobody_is_there_to_run_what_waits(get: Html, settings: object) -> None:
    settings.EXECUTOR = "threadpool"  # type: ignore[attr-defined]
    a_process(last_status="created")
    assert "No worker answers, so nothing that waits is run." in get(reverse("workflows:engine"))


def test_it_says_since_when_the_engine_is_paused(get: Html) -> None:
    runs(last_step="Reserve address")
    pause_engine()
    assert "The engine pauses: running steps end" in get(reverse("workflows:engine"))
    Process.every.update(lease_until=None)
    EngineSettings.objects.update(paused_at=timezone.now() - timedelta(minutes=5))
    html = get(reverse("workflows:engine"))
    assert re.search(
        r"The engine was paused <time[^>]*>5 min ago</time>\. Nothing is lost and no deadline passes", html
    )


def test_it_shows_how_much_of_a_limit_is_used(get: Html) -> None:
    with registry.isolated(empty=False):

        @workflow("Modify a port", max_running=2)
        def modify_port() -> StepList:
            return init >> done

        runs(workflow=a_workflow("modify_port"))
        assert "1 of 2 run" in get(reverse("workflows:engine"), htmx=True)


def test_more_rows_cost_no_more_queries(get: Html) -> None:
    counts = []
    for number in (2, 4):
        for _ in range(number):
            runs(workflow=a_workflow(f"workflow_{Process.every.count()}"))
            a_process(last_status="created", held_because="approval")
        with CaptureQueriesContext(connection) as queries:
            get(reverse("workflows:engine"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_badge_leads_to_it(get: Html) -> None:
    assert 'href="/processes/engine/"' in get(reverse("workflows:engine-badge"))
