"""Processes whose workflow has changed under them, through the API: the two plans, and the choice."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient

from products import registry
from tests.api.flows import ask, rows_of, start, status_of, work
from workflows import done, init, step
from workflows.services import pause_engine
from workflows.testing import run_until_idle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("flows")]


@step("Prepare")
def prepare() -> dict[str, Any]:
    return {"prepared": True}


def url(process_id: UUID, action: str = "continue-at") -> str:
    return f"/api/processes/{process_id}/{action}"


@pytest.fixture
def process_id(api: APIClient) -> UUID:
    """A process that asks; since then a step has been put before its question."""
    started = start(api, "flow_ask")
    spec: Any = registry.workflows()["flow_ask"]
    spec.factory.steps = init >> prepare >> ask >> work >> done
    del spec.factory.keys
    return started


def choice(api: APIClient, process_id: UUID, **changes: Any) -> Any:
    found = api.get(url(process_id)).json()
    body = {"step": "Prepare", "plan": found["plan"], "version": found["version"], **changes}
    return api.post(url(process_id), body, format="json")


def test_the_choices_and_then_the_choice(api: APIClient, process_id: UUID) -> None:
    found = api.get(url(process_id)).json()
    assert (found["process_id"], found["reason"]) == (str(process_id), None)
    assert "“Ask”; the code of workflow “flow_ask” no longer goes on with that, but with “Prepare”" in found["why"]
    assert [(one["name"], one["standing"]) for one in found["old"]] == [
        ("Start", "done"),
        ("Ask", "stopped"),
        ("Work", "ahead"),
        ("Done", "ahead"),
    ]
    assert found["new"][1:3] == [
        {"key": "Prepare", "name": "Prepare", "was_done": False, "is_suggested": False},
        {"key": "Ask", "name": "Ask", "was_done": False, "is_suggested": True},
    ]
    detail = api.get(f"/api/processes/{process_id}").json()
    assert (detail["why"], detail["form"]) == (found["why"], None)
    refused = api.put(url(process_id, "resume"), [{"generic_select": "A"}], format="json")
    assert refused.status_code == 409
    assert found["why"] in refused.json()["detail"]
    assert choice(api, process_id).status_code == 204
    run_until_idle()
    assert status_of(process_id) == "suspended"
    assert rows_of(process_id)[2:] == [("Continued at Prepare", "success"), ("Prepare", "success"), ("Ask", "suspend")]
    assert api.put(url(process_id, "resume"), [{"generic_select": "A"}], format="json").status_code == 204
    run_until_idle()
    assert status_of(process_id) == "completed"
    assert api.get(f"/api/processes/{process_id}").json()["steps"][2]["created_by"] == "alice"


def test_refusals(api: APIClient, process_id: UUID) -> None:
    assert api.get(url(uuid4())).status_code == 404
    assert api.post(url(uuid4()), {"step": "x", "plan": "x", "version": 1}, format="json").status_code == 404
    unknown = choice(api, process_id, step="Nowhere")
    assert (unknown.status_code, unknown.json()["field"]) == (422, "step")
    for stale in ({"version": 0}, {"plan": "another"}):
        assert choice(api, process_id, **stale).status_code == 409
    assert choice(api, process_id, status="completed").status_code == 422
    fitting = start(api, "flow_fail")
    assert "goes on where it stands" in api.get(url(fitting)).json()["reason"]
    assert choice(api, fitting).status_code == 409
    pause_engine()
    assert choice(api, process_id).status_code == 503
