"""Start, show, resume, abort, note, delete: what clients send, what they get, and what is changed by it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.api.flows import rows_of, start, status_of
from tests.api.rows import START, make_process, make_product, make_subscription, make_workflow
from workflows.api.schemas import ProcessSchema, ProcessStepSchema
from workflows.engine.tree import Part, path_below
from workflows.models import InputState, Process, ProcessStep, ProcessSubscription
from workflows.services import pause_engine
from workflows.testing import run_until_idle

pytestmark = pytest.mark.usefixtures("flows")


def url(process_id: UUID, action: str = "") -> str:
    return f"/api/processes/{process_id}{action}"


class TestStart:
    def test_one_without_a_form(self, api: APIClient) -> None:
        """Conformance 7."""
        response = api.post("/api/processes/flow_plain", [{}], format="json")
        assert response.status_code == 201
        assert response.json().keys() == {"id"}
        run_until_idle()
        assert status_of(UUID(response.json()["id"])) == "completed"

    def test_null_is_one_empty_page(self, api: APIClient) -> None:
        assert api.generic("POST", "/api/processes/flow_plain", b"null").status_code == 201

    @pytest.mark.parametrize("body", [b"", b"{}", b'"text"', b"[1]"])
    def test_anything_but_a_list_of_pages_is_422(self, send: Callable[..., Any], body: bytes) -> None:
        """Conformance 17."""
        response = send("post", "/api/processes/flow_plain", body)
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"][0] == "body"
        assert not Process.objects.exists()

    def test_pages_are_asked_for_one_after_another(self, api: APIClient) -> None:
        first = api.post("/api/processes/flow_form", [], format="json")
        assert first.status_code == 510
        body = first.json()
        assert (body["type"], body["title"], body["status"]) == ("FormNotCompleteError", "Form not complete", 510)
        assert body["form"]["properties"].keys() == {"name"}
        assert body["meta"] == {"hasNext": True}
        second = api.post("/api/processes/flow_form", [{"name": "x"}], format="json")
        assert second.json()["form"]["properties"].keys() == {"size"}
        assert not Process.objects.exists()
        process_id = start(api, "flow_form", [{"name": "x"}, {"size": 3}])
        state = InputState.objects.get(process_id=process_id).input_state
        assert (state["name"], state["size"]) == ("x", 3)

    def test_a_wrong_value_names_the_field_and_starts_nothing(self, api: APIClient) -> None:
        response = api.post("/api/processes/flow_form", [{"name": "x"}, {"size": "big"}], format="json")
        assert response.status_code == 400
        (error,) = response.json()["validation_errors"]
        assert (error["loc"], error["type"], error["input"]) == (["size"], "int_parsing", "big")
        assert not Process.objects.exists()

    def test_an_unexpected_field_is_400(self, api: APIClient) -> None:
        """Conformance 16."""
        response = api.post("/api/processes/flow_form", [{"name": "x", "colour": "red"}], format="json")
        assert response.status_code == 400
        assert response.json()["validation_errors"][0]["loc"] == ["colour"]

    def test_more_pages_than_the_form_has(self, api: APIClient) -> None:
        response = api.post("/api/processes/flow_form", [{"name": "x"}, {"size": 3}, {}], format="json")
        assert (response.status_code, response.json()["type"]) == (500, "FormOverflowError")
        assert api.post("/api/processes/flow_form", [{}] * 1001, format="json").status_code == 400

    def test_an_unknown_workflow_is_404(self, api: APIClient) -> None:
        for name in ("nobody_knows", str(uuid4())):
            response = api.post(f"/api/processes/{name}", [{}], format="json")
            assert (response.status_code, response.json()["detail"]) == (404, "Workflow does not exist")

    def test_a_predicate_that_fails_is_412_with_its_message(self, api: APIClient) -> None:
        """Conformance 106, over REST."""
        response = api.post("/api/processes/flow_predicate", [{}], format="json")
        assert (response.status_code, response.json()["detail"]) == (412, "Not before the maintenance window")
        assert response.json()["title"] == "Precondition Failed"

    def test_a_paused_engine_is_503(self, api: APIClient) -> None:
        """Conformance 10."""
        pause_engine()
        response = api.post("/api/processes/flow_plain", [{}], format="json")
        assert response.status_code == 503
        detail = "Engine is locked cannot accept changes on processes at this time"
        assert response.json() == {"detail": detail, "status": 503, "title": "Service Unavailable"}

    def test_who_started_it_is_recorded(self, api: APIClient, open_api: APIClient, settings: Any) -> None:
        """Conformance 28."""
        assert Process.objects.get(pk=start(open_api, "flow_plain")).created_by == "SYSTEM"
        settings.OAUTH2_ACTIVE = True
        assert Process.objects.get(pk=start(api, "flow_plain")).created_by == "alice"
        assert Process.objects.get(pk=start(api, "flow_plain", reporter="carol")).created_by == "carol"

    def test_reporting_as_another_is_logged(self, api: APIClient, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, "workflows.api.request"):
            start(api, "flow_plain", reporter="carol")
        assert "alice" in caplog.text
        assert "carol" in caplog.text

    def test_a_reporter_of_more_than_100_characters_is_422(self, api: APIClient) -> None:
        response = api.post("/api/processes/flow_plain?reporter=" + "x" * 101, [{}], format="json")
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["query", "reporter"]

    def test_an_idempotency_key_starts_once(self, api: APIClient) -> None:
        def post(key: str, pages: Any) -> Any:
            return api.post("/api/processes/flow_form", pages, format="json", headers={"Idempotency-Key": key})

        pages = [{"name": "x"}, {"size": 3}]
        first, again = post("key-1", pages), post("key-1", pages)
        assert first.status_code == again.status_code == 201
        assert first.json() == again.json()
        assert Process.objects.count() == 1
        other = post("key-1", [{"name": "y"}, {"size": 3}])
        assert (other.status_code, other.json()["field"]) == (409, "Idempotency-Key")
        assert post("x" * 256, pages).status_code == 422


class TestShow:
    def test_one_that_waits_for_input(self, api: APIClient) -> None:
        """Conformance 1, 11, 12."""
        process_id = start(api, "flow_ask")
        shown = api.get(url(process_id)).json()
        assert shown.keys() == ProcessSchema.model_fields.keys()
        ProcessSchema.model_validate(shown)
        assert (shown["last_status"], shown["assignee"]) == ("suspended", "CHANGES")
        assert all(step.keys() == ProcessStepSchema.model_fields.keys() for step in shown["steps"])
        assert [(step["name"], step["status"]) for step in shown["steps"]] == [
            ("Start", "success"),
            ("Ask", "suspend"),
            ("Ask", "pending"),
            ("Work", "pending"),
            ("Done", "pending"),
        ]
        assert isinstance(shown["steps"][0]["completed"], float)
        form = shown["form"]
        assert (form["title"], form["type"], form["additionalProperties"]) == ("unknown", "object", False)
        assert form["required"] == ["generic_select"]
        assert form["$defs"]["GenericSelect"]["enum"] == ["A", "B", "C"]
        assert shown["why"]

    def test_list_and_detail_say_the_same(self, api: APIClient) -> None:
        # Linked first, and not the one that any list of subscriptions has first.
        subscriptions = [
            make_subscription(make_product(name), customer_id=name, start_date=START + timedelta(days=day))
            for name, day in (("Node", 1), ("Port", 2), ("Line", 0))
        ]
        process = make_process(*subscriptions, note="x")
        (listed,) = api.get("/api/processes/").json()
        shown = api.get(url(process.pk)).json()
        differing = {"steps", "current_state", "form"}
        assert {key: shown[key] for key in listed if key not in differing} == {
            key: value for key, value in listed.items() if key not in differing
        }
        assert (shown["product_id"], shown["customer_id"]) == (str(subscriptions[0].product_id), "Node")

    def test_what_its_steps_have_started_is_named(self, api: APIClient) -> None:
        """PAR-03: the tree, from above and from below."""
        parent = make_process(last_status="waiting")
        path = path_below("", Part("Both", 0))
        part = make_process(
            parent=parent, kind="branch", branch_key=path, branch_name="Ams", parent_seq=2, last_status="failed"
        )
        path = path_below("", Part("Run inner", 0, is_workflow=True))
        started = make_process(
            parent=parent, branch_key=path, branch_name="inner", parent_seq=3, workflow=make_workflow("inner")
        )
        make_process(parent=parent, kind="undo")
        assert api.get(url(parent.pk)).json()["children"] == [
            {
                "process_id": str(part.pk),
                "kind": "branch",
                "name": "Ams",
                "step": "Both",
                "workflow_name": "modify_note",
                "last_status": "failed",
            },
            {
                "process_id": str(started.pk),
                "kind": "process",
                "name": "inner",
                "step": "Run inner",
                "workflow_name": "inner",
                "last_status": "completed",
            },
        ]
        for child in (part, started):
            shown = api.get(url(child.pk)).json()
            assert (shown["parent_process_id"], shown["children"]) == (str(parent.pk), [])

    def test_an_unknown_one_is_404(self, api: APIClient) -> None:
        """Conformance 3."""
        wanted = uuid4()
        response = api.get(url(wanted))
        assert response.json() == {
            "detail": f"Process with process_id {wanted} not found",
            "status": 404,
            "title": "Not Found",
        }

    def test_the_number_of_statements_does_not_grow_with_steps_and_subscriptions(self, api: APIClient) -> None:
        def statements(process_id: UUID) -> int:
            with CaptureQueriesContext(connection) as captured:
                assert api.get(url(process_id)).status_code == 200
            return len(captured)

        small = make_process(make_subscription()).pk
        big = make_process(make_subscription(), make_subscription(), make_subscription()).pk
        assert statements(small) == statements(big)


class TestResume:
    def test_a_valid_choice_completes_it(self, api: APIClient) -> None:
        """Conformance 14, 20."""
        process_id = start(api, "flow_ask")
        response = api.put(url(process_id, "/resume"), [{"generic_select": "A"}], format="json")
        assert (response.status_code, response.content) == (204, b"")
        run_until_idle()
        assert status_of(process_id) == "completed"
        assert ("Ask", "success") in rows_of(process_id)

    def test_an_object_is_one_page(self, api: APIClient) -> None:
        process_id = start(api, "flow_ask")
        assert api.put(url(process_id, "/resume"), {"generic_select": "B"}, format="json").status_code == 204

    @pytest.mark.parametrize("value", [123, "D"])
    def test_a_wrong_choice_is_400_and_changes_nothing(self, api: APIClient, value: object) -> None:
        """Conformance 13, 19."""
        process_id = start(api, "flow_ask")
        before = api.get(url(process_id)).json()
        response = api.put(url(process_id, "/resume"), [{"generic_select": value}], format="json")
        assert response.status_code == 400
        (error,) = response.json()["validation_errors"]
        assert (error["type"], error["loc"], error["input"]) == ("enum", ["generic_select"], value)
        assert error["msg"] == "Input should be 'A', 'B' or 'C'"
        assert error["ctx"]["expected"] == "'A', 'B' or 'C'"
        assert error["url"].startswith("https://errors.pydantic.dev/")
        assert api.get(url(process_id)).json() == before

    def test_a_missing_page_is_asked_for(self, api: APIClient) -> None:
        process_id = start(api, "flow_ask")
        response = api.put(url(process_id, "/resume"), [{}], format="json")
        assert response.status_code == 400
        assert response.json()["validation_errors"][0]["type"] == "missing"

    @pytest.mark.parametrize("body", [b"[]", b"{}", b"[{}]", b"null", b'{"anything": 1}', b'[{"anything": 1}]'])
    def test_a_failed_step_is_tried_again_whatever_is_sent(
        self, api: APIClient, send: Callable[..., Any], body: bytes
    ) -> None:
        process_id = start(api, "flow_fail")
        assert status_of(process_id) == "failed"
        assert send("put", url(process_id, "/resume"), body).status_code == 204
        assert status_of(process_id) == "resumed"
        run_until_idle()
        assert status_of(process_id) == "failed"

    def test_nothing_and_a_bare_value_are_422(self, api: APIClient, send: Callable[..., Any]) -> None:
        process_id = start(api, "flow_fail")
        for body in (b"", b"7", b'"text"', b"[1]"):
            assert send("put", url(process_id, "/resume"), body).status_code == 422
        assert status_of(process_id) == "failed"

    def test_an_unknown_one_is_404_whatever_is_sent(self, api: APIClient) -> None:
        """Conformance 18."""
        for body in ({}, [{}], "x"):
            assert api.put(url(uuid4(), "/resume"), body, format="json").status_code == 404

    @pytest.mark.parametrize("status", ["created", "running", "aborted", "completed"])
    def test_one_that_cannot_go_on_is_409(self, api: APIClient, status: str) -> None:
        """Conformance 21."""
        process = make_process(last_status=status)
        response = api.put(url(process.pk, "/resume"), [{}], format="json")
        assert response.status_code == 409
        assert response.json()["detail"] == f"Resuming a {status} workflow is not possible"
        assert status_of(process.pk) == status
        assert rows_of(process.pk) == []

    def test_a_paused_engine_is_503(self, api: APIClient) -> None:
        process_id = start(api, "flow_ask")
        pause_engine()
        assert api.put(url(process_id, "/resume"), [{"generic_select": "A"}], format="json").status_code == 503
        assert status_of(process_id) == "suspended"


class TestAbort:
    def test_it_ends_the_process(self, api: APIClient) -> None:
        """Conformance 15."""
        process_id = start(api, "flow_ask")
        response = api.put(url(process_id, "/abort"), query_params={"reporter": "carol"})
        assert (response.status_code, response.content) == (204, b"")
        assert status_of(process_id) == "aborted"
        last = api.get(url(process_id)).json()["steps"][2]
        assert (last["name"], last["status"], last["created_by"]) == ("User Aborted", "abort", "carol")
        # It leaves the state where it was.
        assert (last["state"]["workflow_name"], last["state_delta"]) == ("flow_ask", {})

    def test_an_unknown_one_is_404_and_an_ended_one_409(self, api: APIClient) -> None:
        assert api.put(url(uuid4(), "/abort")).status_code == 404
        assert api.put(url(make_process().pk, "/abort")).status_code == 409

    def test_it_is_possible_while_the_engine_is_paused(self, api: APIClient) -> None:
        process_id = start(api, "flow_ask")
        pause_engine()
        assert api.put(url(process_id, "/abort")).status_code == 204


class TestRelease:
    def test_it_lets_one_try_again_that_took_its_worker_down(self, api: APIClient) -> None:
        process_id = start(api, "flow_ask")
        Process.every.filter(pk=process_id).update(last_status="running", lost_claims=3, held_because="it kills")
        response = api.put(url(process_id, "/release"), query_params={"reporter": "carol"})
        assert (response.status_code, response.content) == (204, b"")
        assert Process.every.filter(pk=process_id, held_because__isnull=True, lost_claims=2).exists()

    def test_an_unknown_one_is_404_and_one_that_is_not_held_409(self, api: APIClient) -> None:
        assert api.put(url(uuid4(), "/release")).status_code == 404
        process = make_process(last_status="created", held_because="waits for approval")
        response = api.put(url(process.pk, "/release"))
        assert response.status_code == 409
        assert "waits for approval" in response.json()["detail"]

    def test_a_paused_engine_is_503(self, api: APIClient) -> None:
        process = make_process(last_status="running", lost_claims=3, held_because="it kills")
        pause_engine()
        assert api.put(url(process.pk, "/release")).status_code == 503


class TestNote:
    def test_it_is_set_replaced_and_cleared(self, api: APIClient) -> None:
        """Conformance 41."""
        process = make_process(make_subscription())
        for note in ("x", "y", None):
            response = api.patch(url(process.pk), {"note": note}, format="json")
            assert response.status_code == 200
            assert response.json()["note"] == note
            assert response.json()["steps"] is None
            process.refresh_from_db()
            assert process.note == note

    def test_a_key_that_is_absent_changes_nothing(self, api: APIClient) -> None:
        process = make_process(note="x")
        assert api.patch(url(process.pk), {}, format="json").json()["note"] == "x"

    def test_no_other_field_can_be_written(self, api: APIClient) -> None:
        process = make_process(note="x")
        columns = [field.attname for field in Process._meta.concrete_fields if field.attname != "note"]
        before = Process.every.filter(pk=process.pk).values(*columns).get()
        values = dict.fromkeys(columns, "completed")
        api.patch(url(process.pk), values, format="json")
        assert Process.every.filter(pk=process.pk).values(*columns).get() == before

    def test_too_long_is_422_and_unknown_404(self, api: APIClient) -> None:
        response = api.patch(url(make_process().pk), {"note": "x" * 5001}, format="json")
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["body", "note"]
        assert api.patch(url(uuid4()), {"note": "x"}, format="json").status_code == 404
        assert api.patch(url(uuid4()), {}, format="json").status_code == 404


class TestDelete:
    def test_only_tasks_can_be_deleted(self, staff_api: APIClient) -> None:
        """Conformance 4, 5, 6."""
        task, process = make_process(is_task=True), make_process()
        refused = staff_api.delete(url(process.pk))
        assert (refused.status_code, refused.json()["title"]) == (400, "Bad Request")
        assert Process.objects.count() == 2
        assert staff_api.delete(url(task.pk)).status_code == 204
        assert list(Process.objects.values_list("pk", flat=True)) == [process.pk]
        assert staff_api.delete(url(task.pk)).status_code == 404

    def test_its_history_goes_with_it_and_its_subscription_stays(self, staff_api: APIClient) -> None:
        """Conformance 198."""
        process_id, subscription = start(staff_api, "flow_task"), make_subscription()
        Process.objects.get(pk=process_id).subscriptions.add(subscription)
        kept = make_process(subscription)
        parts = (ProcessStep, InputState, ProcessSubscription)
        assert all(part.objects.filter(process_id=process_id).exists() for part in parts)
        assert staff_api.delete(url(process_id)).status_code == 204
        assert not any(part.objects.filter(process_id=process_id).exists() for part in parts)
        assert list(subscription.processes.all()) == [kept]

    def test_only_staff_may(self, api: APIClient, open_api: APIClient, settings: Any) -> None:
        task = make_process(is_task=True)
        assert open_api.delete(url(make_process(is_task=True).pk)).status_code == 204
        settings.OAUTH2_ACTIVE = True
        refused = api.delete(url(task.pk))
        assert (refused.status_code, refused.json()["detail"]) == (403, "Only staff may delete tasks")
        assert Process.objects.filter(pk=task.pk).exists()

    @pytest.mark.parametrize("status", ["created", "running", "resumed"])
    def test_one_that_runs_is_409(self, staff_api: APIClient, status: str) -> None:
        task = make_process(is_task=True, last_status=status)
        assert staff_api.delete(url(task.pk)).status_code == 409
        assert Process.objects.filter(pk=task.pk).exists()

    def test_what_it_has_started_stays(self, staff_api: APIClient) -> None:
        """It is the history of subscriptions; only the parts of the task itself go with it."""
        task = make_process(is_task=True)
        started = make_process(parent=task, root_id=task.pk, parent_seq=2)
        part = make_process(parent=task, root_id=task.pk, kind="branch", parent_seq=3)
        started_by_part = make_process(parent=part, root_id=task.pk, parent_seq=2, last_status="aborted")
        started_by_started = make_process(parent=started, root_id=task.pk, parent_seq=2)
        assert staff_api.delete(url(task.pk)).status_code == 204
        left = dict(Process.every.order_by("process_id").values_list("pk", "parent_id"))
        assert left == {started.pk: None, started_by_part.pk: None, started_by_started.pk: started.pk}

    def test_not_while_a_part_of_it_runs(self, staff_api: APIClient) -> None:
        task = make_process(is_task=True, last_status="waiting", wait_kind="children")
        part = make_process(parent=task, root_id=task.pk, kind="branch", parent_seq=2, last_status="running")
        assert staff_api.delete(url(task.pk)).status_code == 409
        Process.every.filter(pk=part.pk).update(last_status="suspended")
        assert staff_api.delete(url(task.pk)).status_code == 204
        assert not Process.every.exists()


def test_a_session_started_elsewhere_is_named_by_its_user(api: APIClient, alice: User) -> None:
    process_id = start(api, "flow_task")
    assert Process.objects.get(pk=process_id).is_task
    assert Process.objects.get(pk=process_id).created_by == alice.username
