"""Which workflows may start on a subscription, set_in_sync, and starts that a subscription refuses."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from products.models import ProductBlock, Workflow
from subscriptions.domain import SubscriptionLifecycle
from subscriptions.models import Subscription, SubscriptionInstance, SubscriptionInstanceRelation
from tests.api.rows import make_process, make_product, make_subscription, make_workflow
from workflows import (
    WF_BLOCKED_BY_IN_USE_BY_SUBSCRIPTIONS,
    WF_BLOCKED_BY_PARENTS,
    WF_USABLE_MAP,
    WF_USABLE_WHILE_OUT_OF_SYNC,
)
from workflows.models import Process

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription() -> Subscription:
    product = make_product("Line")
    product.workflows.set(
        [make_workflow(f"{target.lower()}_line", target=target) for target in ("CREATE", "MODIFY", "TERMINATE")]
    )
    return make_subscription(product)


def relate(user: Subscription, used: Subscription) -> None:
    block = ProductBlock.objects.get_or_create(name="Line block", defaults={"description": "A block"})[0]
    instances = [
        SubscriptionInstance.objects.create(subscription=subscription, product_block=block)
        for subscription in (user, used)
    ]
    SubscriptionInstanceRelation.objects.create(in_use_by=instances[0], depends_on=instances[1])


class TestWorkflows:
    @staticmethod
    def get(api: APIClient, subscription: Subscription) -> dict[str, Any]:
        response = api.get(f"/api/subscriptions/workflows/{subscription.pk}")
        assert response.status_code == 200
        shown: dict[str, Any] = response.json()
        return shown

    def test_an_unknown_subscription_is_404(self, api: APIClient) -> None:
        """Conformance 109."""
        assert api.get(f"/api/subscriptions/workflows/{uuid4()}").status_code == 404

    def test_in_sync_there_is_no_reason_but_for_creating(self, api: APIClient, subscription: Subscription) -> None:
        shown = self.get(api, subscription)
        assert shown.keys() == {"create", "modify", "terminate", "system", "validate", "reconcile"}
        assert shown["modify"] == [{"name": "modify_line", "description": "Does modify_line"}]
        assert shown["create"][0]["reason"] == "subscription.no_modify_invalid_status"
        assert shown["create"][0]["usable_when"] == []

    def test_out_of_sync(self, api: APIClient, subscription: Subscription) -> None:
        """Conformance 110."""
        Subscription.objects.filter(pk=subscription.pk).update(insync=False)
        shown = self.get(api, subscription)
        reasons = {shown["reason"], shown["modify"][0]["reason"], shown["terminate"][0]["reason"]}
        assert reasons == {"subscription.not_in_sync"}

    @pytest.mark.parametrize("used", [True, False])
    def test_a_relation_out_of_sync(self, api: APIClient, subscription: Subscription, used: bool) -> None:
        """Conformance 111."""
        other = make_subscription(description="The other one")
        relate(other, subscription) if used else relate(subscription, other)
        assert "reason" not in self.get(api, subscription)
        Subscription.objects.filter(pk=other.pk).update(insync=False)
        shown = self.get(api, subscription)
        assert shown["reason"] == "subscription.relations_not_in_sync"
        assert shown["locked_relations"] == [str(other.pk)]
        (detail,) = shown["locked_relations_detail"]
        assert detail == {"subscription_id": str(other.pk), "subscription_description": "The other one"}

    def test_a_package_may_say_in_which_statuses(
        self, api: APIClient, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Subscription.objects.filter(pk=subscription.pk).update(status="provisioning")
        assert self.get(api, subscription)["modify"][0]["usable_when"] == ["active"]
        monkeypatch.setitem(WF_USABLE_MAP, "modify_line", [SubscriptionLifecycle.PROVISIONING])
        assert "reason" not in self.get(api, subscription)["modify"][0]
        Subscription.objects.filter(pk=subscription.pk).update(status="active")
        assert self.get(api, subscription)["modify"][0]["usable_when"] == ["provisioning"]

    def test_a_package_may_say_whether_users_are_in_the_way(
        self, api: APIClient, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        relate(make_subscription(description="The other one"), subscription)
        in_use = "subscription.no_modify_subscription_in_use_by_others"

        def blocked() -> list[bool]:
            shown = self.get(api, subscription)
            return [shown[target][0].get("reason") == in_use for target in ("modify", "terminate")]

        assert blocked() == [False, True]
        monkeypatch.setitem(WF_BLOCKED_BY_PARENTS, "modify_line", True)
        monkeypatch.setitem(WF_BLOCKED_BY_IN_USE_BY_SUBSCRIPTIONS, "terminate_line", False)
        assert blocked() == [True, False]
        monkeypatch.setitem(WF_BLOCKED_BY_IN_USE_BY_SUBSCRIPTIONS, "modify_line", False)
        assert blocked() == [False, False]

    def test_a_package_may_let_something_start_out_of_sync(
        self, api: APIClient, subscription: Subscription, request: pytest.FixtureRequest
    ) -> None:
        Subscription.objects.filter(pk=subscription.pk).update(insync=False)
        WF_USABLE_WHILE_OUT_OF_SYNC.append("modify_line")
        request.addfinalizer(lambda: WF_USABLE_WHILE_OUT_OF_SYNC.remove("modify_line"))
        shown = self.get(api, subscription)
        assert "reason" not in shown["modify"][0]
        assert shown["terminate"][0]["reason"] == "subscription.not_in_sync"


class TestSetInSync:
    @staticmethod
    def put(api: APIClient, pk: object) -> Any:
        return api.put(f"/api/subscriptions/{pk}/set_in_sync")

    @pytest.mark.parametrize("status", ["completed", "aborted"])
    def test_it_frees_what_an_ended_process_left(self, api: APIClient, status: str) -> None:
        """Conformance 113."""
        process = make_process(last_status=status)
        subscription = make_subscription(insync=False, locked_by=process.pk)
        process.subscriptions.add(subscription)
        response = self.put(api, subscription.pk)
        assert (response.status_code, response.content) == (200, b"null")
        subscription.refresh_from_db()
        assert (subscription.insync, subscription.locked_by) == (True, None)

    def test_a_process_that_may_go_on_refuses_it_and_is_named(self, api: APIClient) -> None:
        """Conformance 113."""
        subscription = make_subscription(insync=False)
        process = make_process(subscription, last_status="failed")
        make_process(subscription, last_status="failed", is_task=True)
        response = self.put(api, subscription.pk)
        assert response.status_code == 422
        assert response.json()["detail"] == (
            f"Subscription {subscription.pk} has still failed processes with id's: ['{process.pk}']"
        )
        subscription.refresh_from_db()
        assert not subscription.insync

    def test_in_sync_already_is_200_and_unknown_404(self, api: APIClient) -> None:
        """Conformance 113."""
        subscription = make_subscription()
        make_process(subscription, last_status="failed")
        assert self.put(api, subscription.pk).status_code == 200
        assert self.put(api, uuid4()).status_code == 404


@pytest.mark.usefixtures("flows")
class TestRefusedStarts:
    """What is wrong is named with its field and reason, and nothing is changed."""

    @pytest.fixture
    def line(self) -> Subscription:
        product = make_product("Line")
        product.workflows.add(Workflow.objects.get(name="flow_modify"))
        return make_subscription(product)

    @staticmethod
    def refused(api: APIClient, **page: Any) -> dict[str, Any]:
        before = list(Subscription.objects.values())
        response = api.post("/api/processes/flow_modify", [page], format="json")
        assert response.status_code == 400, response.content
        assert not Process.objects.exists()
        assert list(Subscription.objects.values()) == before
        (error,) = response.json()["validation_errors"]
        return dict(error)

    def test_an_unknown_subscription(self, api: APIClient) -> None:
        error = self.refused(api, subscription_id=str(uuid4()))
        assert (error["loc"], error["msg"]) == (["subscription_id"], "Subscription not found")

    def test_a_workflow_that_is_not_the_products(self, api: APIClient) -> None:
        other = make_subscription(make_product("Other"))
        error = self.refused(api, subscription_id=str(other.pk))
        assert (error["loc"], error["msg"]) == (
            ["subscription_id"],
            "This workflow is not valid for this subscription",
        )

    def test_one_out_of_sync(self, api: APIClient, line: Subscription) -> None:
        Subscription.objects.filter(pk=line.pk).update(insync=False)
        error = self.refused(api, subscription_id=str(line.pk))
        assert error["loc"] == ["subscription_id"]
        assert error["msg"] == ("This workflow cannot be started: Subscription already has a running process or task")

    @pytest.mark.parametrize("off", [-1, 1])
    def test_a_stale_version(self, api: APIClient, line: Subscription, off: int) -> None:
        """Conformance 29."""
        line.refresh_from_db()
        error = self.refused(api, subscription_id=str(line.pk), version=line.version + off)
        assert error["loc"] == ["__root__"]
        assert error["msg"] == (
            f"Stale data: given version ({line.version + off}) does not match the current version ({line.version})"
        )

    def test_the_current_version_or_none_is_accepted(self, api: APIClient, line: Subscription) -> None:
        """Conformance 29."""
        line.refresh_from_db()
        for page in ({"version": line.version}, {}):
            response = api.post(
                "/api/processes/flow_modify", [{"subscription_id": str(line.pk), **page}, {}], format="json"
            )
            assert response.status_code == 201, response.content

    def test_an_unknown_product(self, api: APIClient) -> None:
        make_product("Line").workflows.add(Workflow.objects.get(name="flow_create"))
        response = api.post("/api/processes/flow_create", [{"product": str(uuid4())}], format="json")
        assert response.status_code == 400
        (error,) = response.json()["validation_errors"]
        assert error["loc"] == ["product"]
        assert error["type"] == "enum"
        assert not Process.objects.exists()
