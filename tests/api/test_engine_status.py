"""GET and PUT /api/settings/status."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from tests.api.flows import start, status_of
from tests.api.rows import make_process
from workflows.testing import run_until_idle

pytestmark = pytest.mark.django_db
URL = "/api/settings/status"


def test_it_is_shown_paused_and_let_go_on(api: APIClient) -> None:
    """Conformance 122."""
    running = {"global_lock": False, "global_status": "RUNNING", "running_processes": 0}
    paused = {"global_lock": True, "global_status": "PAUSED", "running_processes": 0}
    assert api.get(URL).json() == running
    response = api.put(URL, {"global_lock": True}, format="json")
    assert (response.status_code, response.json()) == (200, paused)
    assert api.get(URL).json() == paused
    assert api.put(URL, {"global_lock": False}, format="json").json() == running


def test_what_was_created_before_the_pause_runs_after_it(api: APIClient, flows: None) -> None:
    """Conformance 9."""
    response = api.post("/api/processes/flow_plain", [{}], format="json")
    process_id = response.json()["id"]
    api.put(URL, {"global_lock": True}, format="json")
    run_until_idle()
    assert status_of(process_id) == "created"
    api.put(URL, {"global_lock": False}, format="json")
    run_until_idle()
    assert status_of(process_id) == "completed"


def test_abort_note_and_delete_stay_possible_while_paused(api: APIClient, flows: None) -> None:
    process_id = start(api, "flow_ask")
    task = make_process(is_task=True)
    api.put(URL, {"global_lock": True}, format="json")
    assert api.patch(f"/api/processes/{process_id}", {"note": "x"}, format="json").status_code == 200
    assert api.put(f"/api/processes/{process_id}/abort").status_code == 204
    assert api.delete(f"/api/processes/{task.pk}").status_code == 204
