"""The steps that set a status, link a process or do nothing, and what a step sees of a subscription."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import UUID

import pytest

from subscriptions.domain import SubscriptionModel
from subscriptions.models import Subscription
from tests.subscriptions.conftest import make_host
from workflows import (
    State,
    StepList,
    begin,
    branch,
    done,
    ensure_provisioning_status,
    foreach,
    init,
    modify_workflow,
    obsolete_step,
    parallel,
    set_status,
    step,
    store_process_subscription,
    terminate_workflow,
    workflow,
)
from workflows.models import Process
from workflows.selectors import process_detail

from .conftest import StartOn, StartWorkflow, rows

pytestmark = pytest.mark.django_db(transaction=True)


class TestStatus:
    def test_it_is_set_and_checked(self, start_on: StartOn, host: UUID) -> None:
        seen: list[str] = []

        @step("Look")
        def look(subscription: SubscriptionModel) -> None:
            seen.append(subscription.status.value)

        @terminate_workflow("Terminate")
        def terminate() -> StepList:
            return begin >> look

        assert start_on(terminate, host).last_status == "completed"
        assert seen == ["active"]
        stored = Subscription.objects.get(pk=host)
        assert (stored.status, stored.insync) == ("terminated", True)

    def test_it_is_provisioning_meanwhile(self, start_on: StartOn, host: UUID) -> None:
        """Conformance 67."""
        seen: list[str] = []

        @step("Look")
        def look(subscription: SubscriptionModel) -> None:
            seen.append(Subscription.objects.get(pk=subscription.subscription_id).status)

        @modify_workflow("Modify")
        def modify() -> StepList:
            return ensure_provisioning_status(look)

        process = start_on(modify, host)
        assert process.last_status == "completed"
        assert seen == ["provisioning"]
        assert Subscription.objects.get(pk=host).status == "active"

    def test_an_unknown_one_is_refused_where_it_is_written(self) -> None:
        with pytest.raises(ValueError, match="no status"):
            set_status("no status")


def test_an_obsolete_step_does_nothing(start: StartWorkflow) -> None:
    """Conformance 68."""

    @workflow("Shorter")
    def shorter() -> StepList:
        return init >> obsolete_step >> done

    process = start(shorter)
    assert rows(process)[1] == ("Obsolete step", "success")
    assert process_detail(process.pk)["steps"][1]["state_delta"] == {}


def test_a_step_never_sees_a_live_model(start_on: StartOn, host: UUID) -> None:
    """Conformance 86."""
    seen: list[object] = []

    @step("Return a model")
    def give() -> State:
        model = SubscriptionModel.from_subscription(host)
        return {"model": model, "models": [model], "by_name": {"a": model}}

    @step("Look")
    def look(state: State) -> None:
        seen.extend([state["model"], *state["models"], state["by_name"]["a"]])

    @modify_workflow("Modify")
    def modify() -> StepList:
        return begin >> give >> look

    assert start_on(modify, host).last_status == "completed"
    assert len(seen) == 3
    assert all(type(one) is dict and one["subscription_id"] == str(host) for one in seen)


class TestLinks:
    def test_what_a_branch_works_on_its_process_works_on(
        self, start: StartWorkflow, shop: SimpleNamespace, host: UUID
    ) -> None:
        """Branches are in no list: without this, nobody would find who has changed a subscription."""

        @step("Choose")
        def choose() -> State:
            return {"subscription_id": host}

        @step("Rename")
        def rename(item: str) -> State:
            subscription = SubscriptionModel.from_subscription(item)
            subscription.description = "Renamed"
            return {"subscription": subscription}

        renamed = [str(make_host(shop, name).subscription_id) for name in ("bravo", "charlie")]
        within = parallel("Within", branch("Link", begin >> choose >> store_process_subscription()))

        @workflow("Rename all")
        def rename_all() -> StepList:
            return init >> foreach("Rename each", lambda _: renamed, rename) >> parallel("Link", within) >> done

        process = start(rename_all)
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert {str(pk) for pk in process.subscriptions.values_list("pk", flat=True)} == {*renamed, str(host)}
        for part in Process.every.filter(root_id=process.pk, branch_name__in=renamed):
            assert [str(pk) for pk in part.subscriptions.values_list("pk", flat=True)] == [part.branch_name]
