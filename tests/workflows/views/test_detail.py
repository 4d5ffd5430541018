"""The page of one process, and the parts of it that are fetched while it moves."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from subscriptions.models import SubscriptionRevision
from tests.workflows.views.conftest import Html
from tests.workflows.views.rows import BEGIN, a_process, a_subscription, a_workflow, some_steps
from wfo_site.common.uuid7 import uuid7
from workflows.models import EngineSettings, Process, ProcessStep, Wait

pytestmark = pytest.mark.django_db

PLAN = ["Start", "Reserve address", "Configure node", "Done"]


def _url(process: Process, part: str = "detail", **extra: Any) -> str:
    return reverse(f"workflows:process-{part}", kwargs={"process_id": process.pk, **extra})


def _cards(html: str) -> list[tuple[str, str]]:
    """Return (anchor, status) of each line of the timeline."""
    found = re.findall(r'<li class="step-card step-([a-z_]+)[^"]*" id="([a-z]+-\d+)"', html)
    return [(anchor, status) for status, anchor in found]


def _button(html: str, name: str) -> str:
    """Return "on" or "off" for the button of an action, "" if there is none."""
    found = re.search(rf'<button[^>]*data-action="{name}"[^>]*>', html)
    if not found:
        return ""
    return "off" if "disabled" in found[0] else "on"


def test_shows_who_what_when_and_for_whom(get: Html) -> None:
    subscription = a_subscription("Port in Delft")
    process = a_process(subscription, assignee="NOC", note="Ask Eve", created_by="erin")
    html = get(_url(process))
    for text in (
        "Workflow modify port",
        "Port 10G",
        "Port in Delft",
        "NOC",
        "Ask Eve",
        "erin",
        f"/api/processes/{process.pk}",
    ):
        assert text in html


def test_done_running_and_coming_steps_stand_in_order(get: Html) -> None:
    process = a_process()
    some_steps(process, "Start", "Reserve address", plan=PLAN)
    assert _cards(get(_url(process))) == [
        ("step-1", "success"),
        ("step-2", "success"),
        ("next-2", "running"),
        ("next-3", "pending"),
    ]


def test_a_process_that_waits_for_a_runner_has_no_running_step(get: Html) -> None:
    process = a_process(last_status="resumed")
    some_steps(process, "Start", plan=PLAN)
    html = get(_url(process))
    assert _cards(html)[1:] == [("next-1", "pending"), ("next-2", "pending"), ("next-3", "pending")]
    assert "Waits for a free runner" in html


def test_a_failed_step_is_shown_once_with_its_tries(get: Html) -> None:
    process = a_process(last_status="failed", failed_reason="Node does not answer")
    some_steps(process, "Start", "Reserve address", plan=PLAN, status="failed", error={"error": "x"}, retries=2)
    html = get(_url(process))
    assert _cards(html) == [("step-1", "success"), ("step-2", "failed"), ("next-2", "pending"), ("next-3", "pending")]
    assert "failed 3 times" in html
    assert "Node does not answer" in html
    assert "retry to try it again" in html


@pytest.mark.parametrize(("status", "is_told"), [("waiting", True), ("resumed", False), ("running", False)])
def test_a_failure_is_told_until_the_step_is_tried_again(get: Html, status: str, is_told: bool) -> None:
    process = a_process(last_status=status, failed_reason="Node does not answer")
    some_steps(process, "Start", "Reserve address", plan=PLAN, status="failed", error={"error": "x"})
    assert ("Node does not answer" in get(_url(process))) is is_told


def test_steps_after_an_abort_are_not_called_to_do(get: Html) -> None:
    process = a_process(last_status="aborted")
    some_steps(process, "Start", "User Aborted", plan=PLAN, status="abort")
    html = get(_url(process))
    assert html.count("Not run") > 0
    assert "To do" not in html


def test_the_title_of_the_window_names_the_subscription(get: Html) -> None:
    html = get(_url(a_process(a_subscription("Port in Delft"))))
    assert "<title>Workflow modify port: Port in Delft" in html


def test_a_group_under_way_is_one_running_card_that_says_how_far(get: Html) -> None:
    process = a_process()
    some_steps(process, "Start", "Reserve address", plan=PLAN, sub_step="Ask the pool")
    html = get(_url(process))
    assert _cards(html)[:3] == [("step-1", "success"), ("step-2", "running"), ("next-2", "pending")]
    assert "Ask the pool" in html


def test_a_completed_process_has_nothing_to_come(get: Html) -> None:
    process = a_process(last_status="completed")
    some_steps(process, *PLAN, plan=PLAN, status="complete")
    html = get(_url(process))
    assert [status for _, status in _cards(html)] == ["success"] * 3 + ["complete"]
    assert "All steps are done" in html


def test_steps_with_one_name_are_told_apart_and_shown_by_name(get: Html) -> None:
    process = a_process(last_status="resumed")
    some_steps(process, "Check", plan=["Check", "Check#2"])
    html = get(_url(process))
    assert [status for _, status in _cards(html)] == ["success", "pending"]
    assert "Check#2" not in html


@pytest.mark.usefixtures("modify_port_in_code")
@pytest.mark.parametrize(
    ("status", "retry", "proceed", "abort"),
    [
        ("created", "off", "", "on"),
        ("running", "off", "", "on"),
        ("suspended", "off", "on", "on"),
        ("waiting", "on", "", "on"),
        ("failed", "on", "", "on"),
        ("awaiting_callback", "off", "on", "on"),
        ("completed", "off", "", "off"),
        ("aborted", "off", "", "off"),
    ],
)
def test_buttons_follow_the_status(get: Html, status: str, retry: str, proceed: str, abort: str) -> None:
    html = get(_url(a_process(last_status=status)))
    assert [_button(html, name) for name in ("retry", "proceed", "abort", "delete")] == [retry, proceed, abort, ""]


def test_a_button_that_is_off_says_why_in_title_and_text(get: Html) -> None:
    html = get(_url(a_process(last_status="completed")))
    reason = "This process is completed; there is nothing left to abort."
    assert f'title="{reason}"' in html
    assert f"<strong>Abort:</strong> {reason}" in html


@pytest.mark.usefixtures("modify_port_in_code")
def test_retry_is_off_while_the_engine_is_paused(get: Html) -> None:
    EngineSettings.objects.update_or_create(pk=1, defaults={"global_lock": True})
    html = get(_url(a_process(last_status="failed")))
    assert _button(html, "retry") == "off"
    assert _button(html, "abort") == "on"
    assert "The engine is paused" in html


def test_what_is_no_longer_in_code_cannot_go_on(get: Html) -> None:
    html = get(_url(a_process(last_status="failed")))
    assert _button(html, "retry") == "off"
    assert "The code of this workflow is not installed any more, so it cannot go on." in html


def test_tasks_can_be_deleted_by_staff(get: Html, browser_of_admin: Client) -> None:
    task = a_process(workflow=a_workflow("a_task", is_task=True), last_status="failed")
    assert _button(get(_url(task)), "delete") == "off"
    assert _button(browser_of_admin.get(_url(task)).content.decode(), "delete") == "on"


def test_tasks_have_the_same_page_under_their_own_address(get: Html) -> None:
    task = a_process(workflow=a_workflow("a_task", is_task=True))
    assert "Workflow a task" in get(f"/tasks/{task.pk}/")


def test_what_an_awaiting_process_waits_for_is_told(get: Html) -> None:
    process = a_process(last_status="awaiting_callback", wait_kind="callback")
    values = {"kind": "callback", "key": "Run playbook", "created_at": BEGIN, "reached": True}
    Wait.objects.create(process=process, deadline=BEGIN, progress={"percent": 40}, progress_at=BEGIN, **values)
    html = get(_url(process))
    for text in ("Run playbook", "It fails if no call comes until", "percent", "40"):
        assert text in html


def test_a_removed_workflow_still_shows_its_steps(get: Html) -> None:
    process = a_process(last_status="completed")
    some_steps(process, "Start", "Done", status="complete")
    html = get(_url(process))
    assert len(_cards(html)) == 2
    assert "not installed any more" in html


def test_parts_of_a_process_are_linked(get: Html) -> None:
    parent = a_process()
    branch = a_process(kind="branch", parent=parent, branch_key="Port 7", last_status="completed")
    html = get(_url(parent))
    assert _url(branch) in html
    assert "1 of 1 done" in html
    assert _url(parent) in get(_url(branch))


def test_everything_that_people_wrote_is_escaped(get: Html) -> None:
    canary = "<script>alert(1)</script>"
    process = a_process(
        a_subscription(canary), last_status="failed", note=canary, failed_reason=canary, created_by=canary
    )
    some_steps(process, canary, status="failed", error={"error": canary, "class": canary, "details": {canary: canary}})
    SubscriptionRevision.objects.create(
        subscription=process.subscriptions.get(),
        number=2,
        created_at=BEGIN,
        created_by=canary,
        process_id=process.pk,
        changes=[{"path": canary, "old": canary, "new": [canary]}],
    )
    pages = get(_url(process)), get(_url(process, "step", seq=1)), get(_url(process, "changes"))
    for html in pages:
        assert canary not in html
        assert "&lt;script&gt;" in html


def test_unknown_processes_and_steps_are_not_found(browser_of_alice: Client) -> None:
    process, unknown = a_process(), uuid7()
    for url in (
        reverse("workflows:process-detail", args=[unknown]),
        reverse("workflows:process-live", args=[unknown]),
        reverse("workflows:process-resume", args=[unknown]),
        _url(process, "step", seq=1),
    ):
        assert browser_of_alice.get(url).status_code == 404


class TestLive:
    def _version(self, html: str) -> str:
        found = re.search(r"live/\?seen=([0-9a-f]+)", html)
        assert found
        return found[1]

    def test_nothing_new_is_no_content(self, get: Html, browser_of_alice: Client) -> None:
        process = a_process(last_status="failed")
        version = self._version(get(_url(process)))
        response = browser_of_alice.get(_url(process, "live"), {"seen": version})
        assert response.status_code == 204

    @pytest.mark.usefixtures("modify_port_in_code")
    def test_each_kind_of_change_is_drawn(self, get: Html) -> None:
        process = a_process(last_status="awaiting_callback")
        wait = Wait.objects.create(process=process, kind="callback", key="Ask", created_at=BEGIN, reached=True)
        seen = {self._version(get(_url(process)))}

        def is_new() -> bool:
            version = self._version(get(_url(process, "live"), seen=max(seen)))
            before = len(seen)
            seen.add(version)
            return len(seen) > before

        Wait.objects.filter(pk=wait.pk).update(progress="half", progress_at=BEGIN)
        assert is_new()
        Process.every.filter(pk=process.pk).update(note="Look")
        assert is_new()
        EngineSettings.objects.update_or_create(pk=1, defaults={"global_lock": True})
        assert is_new()
        some_steps(process, "Start", plan=PLAN)
        assert is_new()

    def test_the_part_is_drawn_without_the_frame(self, get: Html) -> None:
        html = get(_url(a_process(), "live"))
        assert "<html" not in html
        assert 'id="process-live"' in html


class TestStep:
    def _content(self, get: Html, process: Process, seq: int, **query: Any) -> str:
        return get(_url(process, "step", seq=seq), htmx=True, **query)

    def test_changes_of_a_step_are_new_changed_or_removed(self, get: Html) -> None:
        process = a_process()
        first, second = some_steps(process, "Start", "Reserve address", plan=PLAN)
        ProcessStep.objects.filter(pk=first.pk).update(delta={"speed": 10, "old": 1, "same": 2, "__internal": 3})
        ProcessStep.objects.filter(pk=second.pk).update(delta={"speed": 100, "vlan": None}, removed=["old"])
        html = self._content(get, process, 2)
        how = dict(re.findall(r'class="change-(\w+)"><th scope="row"><code>(\w+)</code>', html))
        assert {key: word for word, key in how.items()} == {"vlan": "new", "speed": "changed", "old": "removed"}
        assert "<html" not in html
        assert "1 internal key" in self._content(get, process, 1)

    @pytest.mark.usefixtures("modify_port_in_code")
    def test_what_a_step_may_change_is_said_first(self, get: Html) -> None:
        process = a_process()
        some_steps(process, "Start", "Reserve address", plan=PLAN)
        assert "This step reads only." in self._content(get, process, 1)
        assert "This step" not in self._content(get, process, 2), "the code does not know it"

    def test_of_a_large_value_only_what_differs_is_shown(self, get: Html) -> None:
        process = a_process()
        first, second = some_steps(process, "Start", "Reserve address", plan=PLAN)
        old = {"speed": 10, "port": {"label": "a", "gone": 1, "saps": [1, 2]}, "same": {"deep": [1]}}
        new = {"speed": 10, "port": {"label": "b", "saps": [1, 2, 3], "vlan": 7}, "same": {"deep": [1]}}
        ProcessStep.objects.filter(pk=first.pk).update(delta={"subscription": old})
        ProcessStep.objects.filter(pk=second.pk).update(delta={"subscription": new})
        html = self._content(get, process, 2)
        assert re.findall(r'class="change-(\w+)"><th scope="row"><code>([\w.]+)</code>', html) == [
            ("changed", "subscription.port.label"),
            ("changed", "subscription.port.saps"),
            ("new", "subscription.port.vlan"),
            ("removed", "subscription.port.gone"),
        ]

    def test_the_whole_state_is_the_fold_up_to_the_step(self, get: Html) -> None:
        process = a_process()
        steps = some_steps(process, "Start", "Failed try", "Reserve address", "Configure node", plan=PLAN)
        ProcessStep.objects.filter(pk=steps[0].pk).update(delta={"first_key": 1}, snapshot={"first_key": 1})
        ProcessStep.objects.filter(pk=steps[1].pk).update(status="failed", delta={"wrong_key": 1})
        ProcessStep.objects.filter(pk=steps[2].pk).update(delta={"third_key": 3}, removed=[])
        ProcessStep.objects.filter(pk=steps[3].pk).update(delta={"later_key": 4})
        html = self._content(get, process, 3, state=1)
        assert "first_key" in html
        assert "third_key" in html
        assert "wrong_key" not in html
        assert "later_key" not in html

    def test_of_a_failure_it_is_the_state_that_the_step_began_with(self, get: Html) -> None:
        process = a_process(last_status="failed")
        steps = some_steps(
            process, "Start", "Reserve address", plan=PLAN, status="failed", error={"error": "No answer"}
        )
        ProcessStep.objects.filter(pk=steps[0].pk).update(delta={"first_key": 1}, status="success", error=None)
        html = self._content(get, process, 2, state=1)
        assert "State that it began with" in html
        assert "first_key" in html
        assert "No answer" not in html

    def test_a_failure_shows_class_message_and_details(self, get: Html) -> None:
        process = a_process(last_status="failed", traceback="File secret.py, line 7")
        error = {"error": "No answer", "class": "ApiException", "status_code": 502, "body": "Bad gateway"}
        some_steps(process, "Start", status="failed", error=error)
        html = self._content(get, process, 1)
        for text in ("ApiException", "No answer", "502", "Bad gateway"):
            assert text in html
        assert "secret.py" not in html

    def test_the_traceback_is_for_staff(self, browser_of_admin: Client) -> None:
        process = a_process(last_status="failed", traceback="File secret.py, line 7")
        some_steps(process, "Start", status="failed", error={"error": "No answer"})
        assert "secret.py" in browser_of_admin.get(_url(process, "step", seq=1)).content.decode()

    def test_callback_addresses_are_never_shown(self, get: Html) -> None:
        from workflows.engine import callback_tokens

        process = a_process()
        steps = some_steps(process, "Start")
        reference = callback_tokens.reference_to(uuid7())
        ProcessStep.objects.filter(pk=steps[0].pk).update(delta={"callback_route": reference})
        for query in ({}, {"state": 1}):
            html = self._content(get, process, 1, **query)
            assert "callback_route" in html
            assert reference not in html

    def test_endless_states_are_cut_with_a_word(self, get: Html) -> None:
        process = a_process()
        steps = some_steps(process, "Start")
        ProcessStep.objects.filter(pk=steps[0].pk).update(
            delta={"many": list(range(50_000)), "long": "x" * 100_000, "deep": _nested(100)}
        )
        html = self._content(get, process, 1)
        assert len(html) < 2_000_000
        assert "48,000 more" in html
        assert "deeper than a page shows" in html
        assert "(100,000 characters)" in html


def _nested(depth: int) -> Any:
    return {"in": _nested(depth - 1)} if depth else None


def test_changes_of_subscriptions_are_before_and_after_the_whole_process(get: Html) -> None:
    subscription = a_subscription("Port in Delft")
    process = a_process(subscription)

    def revision(number: int, process_id: UUID, *changes: tuple[str, Any, Any]) -> None:
        SubscriptionRevision.objects.create(
            subscription=subscription,
            number=number,
            created_at=BEGIN,
            created_by="bob",
            process_id=process_id,
            changes=[{"path": path, "old": old, "new": new} for path, old, new in changes],
        )

    revision(1, uuid7(), ("other", None, "by another process"))
    revision(2, process.pk, ("port.speed", 10, 40), ("port.label", "a", "b"))
    revision(3, process.pk, ("port.speed", 40, 100), ("port.label", "b", "a"))
    html = get(_url(process, "changes"))
    assert re.findall(r"<code>(port\.\w+)</code>", html) == ["port.speed"]
    assert re.findall(r'json-number">(\d+)<', html) == ["10", "100"]
    assert "by another process" not in html


def test_number_of_queries_does_not_depend_on_steps_or_subscriptions(get: Html) -> None:
    def count(process: Process) -> int:
        with CaptureQueriesContext(connection) as captured:
            get(_url(process))
        return len(captured)

    small = a_process(a_subscription("one"))
    some_steps(small, "Start", plan=PLAN)
    large = a_process(*[a_subscription(f"S{n}") for n in range(8)])
    some_steps(large, *[f"Step {n}" for n in range(40)], plan=[f"Step {n}" for n in range(80)])
    assert count(large) == count(small) <= 12


def test_all_rows_of_a_step_are_one_dot_that_counts_failures(get: Html) -> None:
    process = a_process(last_status="running")
    some_steps(process, "Start", "Reserve address", "Reserve address", "Reserve address", plan=PLAN)
    for seq, status, retries in ((2, "failed", 1), (3, "waiting", 0)):
        process.steps.filter(seq=seq).update(status=status, error={"error": "x"}, retries=retries)
    html = get(_url(process))
    dots = re.findall(r'class="step-dot step-(\w+)" href="#([\w-]+)" title="([^"]+)"', html)
    assert [dot[:2] for dot in dots] == [
        ("success", "step-1"),
        ("success", "step-4"),
        ("running", "next-2"),
        ("pending", "next-3"),
    ]
    assert dots[1][2] == "Reserve address: Success, failed 3 times"
