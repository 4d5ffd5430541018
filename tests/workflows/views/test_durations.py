"""Pages say how long it usually takes, when it ends and what is late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse

from products.models import Workflow
from wfo_site.common.clock import now
from workflows.models import Process

from .rows import a_process, a_workflow, some_steps

pytestmark = pytest.mark.django_db

Html = Callable[..., str]
PLAN = ["Start", "Reserve address", "Done"]


def with_history(flow: Workflow) -> Workflow:
    """Store twenty runs of 20 seconds each."""
    for _ in range(20):
        process = a_process(workflow=flow, last_status="completed")
        some_steps(process, *PLAN)
        reserved = process.steps.get(seq=2)
        process.steps.filter(seq=2).update(completed_at=reserved.started_at + timedelta(seconds=19))
    return flow


@pytest.fixture
def flow() -> Workflow:
    return with_history(a_workflow())


def under_way(flow: Workflow, seconds: float) -> Process:
    moment = now() - timedelta(seconds=seconds + 1)
    process = a_process(workflow=flow, started_at=moment, last_modified_at=moment)
    some_steps(process, "Start", plan=PLAN)
    return process


def page_of(process: Process) -> str:
    return reverse("workflows:process-detail", args=[process.pk])


def test_the_page_tells_when_a_process_will_probably_end(get: Html, flow: Workflow) -> None:
    html = get(page_of(under_way(flow, 3)))
    assert "Expected end" in html
    assert "usually 19 s" in html
    assert 'data-status="late"' not in html


def test_page_and_list_mark_what_takes_longer_than_usual(get: Html, flow: Workflow) -> None:
    on_time, late = under_way(flow, 3), under_way(flow, 300)
    html = get(page_of(late))
    assert 'data-status="late"' in html
    assert "Expected end" not in html
    assert get(reverse("workflows:process-list")).count('data-status="late"') == 1
    assert 'data-status="late"' in get(reverse("workflows:process-row", args=[late.pk]))
    assert 'data-status="late"' not in get(reverse("workflows:process-row", args=[on_time.pk]))


def test_who_starts_a_workflow_sees_how_long_it_usually_takes(get: Html) -> None:
    flow = a_workflow("modify_note")
    url = reverse("workflows:process-start", args=[flow.name])
    assert "Usually takes" not in get(url)
    with_history(flow)
    assert "Usually takes 20 s; 95 of 100 are done within 20 s." in get(url)
