"""The state of a process through the API: seen as the next step would, and changed."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from tests.api.flows import rows_of, start, status_of
from workflows.models import Process
from workflows.testing import run_until_idle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("flows")]


@pytest.fixture(autouse=True)
def alice_may(alice: User) -> None:
    alice.user_permissions.add(Permission.objects.get(codename="change_process_state"))


def url(process_id: UUID) -> str:
    return f"/api/processes/{process_id}/state"


def patch(api: APIClient, process_id: UUID, **body: Any) -> Any:
    version = api.get(url(process_id)).json()["version"]
    return api.patch(url(process_id), {"version": version, "reason": "r1 was mended", **body}, format="json")


def test_it_is_shown_changed_and_seen_by_the_retry(api: APIClient) -> None:
    process_id = start(api, "flow_fail")
    shown = api.get(url(process_id)).json()
    assert set(shown) == {"process_id", "version", "reason", "state", "own_keys"}
    assert (shown["process_id"], shown["reason"], shown["state"]["reporter"]) == (str(process_id), None, "alice")
    assert "workflow_name" in shown["own_keys"]
    answer = patch(api, process_id, set={"mended": True, "spare": 1})
    assert (answer.status_code, answer.json()["state"]["mended"]) == (200, True)
    assert answer.json()["version"] > shown["version"]
    assert patch(api, process_id, remove=["spare"]).json()["state"].get("spare") is None
    whole = api.get(url(process_id)).json()["state"]
    assert patch(api, process_id, state={**whole, "mended": False}).status_code == 200
    detail = api.get(f"/api/processes/{process_id}").json()
    edits = [one for one in detail["steps"] if one["name"] == "State edited"]
    assert [one["created_by"] for one in edits] == ["alice"] * 3
    assert {one["reason"] for one in edits} == {"r1 was mended"}
    assert detail["current_state"]["mended"] is False
    assert status_of(process_id) == "failed"


def test_who_reports_is_recorded(api: APIClient) -> None:
    process_id = start(api, "flow_ask")
    body = {"version": api.get(url(process_id)).json()["version"], "reason": "x", "set": {"a": 1}}
    assert api.patch(url(process_id) + "?reporter=noc", body, format="json").status_code == 200
    assert rows_of(process_id)[-1] == ("State edited", "success")
    assert api.get(f"/api/processes/{process_id}").json()["steps"][2]["created_by"] == "noc"
    assert api.put(f"/api/processes/{process_id}/resume", [{"generic_select": "A"}], format="json").status_code == 204
    run_until_idle()
    assert api.get(f"/api/processes/{process_id}").json()["current_state"]["a"] == 1


def test_refusals(api: APIClient, alice: User) -> None:
    process_id = start(api, "flow_fail")
    assert api.get(url(uuid4())).status_code == 404
    assert api.patch(url(uuid4()), {"version": 1, "reason": "x", "set": {}}, format="json").status_code == 404
    stale = api.patch(url(process_id), {"version": 0, "reason": "x", "set": {"a": 1}}, format="json")
    assert (stale.status_code, stale.json()["field"]) == (409, "version")
    own = patch(api, process_id, set={"process_id": "x"})
    assert (own.status_code, own.json()["field"]) == (422, "process_id")
    assert patch(api, process_id, set={"a": 1}, reason=" ").json()["field"] == "reason"
    for body in ({}, {"set": {"a": 1}, "state": {}}, {"set": [1]}, {"set": {"a": 1}, "status": "completed"}):
        assert patch(api, process_id, **body).status_code == 422, body
    Process.every.filter(pk=process_id).update(last_status="running")
    answer = patch(api, process_id, set={"a": 1})
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("The state cannot be changed: it is at work")
    assert api.get(url(process_id)).json()["reason"].startswith("It is at work")
    Process.every.filter(pk=process_id).update(last_status="failed")
    alice.user_permissions.clear()
    answer = patch(api, process_id, set={"a": 1})
    assert answer.status_code == 403
    assert "workflows.change_process_state" in answer.json()["detail"]
    assert "workflows.change_process_state" in api.get(url(process_id)).json()["reason"]


def test_no_column_of_the_process_can_be_reached(api: APIClient) -> None:
    """Only keys of the state: what is named as a column of a row is one key more."""
    process_id = start(api, "flow_fail")
    before = Process.objects.values("last_status", "created_by", "note", "priority", "held_because").get(pk=process_id)
    assert patch(api, process_id, set={**before, "last_status": "completed", "note": "x"}).status_code == 200
    assert Process.objects.values(*before).get(pk=process_id) == before
