"""Parts of other pages that are about processes."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.workflows.views.conftest import Html
from tests.workflows.views.rows import a_process, a_product, a_subscription, a_workflow
from wfo_site.common.uuid7 import uuid7
from workflows.models import Process

pytestmark = pytest.mark.django_db

PANELS = ["active", "failed", "failed-tasks", "mine"]


def _linked(html: str) -> list[str]:
    return re.findall(r"/(?:processes|tasks)/([0-9a-f-]{36})/\"", html)


def _panel(get: Html, name: str) -> str:
    return get(reverse(f"workflows:panel-{name}"))


def test_each_panel_shows_its_own_newest_first(get: Html, alice: User) -> None:
    task = a_workflow("a_task", is_task=True, target="SYSTEM")
    running, failed = a_process(), a_process(last_status="failed")
    failed_task = a_process(workflow=task, last_status="api_unavailable")
    mine = a_process(last_status="completed", created_by=alice.get_username())
    a_process(workflow=task, last_status="completed")
    expected = {"active": [running], "failed": [failed], "failed-tasks": [failed_task], "mine": [mine]}
    for name, processes in expected.items():
        assert _linked(_panel(get, name)) == [str(process.pk) for process in processes], name


def test_active_leads_to_a_list_without_what_failed(get: Html) -> None:
    running, _ = a_process(), a_process(last_status="failed")
    link = re.search(r'href="(/processes/\?[^"]+)">Show all', _panel(get, "active"))
    assert link
    rows = re.findall(r'data-process-row="([^"]+)"', get(unescape(link[1])))
    assert rows == [str(running.pk)]


def test_panels_show_five_and_count_all(get: Html) -> None:
    for _ in range(7):
        a_process(last_status="failed")
    html = _panel(get, "failed")
    assert len(_linked(html)) == 5
    assert '<span class="panel-total">7</span>' in html


@pytest.mark.parametrize("name", PANELS)
def test_panels_without_rows_say_so(get: Html, name: str) -> None:
    assert "panel-empty" in _panel(get, name)


@pytest.mark.parametrize("name", PANELS)
def test_panels_cost_the_same_whatever_the_rows(get: Html, alice: User, name: str) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            _panel(get, name)
        return len(captured)

    def grow(number: int) -> None:
        for n in range(number):
            product = a_product(f"Product {number}{n}")
            for workflow in (a_workflow(f"w{number}{n}"), a_workflow(f"t{number}{n}", is_task=True)):
                subscription = a_subscription(f"S{n}", product=product)
                a_process(subscription, workflow=workflow, last_status="failed", created_by=alice.get_username())

    grow(2)
    few = count()
    grow(4)
    assert count() == few <= 6


class TestOfSubscription:
    def _url(self, subscription_id: object) -> str:
        return reverse("workflows:subscription-processes", args=[subscription_id])

    def test_processes_come_newest_first_without_tasks(self, get: Html) -> None:
        subscription = a_subscription()
        first, second = a_process(subscription), a_process(subscription, last_status="completed", note="Look")
        validation = a_process(subscription, workflow=a_workflow("validate_port", target="VALIDATE", is_task=True))
        a_process(a_subscription("Other"))
        html = get(self._url(subscription.pk))
        assert _linked(html) == [str(second.pk), str(first.pk)]
        assert "Look" in html
        with_tasks = get(self._url(subscription.pk), tasks="1", order="oldest")
        assert _linked(with_tasks) == [str(first.pk), str(second.pk), str(validation.pk)]

    def test_a_subscription_without_processes_says_so(self, get: Html) -> None:
        assert "No process has worked" in get(self._url(uuid7()))


class TestActionsOfSubscription:
    def _get(self, get: Html, subscription_id: object) -> str:
        return get(reverse("workflows:subscription-actions", args=[subscription_id]))

    def test_workflows_are_grouped_and_linked(self, get: Html) -> None:
        product = a_product()
        for name, target in (
            ("m", "MODIFY"),
            ("t", "TERMINATE"),
            ("v", "VALIDATE"),
            ("r", "RECONCILE"),
            ("c", "CREATE"),
        ):
            product.workflows.add(a_workflow(name, target=target, is_task=target == "VALIDATE"))
        subscription = a_subscription(product=product)
        html = self._get(get, subscription.pk)
        assert re.findall(r'<h3 id="actions-\w+">(\w+)</h3>', html) == ["Modify", "Validate", "Reconcile", "Terminate"]
        assert f"/processes/start/m/?subscriptionId={subscription.pk}" in html
        assert "/processes/start/c/" not in html

    def test_what_is_refused_says_why_and_is_no_link(self, get: Html) -> None:
        product = a_product()
        product.workflows.add(a_workflow("m"))
        subscription = a_subscription(product=product, insync=False)
        html = self._get(get, subscription.pk)
        assert "Subscription already has a running process or task" in html
        assert "/processes/start/m/" not in html

    def test_an_unknown_subscription_is_not_found(self, browser_of_alice: Client) -> None:
        url = reverse("workflows:subscription-actions", args=[uuid7()])
        assert browser_of_alice.get(url).status_code == 404


def test_badge_of_failed_tasks_counts_and_breaks_down(get: Html) -> None:
    url = reverse("workflows:failed-tasks-badge")
    assert "No failed tasks" in get(url)
    task = a_workflow("a_task", is_task=True)
    for status in ("failed", "failed", "inconsistent_data", "completed"):
        a_process(workflow=task, last_status=status)
    a_process(last_status="failed")
    html = get(url)
    assert "2 failed, 1 inconsistent data" in html
    assert re.search(r"</svg> 3<span", html)


def test_badge_of_the_engine_says_how_many_run(get: Html) -> None:
    html = get(reverse("workflows:engine-badge"))
    assert "Engine running" in html
    assert "0 running" in html
    assert Process.every.count() == 0
