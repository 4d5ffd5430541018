"""The lists of processes and tasks."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.workflows.views.conftest import Html
from tests.workflows.views.rows import a_process, a_product, a_subscription, a_workflow
from workflows.models import Process

pytestmark = pytest.mark.django_db

PROCESSES = "/processes/"


def _listed(html: str) -> list[str]:
    """Return the ids of the rows, in order."""
    return re.findall(r'data-process-row="([0-9a-f-]{36})"', html)


def _ids(*processes: Process) -> list[str]:
    return [str(process.process_id) for process in processes]


def test_active_tab_shows_what_is_not_over_newest_first(get: Html) -> None:
    first, second = a_process(), a_process(last_status="suspended")
    a_process(last_status="completed")
    a_process(workflow=a_workflow("a_task", is_task=True))
    assert _listed(get(PROCESSES)) == _ids(second, first)


def test_tabs_divide_all_processes(get: Html) -> None:
    active, over = a_process(last_status="failed"), a_process(last_status="aborted")
    assert _listed(get(PROCESSES, tab="completed")) == _ids(over)
    assert _listed(get(PROCESSES, tab="all")) == _ids(over, active)


def test_tasks_have_a_list_of_their_own(get: Html) -> None:
    a_process()
    task = a_process(workflow=a_workflow("a_task", is_task=True, target="SYSTEM"))
    assert _listed(get("/tasks/")) == _ids(task)


def test_branches_are_not_listed(get: Html) -> None:
    parent = a_process()
    a_process(kind="branch", parent=parent)
    assert _listed(get(PROCESSES)) == _ids(parent)


@pytest.mark.parametrize(
    "text",
    ["terminate_l2vpn", "Stop the circuit", "stop CIRCUIT", "Backbone", "dave", "urgent", "0199aaaa", "0199aaaa-bbbb"],
)
def test_search_finds_by_workflow_subscription_id_person_or_note(get: Html, text: str) -> None:
    a_process(a_subscription("Port in Utrecht"))
    wanted = a_process(
        a_subscription("Backbone Amsterdam"),
        workflow=a_workflow("terminate_l2vpn", description="Stop the circuit"),
        process_id="0199aaaa-bbbb-7000-8000-000000000001",
        created_by="dave",
        note="Urgent: call the NOC",
    )
    assert _listed(get(PROCESSES, q=text)) == [str(wanted.process_id)]


def test_search_finds_by_subscription_however_many_are_called_so(get: Html, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = a_process(a_subscription("Ring Delft east"), a_subscription("Ring Delft west"))
    a_process(a_subscription("Ring Leiden"))
    for few in (500, 0):
        monkeypatch.setattr("workflows.page_selectors.lists.FEW_SUBSCRIPTIONS", few)
        assert _listed(get(PROCESSES, q="delft ring")) == _ids(wanted)


def test_search_treats_wildcards_and_nul_as_text(get: Html) -> None:
    a_process(note="100 percent")
    for text in ("%", "_____", "\0%", "' OR 1=1 --", "0199zzzz"):
        assert _listed(get(PROCESSES, q=text)) == []


def test_filters_by_status_target_and_person_combine(get: Html) -> None:
    create = a_workflow("create_port", target="CREATE")
    wanted = a_process(workflow=create, last_status="failed", created_by="erin")
    a_process(workflow=create, last_status="suspended", created_by="erin")
    a_process(last_status="failed", created_by="erin")
    a_process(workflow=create, last_status="failed")
    query = {"status": ["failed", "waiting"], "target": "CREATE", "created_by": "erin"}
    assert _listed(get(PROCESSES, **query)) == _ids(wanted)


def test_a_status_of_another_tab_finds_nothing_and_says_so(get: Html) -> None:
    a_process(last_status="completed")
    html = get(PROCESSES, status="completed")
    assert _listed(html) == []
    assert "Nothing matches" in html


def test_unknown_values_of_an_address_are_ignored(get: Html) -> None:
    process = a_process()
    for query in ({"tab": "x"}, {"status": "x"}, {"target": "x"}, {"sort": "x"}, {"page": "x"}, {"per": "7"}):
        assert _listed(get(PROCESSES, **query)) == _ids(process)


@pytest.mark.parametrize("sort", ["started", "modified", "workflow", "status", "step", "created_by"])
def test_sorting_up_and_down_are_each_others_reverse(get: Html, sort: str) -> None:
    for number in range(3):
        a_process(workflow=a_workflow(f"w{number}"), last_step=f"Step {number}", created_by=f"user{number}")
    a_process(last_status="failed", last_step=None, created_by=None)
    up = _listed(get(PROCESSES, sort=sort))
    assert len(up) == 4
    assert sorted(_listed(get(PROCESSES, sort=f"-{sort}"))) == sorted(up)
    if sort not in {"step", "created_by"}:
        # Without nulls, which databases put at different ends.
        assert _listed(get(PROCESSES, sort=f"-{sort}")) == up[::-1]


def test_pages_show_every_row_once(get: Html) -> None:
    processes = [a_process() for _ in range(23)]
    pages = [_listed(get(PROCESSES, per=10, page=page)) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [10, 10, 3]
    assert [one for page in pages for one in page] == _ids(*processes[::-1])


def test_a_row_links_its_process_and_subscriptions(get: Html) -> None:
    first, second = a_subscription("A port"), a_subscription("B port")
    process = a_process(second, first, last_step="Reserve address", note="Careful")
    html = get(PROCESSES)
    for text in (
        reverse("workflows:process-detail", args=[process.pk]),
        reverse("subscriptions:subscription-detail", args=[first.pk]),
        "A port",
        "+1",
        "Port 10G",
        "Reserve address",
        "Careful",
    ):
        assert text in html
    assert "B port" not in html


def test_a_row_says_why_its_process_failed_until_it_goes_on(get: Html) -> None:
    failed = a_process(last_status="failed", failed_reason=f"NetBox answers 503 {'x' * 5000}")
    html = get(PROCESSES)
    assert "NetBox answers 503" in html
    assert "x" * 200 not in html
    Process.objects.filter(pk=failed.pk).update(last_status="running")
    assert "NetBox answers 503" not in get(PROCESSES)


def test_names_are_escaped(get: Html) -> None:
    canary = "<script>alert(1)</script>"
    a_process(
        a_subscription(canary, product=a_product(canary)),
        workflow=a_workflow("evil", description=canary),
        note=canary,
        last_step=canary,
        created_by=canary,
    )
    assert canary not in get(PROCESSES, q=canary)


def test_htmx_gets_the_list_without_the_frame(get: Html) -> None:
    process = a_process()
    html = get(PROCESSES, htmx=True)
    assert _listed(html) == _ids(process)
    assert "<html" not in html
    assert 'id="list-tabs" hx-swap-oob' in html


def test_the_row_of_one_process_is_drawn_alone(get: Html) -> None:
    process = a_process(last_status="completed")
    html = get(reverse("workflows:process-row", args=[process.pk]))
    assert html.strip().startswith("<tr")
    assert _listed(html) == _ids(process)


def test_the_row_of_a_deleted_process_goes_away(browser_of_alice: Client) -> None:
    process = a_process()
    url = reverse("workflows:process-row", args=[process.pk])
    process.delete()
    assert browser_of_alice.get(url)["HX-Reswap"] == "delete"


def test_number_of_queries_does_not_depend_on_rows(get: Html) -> None:
    def count(**query: Any) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            get(PROCESSES, **query)
        return len(captured)

    def grow() -> None:
        for number in range(5):
            product = a_product(f"Product {Process.every.count()}")
            subscriptions = [a_subscription(f"S{number}{n}", product=product) for n in range(2)]
            a_process(*subscriptions, workflow=a_workflow(f"w{Process.every.count()}"))

    grow()
    plain, searched = count(), count(q="S", target=["MODIFY"])
    grow()
    assert (count(), count(q="S", target=["MODIFY"])) == (plain, searched)
    # Session and user beside the list itself: rows, count, subscriptions; when searched, workflows and subscriptions.
    assert plain <= 9
    assert searched <= plain + 2


def test_a_list_needs_a_login() -> None:
    response = Client().get(PROCESSES)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("accounts:login"))
