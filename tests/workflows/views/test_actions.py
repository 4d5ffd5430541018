"""What people do with processes: retry, resume, abort, delete, note; and the switch of the engine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from products import registry
from tests.workflows.views import flows
from tests.workflows.views.rows import a_process, a_workflow
from wfo_site.common.uuid7 import uuid7
from workflows.models import EngineSettings, Process
from workflows.services import start_process

pytestmark = pytest.mark.django_db(transaction=True)

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def workflows() -> Iterator[None]:
    with registry.isolated(empty=False):
        flows.register()
        yield


def _post(client: Client, process: Process, action: str, *, htmx: bool = True, **fields: Any) -> HttpResponse:
    url = reverse(f"workflows:process-{action}", args=[process.pk])
    response: HttpResponse = client.post(url, fields, headers=HTMX if htmx else {})
    return response


def _toast(response: HttpResponse) -> tuple[str, str]:
    said = json.loads(response["HX-Trigger"])["wfo:toast"]
    return said["level"], said["text"]


def _started(name: str) -> Process:
    return Process.objects.get(pk=start_process(name, user="bob"))


def _fresh(process: Process) -> Process:
    return Process.every.get(pk=process.pk)


def test_retry_runs_the_failed_step_again_and_draws_the_page_anew(browser_of_alice: Client) -> None:
    process = _started("task_clean_up")
    assert process.last_status == "failed"
    response = _post(browser_of_alice, process, "retry")
    assert _fresh(process).last_status == "completed"
    assert _toast(response) == ("success", "The step runs again.")
    assert 'id="process-live"' in response.content.decode()
    assert _fresh(process).steps.get(status="success", name="Fail once").created_by == "alice"


def test_without_scripts_an_action_leads_back_with_a_message(browser_of_alice: Client) -> None:
    process = _started("task_clean_up")
    response = _post(browser_of_alice, process, "retry", htmx=False)
    assert response.status_code == 302
    assert response["Location"] == f"/processes/{process.pk}/"
    assert [str(message) for message in get_messages(response.wsgi_request)] == ["The step runs again."]


def test_an_action_that_is_refused_says_why(browser_of_alice: Client) -> None:
    process = a_process(last_status="completed")
    for action, word in (("retry", "not possible"), ("abort", "not possible")):
        level, text = _toast(_post(browser_of_alice, process, action))
        assert level == "error"
        assert word in text
    EngineSettings.objects.update_or_create(pk=1, defaults={"global_lock": True})
    assert "locked" in _toast(_post(browser_of_alice, _failed(), "retry"))[1]


def _failed() -> Process:
    return a_process(last_status="failed")


def _held() -> Process:
    process = _started("task_clean_up")
    Process.every.filter(pk=process.pk).update(
        last_status="running", lost_claims=3, held_because="its worker was lost", failed_reason=None
    )
    return process


def test_what_is_held_is_released_after_a_question_that_says_why(browser_of_alice: Client) -> None:
    process = _held()
    html = browser_of_alice.get(reverse("workflows:process-detail", args=[process.pk])).content.decode()
    assert "Is held: its worker was lost." in html
    assert 'data-action="release"' in html
    assert "task is held: its worker was lost. The step runs once more" in html
    assert 'data-action="retry"' not in html
    response = _post(browser_of_alice, process, "release")
    assert _toast(response) == ("success", "Released. It runs alone on a worker.")
    assert (_fresh(process).held_because, _fresh(process).lost_claims) == (None, 2)
    assert 'data-action="release"' not in response.content.decode()


def test_what_is_held_for_another_reason_offers_no_release(browser_of_alice: Client) -> None:
    process = a_process(last_status="created", held_because="waits for approval")
    html = browser_of_alice.get(reverse("workflows:process-detail", args=[process.pk])).content.decode()
    assert 'data-action="release"' not in html
    assert _toast(_post(browser_of_alice, process, "release"))[0] == "error"


def test_all_failed_tasks_are_retried_at_once(browser_of_alice: Client) -> None:
    failed = _started("task_clean_up")
    assert failed.last_status == "failed"
    response = browser_of_alice.post(reverse("workflows:task-retry-all"))
    assert response["Location"] == reverse("workflows:task-list")
    assert [str(message) for message in get_messages(response.wsgi_request)] == ["The task is tried again."]
    assert _fresh(failed).last_status == "completed"
    response = browser_of_alice.post(reverse("workflows:task-retry-all"), follow=True)
    assert "No task has failed." in response.content.decode()


def test_retrying_all_is_refused_while_the_engine_is_paused(browser_of_alice: Client) -> None:
    failed = _started("task_clean_up")
    EngineSettings.objects.update_or_create(pk=1, defaults={"global_lock": True})
    response = browser_of_alice.post(reverse("workflows:task-retry-all"), follow=True)
    assert "The engine is paused" in response.content.decode()
    assert _fresh(failed).last_status == "failed"


def test_abort_ends_a_process_in_the_name_of_who_did_it(browser_of_alice: Client) -> None:
    process = _failed()
    _post(browser_of_alice, process, "abort")
    assert _fresh(process).last_status == "aborted"
    assert _fresh(process).steps.get().created_by == "alice"


def test_an_awaiting_process_can_be_let_go_on(browser_of_alice: Client) -> None:
    process = _started("task_ask")
    assert process.last_status == "awaiting_callback"
    _post(browser_of_alice, process, "proceed")
    assert _fresh(process).last_status == "completed"


def test_actions_are_posts_with_a_token(browser_of_alice: Client) -> None:
    process = _failed()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser_of_alice.cookies
    for action in ("retry", "proceed", "abort", "delete", "note"):
        url = reverse(f"workflows:process-{action}", args=[process.pk])
        assert browser_of_alice.get(url).status_code == 405
        assert strict.post(url).status_code == 403
    assert _fresh(process).last_status == "failed"


def test_unknown_processes_are_told(browser_of_alice: Client) -> None:
    for action in ("retry", "abort", "note"):
        response = browser_of_alice.post(reverse(f"workflows:process-{action}", args=[uuid7()]), headers=HTMX)
        assert response["HX-Redirect"] == "/processes/"


def test_notes_are_kept_trimmed_and_taken_away(browser_of_alice: Client) -> None:
    process = _failed()
    assert "Call Eve" in _post(browser_of_alice, process, "note", note="  Call Eve  ").content.decode()
    assert _fresh(process).note == "Call Eve"
    _post(browser_of_alice, process, "note", note=" ")
    assert _fresh(process).note is None
    assert _toast(_post(browser_of_alice, process, "note", note="x" * 5001))[0] == "error"


class TestDelete:
    def _task(self) -> Process:
        return a_process(workflow=a_workflow("a_task", is_task=True), last_status="failed")

    def test_staff_delete_tasks(self, browser_of_admin: Client) -> None:
        task = self._task()
        assert _post(browser_of_admin, task, "delete")["HX-Redirect"] == "/tasks/"
        assert not Process.every.filter(pk=task.pk).exists()

    def test_others_do_not(self, browser_of_alice: Client) -> None:
        task = self._task()
        _post(browser_of_alice, task, "delete")
        assert Process.every.filter(pk=task.pk).exists()

    def test_processes_that_people_started_stay(self, browser_of_admin: Client) -> None:
        process = _failed()
        _post(browser_of_admin, process, "delete")
        assert Process.every.filter(pk=process.pk).exists()


class TestResume:
    @pytest.fixture
    def process(self) -> Process:
        product = a_workflow("create_test_port").products.get()
        inputs = [{"product": str(product.pk)}, {"city": "Delft"}, {"speed": 10}]
        process = Process.objects.get(pk=start_process("create_test_port", inputs, user="bob"))
        assert process.last_status == "suspended"
        return process

    def _send(self, client: Client, process: Process, html: str, *, page: str = "", **fields: str) -> HttpResponse:
        token = re.search(r'name="_form_token" value="([^"]+)"', html)
        assert token, html
        values = {"_form_token": token[1], "_form_action": "next", **fields}
        headers = {**HTMX, "HX-Current-URL": f"http://testserver{page}"} if page else {}
        url = reverse("workflows:process-resume", args=[process.pk])
        response: HttpResponse = client.post(url, values, headers=headers)
        return response

    def test_the_form_stands_in_the_page(self, browser_of_alice: Client, process: Process) -> None:
        html = browser_of_alice.get(f"/processes/{process.pk}/").content.decode()
        assert 'name="port"' in html
        assert f'data-keep="form-{process.last_seq}"' in html

    def test_pages_are_answered_in_place_and_the_process_goes_on(
        self, browser_of_alice: Client, process: Process
    ) -> None:
        page = f"/processes/{process.pk}/"
        html = browser_of_alice.get(page).content.decode()
        second = self._send(browser_of_alice, process, html, page=page, port="1/1/1")
        assert "Cabled in Delft" in second.content.decode()
        assert "<html" not in second.content.decode()
        last = self._send(browser_of_alice, process, second.content.decode(), page=page, remarks="Fine")
        assert last["HX-Retarget"] == "#process-live"
        assert _toast(last)[0] == "success"
        after = _fresh(process)
        assert after.last_step == "Fail once"
        assert after.input_states.get(input_type="user_input").input_state == {"port": "1/1/1", "remarks": "Fine"}

    def test_without_scripts_it_is_a_page_of_its_own(self, browser_of_alice: Client, process: Process) -> None:
        html = browser_of_alice.get(f"/processes/{process.pk}/resume/").content.decode()
        second = self._send(browser_of_alice, process, html, port="1/1/1")
        assert "<html" in second.content.decode()
        last = self._send(browser_of_alice, process, second.content.decode(), remarks="Fine")
        assert last["Location"] == f"/processes/{process.pk}/"

    def test_errors_stand_at_the_field(self, browser_of_alice: Client, process: Process) -> None:
        page = f"/processes/{process.pk}/"
        html = browser_of_alice.get(page).content.decode()
        response = self._send(browser_of_alice, process, html, page=page)
        assert response.status_code == 422
        assert "One thing needs attention" in response.content.decode()
        assert _fresh(process).last_status == "suspended"

    def test_the_live_part_keeps_the_form_and_loads_a_new_one(self, browser_of_alice: Client, process: Process) -> None:
        html = browser_of_alice.get(f"/processes/{process.pk}/live/").content.decode()
        assert f'data-keep="form-{process.last_seq}"' in html
        assert f'hx-get="/processes/{process.pk}/resume/"' in html
        assert 'name="port"' not in html

    def test_who_comes_late_is_told(self, browser_of_alice: Client, process: Process) -> None:
        html = browser_of_alice.get(f"/processes/{process.pk}/").content.decode()
        second = self._send(browser_of_alice, process, html, port="1/1/1").content.decode()
        Process.every.filter(pk=process.pk).update(last_status="aborted")
        late = self._send(browser_of_alice, process, second, remarks="Fine")
        assert late["Location"] == f"/processes/{process.pk}/"
        assert "does not wait for input any more" in str(next(iter(get_messages(late.wsgi_request))))


class TestEngineSwitch:
    def test_staff_pause_and_start(self, browser_of_admin: Client) -> None:
        response = browser_of_admin.post("/processes/engine/pause/", headers=HTMX)
        assert EngineSettings.objects.get().global_lock
        assert "Engine paus" in response.content.decode()
        assert _toast(response)[0] == "success"
        browser_of_admin.post("/processes/engine/unpause/", headers=HTMX)
        assert not EngineSettings.objects.get().global_lock

    def test_others_do_not(self, browser_of_alice: Client) -> None:
        response = browser_of_alice.post("/processes/engine/pause/", headers=HTMX)
        assert _toast(response) == ("error", "Only staff may pause or start the engine.")
        assert not EngineSettings.objects.filter(global_lock=True).exists()
        assert "engine/pause" not in browser_of_alice.get("/processes/badges/engine/").content.decode()

    def test_without_scripts_it_leads_back_to_pages_of_ours_only(self, browser_of_admin: Client) -> None:
        for referer, expected in (("http://testserver/tasks/", "/tasks/"), ("https://evil.example/", "/")):
            response = browser_of_admin.post("/processes/engine/pause/", headers={"Referer": referer})
            assert response["Location"].endswith(expected)
            assert "evil" not in response["Location"]
