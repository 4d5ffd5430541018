"""Undoing through the API: the plan first, then the undo, which is a process like any other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient

from products import registry
from products.models import Workflow as WorkflowRow
from tests.api.flows import start, stumble, work
from workflows import AuthContext, StepList, done, init, step, workflow
from workflows.models import Process
from workflows.services import pause_engine
from workflows.testing import run_until_idle

pytestmark = pytest.mark.django_db(transaction=True)

BROKEN: set[str] = set()


def url(process_id: UUID, action: str = "") -> str:
    return f"/api/processes/{process_id}/{action}".rstrip("/")


def take_back(worked: bool) -> dict[str, Any]:
    if "take back" in BROKEN:
        raise ConnectionError("no route")
    return {"was": worked}


def nobody(context: AuthContext) -> bool:
    return False


@pytest.fixture(autouse=True)
def flows(db: None) -> Iterator[None]:
    BROKEN.clear()
    made_and_lost = step("Make", undo=take_back)(work.function)  # type: ignore[arg-type]
    with registry.isolated():

        @workflow("Make and fail")
        def flow_undo() -> StepList:
            return init >> made_and_lost >> stumble >> done

        @workflow("Make and fail, guarded", retry_auth_callback=nobody)
        def flow_guarded() -> StepList:
            return init >> made_and_lost >> stumble >> done

        for one in (flow_undo, flow_guarded):
            WorkflowRow.objects.create(name=one.name, target=one.target, description=one.description)
        yield


def test_the_plan_and_then_the_undo(api: APIClient) -> None:
    process_id = start(api, "flow_undo")
    plan = api.get(url(process_id, "undo")).json()
    assert (plan["process_id"], plan["reason"], plan["undone_by"]) == (str(process_id), None, None)
    assert [(one["name"], one["fate"], one["undo_name"], one["is_half_done"]) for one in plan["steps"]] == [
        ("Stumble", "stays", "", True),
        ("Make", "undone", "Undo: Make", False),
    ]
    assert plan["steps"][1]["state"]["worked"] is True
    assert plan["steps"][0]["state"] is None
    answer = api.post(url(process_id, "undo"))
    assert answer.status_code == 201
    run_until_idle()
    undo_id = UUID(answer.json()["id"])
    shown = api.get(url(undo_id)).json()
    assert (shown["last_status"], shown["undo_of"], shown["created_by"]) == ("completed", str(process_id), "alice")
    assert [one["name"] for one in shown["steps"]] == ["Undo: Make", "Keep the lock", "Done"]
    assert shown["current_state"]["not_undone"] == ["Stumble"]
    undone = api.get(url(process_id)).json()
    assert (undone["undone_by"], undone["last_status"]) == (str(undo_id), "aborted")
    again = api.get(url(process_id, "undo")).json()
    assert (again["reason"], again["undone_by"]) == ("It has been undone already.", str(undo_id))


def test_an_undo_is_retried_and_aborted_like_any_process(api: APIClient) -> None:
    BROKEN.add("take back")
    process_id = start(api, "flow_undo")
    undo_id = UUID(api.post(url(process_id, "undo")).json()["id"])
    run_until_idle()
    assert api.get(url(undo_id)).json()["last_status"] == "failed"
    assert api.put(url(undo_id, "resume"), [], format="json").status_code == 204
    run_until_idle()
    assert api.post(url(process_id, "undo")).status_code == 409
    assert api.put(url(undo_id, "abort")).status_code == 204
    BROKEN.clear()
    second = api.post(url(process_id, "undo"), query_params={"reporter": "carol"})
    run_until_idle()
    shown = api.get(url(UUID(second.json()["id"]))).json()
    assert (shown["last_status"], shown["created_by"]) == ("completed", "carol")


def test_it_is_in_no_list(api: APIClient) -> None:
    process_id = start(api, "flow_undo")
    api.post(url(process_id, "undo"))
    assert [one["process_id"] for one in api.get("/api/processes/").json()] == [str(process_id)]


def test_refusals(api: APIClient) -> None:
    assert api.get(url(uuid4(), "undo")).status_code == 404
    assert api.post(url(uuid4(), "undo")).status_code == 404
    guarded = start(api, "flow_guarded")
    answer = api.post(url(guarded, "undo"))
    assert (answer.status_code, answer.json()["detail"]) == (403, "User is not authorized to undo this process")
    process_id = start(api, "flow_undo")
    Process.every.filter(pk=process_id).update(last_status="running")
    answer = api.post(url(process_id, "undo"))
    assert (answer.status_code, answer.json()["detail"]) == (
        409, "Undoing is not possible: it is at work; abort it first."
    )  # fmt: skip
    pause_engine()
    assert api.post(url(process_id, "undo")).status_code == 503
