"""GET and PUT /api/settings/status."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tests.api.flows import start, status_of
from tests.api.rows import make_process
from workflows.testing import run_until_idle

pytestmark = pytest.mark.django_db
URL = "/api/settings/status"


def test_it_is_shown_paused_and_let_go_on(staff_api: APIClient) -> None:
    """Conformance 122."""
    running = {"global_lock": False, "global_status": "RUNNING", "running_processes": 0}
    paused = {"global_lock": True, "global_status": "PAUSED", "running_processes": 0}
    assert staff_api.get(URL).json() == running
    response = staff_api.put(URL, {"global_lock": True}, format="json")
    assert (response.status_code, response.json()) == (200, paused)
    assert staff_api.get(URL).json() == paused
    assert staff_api.put(URL, {"global_lock": False}, format="json").json() == running


def test_what_was_created_before_the_pause_runs_after_it(staff_api: APIClient, flows: None) -> None:
    """Conformance 9."""
    response = staff_api.post("/api/processes/flow_plain", [{}], format="json")
    process_id = response.json()["id"]
    staff_api.put(URL, {"global_lock": True}, format="json")
    run_until_idle()
    assert status_of(process_id) == "created"
    staff_api.put(URL, {"global_lock": False}, format="json")
    run_until_idle()
    assert status_of(process_id) == "completed"


def test_abort_note_and_delete_stay_possible_while_paused(staff_api: APIClient, flows: None) -> None:
    process_id = start(staff_api, "flow_ask")
    task = make_process(is_task=True)
    staff_api.put(URL, {"global_lock": True}, format="json")
    assert staff_api.patch(f"/api/processes/{process_id}", {"note": "x"}, format="json").status_code == 200
    assert staff_api.put(f"/api/processes/{process_id}/abort").status_code == 204
    assert staff_api.delete(f"/api/processes/{task.pk}").status_code == 204


def test_only_staff_may_switch_it_and_everybody_sees_it(api: APIClient, staff_api: APIClient) -> None:
    refused = api.put(URL, {"global_lock": True}, format="json")
    assert (refused.status_code, refused.json()["detail"]) == (403, "Only staff may pause or start the engine")
    assert api.get(URL).json()["global_status"] == "RUNNING"
    assert staff_api.put(URL, {"global_lock": True}, format="json").status_code == 200
    assert api.put(URL, {"global_lock": False}, format="json").status_code == 403
    assert api.get(URL).json()["global_status"] == "PAUSED"


def test_a_program_without_login_may(open_api: APIClient) -> None:
    assert open_api.put(URL, {"global_lock": True}, format="json").json()["global_lock"] is True


def test_workers_and_what_waits_for_them_are_counted(api: APIClient, settings: Any) -> None:
    """2.11: by the process table, whatever the executor."""
    settings.EXECUTOR = "inline"
    soon = timezone.now() + timedelta(seconds=20)
    make_process(last_status="running", lease_until=soon)
    for values in (
        {"last_status": "created"},
        {"last_status": "running", "lease_until": timezone.now() - timedelta(seconds=1)},
        {"last_status": "resumed", "not_before": timezone.now() - timedelta(hours=1)},
    ):
        make_process(**values)
    for values in ({"held_because": "approval"}, {"not_before": soon}, {"last_status": "failed"}):
        make_process(**{"last_status": "created", **values})
    expected = {
        "executor_type": "inline",
        "number_of_workers_online": 1,
        "number_of_queued_jobs": 3,
        "number_of_running_jobs": 1,
    }
    assert api.get("/api/settings/worker-status").json() == expected
    settings.EXECUTOR = "threadpool"
    # This web process has not started its threads.
    assert api.get("/api/settings/worker-status/").json() == expected | {
        "executor_type": "threadpool",
        "number_of_workers_online": 0,
    }
