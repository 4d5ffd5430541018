"""Callbacks of workflows and steps, as API clients meet them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from products import registry
from products.models import Workflow as WorkflowRow
from tests.api.flows import ask, check, hand_over, start, status_of, stumble
from tests.api.rows import make_process, make_product, make_subscription, make_workflow
from workflows import (
    AuthContext,
    StepList,
    callback_step,
    done,
    init,
    inputstep,
    modify_workflow,
    register_internal_authorize_callback,
    register_internal_retry_auth_callback,
    step_group,
    workflow,
)
from workflows.builtin import authorization
from workflows.engine.registry import Workflow
from workflows.models import Process

pytestmark = pytest.mark.django_db(transaction=True)


async def only_alice(context: AuthContext) -> bool:
    return context.user is not None and context.user.get_username() == "alice"


def nobody(context: AuthContext) -> bool:
    return False


def everybody(context: AuthContext) -> bool:
    return True


@pytest.fixture
def bob(db: None) -> APIClient:
    client = APIClient()
    client.force_login(User.objects.create_user("bob"))
    return client


@pytest.fixture(autouse=True)
def flows(db: None) -> Iterator[None]:
    with registry.isolated(empty=False):

        @workflow("Ask", authorize_callback=only_alice)
        def flow_ask() -> StepList:
            return init >> ask >> done

        guarded = inputstep("Ask", assignee="NOC", resume_auth_callback=only_alice)(ask.form)

        @workflow("Guarded")
        def flow_guarded() -> StepList:
            return init >> guarded >> done

        @workflow("Fail")
        def flow_fail() -> StepList:
            return init >> step_group("Group", stumble, retry_auth_callback=only_alice) >> done

        @workflow("Deliver", retry_auth_callback=nobody, authorize_callback=only_alice)
        def flow_callback() -> StepList:
            return init >> callback_step("Deliver", hand_over, check) >> done

        @modify_workflow("For alice", authorize_callback=only_alice)
        def flow_modify() -> StepList:
            return StepList()

        @modify_workflow("For nobody", authorize_callback=nobody)
        def flow_modify_nobody() -> StepList:
            return StepList()

        for made in (flow_ask, flow_guarded, flow_fail, flow_callback, flow_modify, flow_modify_nobody):
            _row(made)
        yield


def _row(made: Workflow) -> WorkflowRow:
    return WorkflowRow.objects.create(name=made.name, target=made.target, description=made.name)


def resume(client: APIClient, process_id: UUID, body: Any, **query: str) -> Any:
    return client.put(f"/api/processes/{process_id}/resume", body, format="json", query_params=query)


def test_a_start_is_refused(api: APIClient, bob: APIClient) -> None:
    """Conformance 30; naming somebody else with `?reporter=` changes nothing."""
    response = bob.post("/api/processes/flow_ask?reporter=alice", [{}], format="json")
    assert response.status_code == 403
    assert response.json()["detail"] == "User is not authorized to start 'flow_ask' workflow"
    assert not Process.every.exists()
    assert start(api, "flow_ask")


def test_a_resume_is_refused_before_its_input_is_looked_at(api: APIClient, bob: APIClient) -> None:
    """Conformance 31."""
    process_id = start(api, "flow_guarded")
    for body in ({"generic_select": "A"}, {"generic_select": 1}):
        response = resume(bob, process_id, body, reporter="alice")
        assert response.status_code == 403
        assert response.json()["detail"] == "User is not authorized to resume step"
    assert status_of(process_id) == "suspended"
    assert resume(api, process_id, {"generic_select": "A"}).status_code == 204


def test_a_retry_is_refused(api: APIClient, bob: APIClient) -> None:
    """Conformance 34."""
    process_id = start(bob, "flow_fail")
    response = resume(bob, process_id, {})
    assert response.status_code == 403
    assert response.json()["detail"] == "User is not authorized to retry step"
    assert resume(api, process_id, {}).status_code == 204


def test_a_program_without_login_is_nobody(open_api: APIClient) -> None:
    assert open_api.post("/api/processes/flow_ask", [{}], format="json").status_code == 403
    assert open_api.post("/api/processes/flow_guarded", [{}], format="json").status_code == 201


def test_the_address_of_a_callback_is_for_who_may_resume(api: APIClient, bob: APIClient) -> None:
    process_id = start(api, "flow_callback")
    for client, sees in ((api, True), (bob, False)):
        shown = client.get(f"/api/processes/{process_id}").json()
        assert (f"/api/processes/{process_id}/callback/" in str(shown)) is sees


def test_workflows_that_the_user_may_not_start_say_so(api: APIClient, bob: APIClient) -> None:
    """Conformance 112."""
    product = make_product()
    product.workflows.set(WorkflowRow.objects.filter(name__startswith="flow_modify"))
    free, locked = make_subscription(product), make_subscription(product, insync=False)
    denied = "subscription.insufficient_workflow_permissions"

    def reasons(client: APIClient, pk: UUID) -> dict[str, str | None]:
        found = client.get(f"/api/subscriptions/workflows/{pk}").json()["modify"]
        return {item["name"]: item.get("reason") for item in found}

    assert reasons(api, free.pk) == {"flow_modify": None, "flow_modify_nobody": denied}
    assert reasons(bob, free.pk) == {"flow_modify": denied, "flow_modify_nobody": denied}
    assert set(reasons(bob, locked.pk).values()) == {"subscription.not_in_sync"}


class TestWorkflowsOfTheFramework:
    @pytest.fixture(autouse=True)
    def nothing_registered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(authorization, "_registered", {})

    def test_who_may_start_them_is_said_by_the_installation(self, bob: APIClient, api: APIClient) -> None:
        """Conformance 35; a start that is allowed goes on to ask for its first page."""
        make_workflow("modify_note")
        url = "/api/processes/modify_note"
        register_internal_authorize_callback(only_alice)
        refused = bob.post(url, [], format="json")
        assert refused.status_code == 403
        assert refused.json()["detail"] == "User is not authorized to start 'modify_note' workflow"
        assert api.post(url, [], format="json").status_code == 510
        register_internal_authorize_callback(everybody)
        assert bob.post(url, [], format="json").status_code == 510

    def test_and_who_may_retry_them(self, bob: APIClient) -> None:
        """Conformance 35."""
        process = make_process(workflow=make_workflow("modify_note"), last_status="failed")
        register_internal_retry_auth_callback(nobody)
        assert resume(bob, process.pk, {}).status_code == 403
        register_internal_retry_auth_callback(everybody)
        assert resume(bob, process.pk, {}).status_code == 204
