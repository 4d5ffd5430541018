"""The steps that lock a subscription for a process and free it again: who holds it, and who may take it over."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest

from subscriptions.domain import SubscriptionModel
from subscriptions.models import Subscription
from tests.subscriptions.conftest import make_circuit, make_host
from workflows import (
    State,
    StepList,
    SubWorkflow,
    begin,
    done,
    init,
    inputstep,
    modify_workflow,
    parallel,
    parallel_sub_workflows,
    resync,
    step,
    store_process_subscription,
    sub_workflow,
    unsync,
    validate_workflow,
    workflow,
)
from workflows.forms import FormPage, FormValidationError
from workflows.models import Process
from workflows.selectors import process_detail
from workflows.services import abort_process, resume_process

from .conftest import StartOn, StartWorkflow, lock_of, offer, rows
from .plain_steps import LINK, LOCK, UNLOCK, body

pytestmark = pytest.mark.django_db(transaction=True)


@step("Fail")
def fail() -> None:
    raise ValueError("no")


class TestLocks:
    def test_the_lock_is_held_by_the_process_and_the_old_state_kept(self, start_on: StartOn, host: UUID) -> None:
        """Conformance 60."""

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> body >> fail

        process = start_on(modify, host)
        assert process.last_status == "failed"
        assert lock_of(host) == (False, process.pk)
        state = process_detail(process.pk)["current_state"]
        old = state["__old_subscriptions__"][str(host)]
        assert (old["insync"], old["description"]) == (True, "As it was")
        assert state["subscription"]["insync"] is False
        assert list(process.subscriptions.values_list("pk", flat=True)) == [host]

    def test_the_lock_is_given_back_at_the_end(self, start_on: StartOn, host: UUID) -> None:
        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> body

        process = start_on(modify, host)
        assert rows(process) == [
            ("Start", "success"),
            (LINK, "success"),
            (LOCK, "success"),
            ("Body", "success"),
            (UNLOCK, "success"),
            ("Done", "complete"),
        ]
        assert lock_of(host) == (True, None)

    def test_a_second_lock_is_refused_naming_the_owner(
        self, start_on: StartOn, start: StartWorkflow, host: UUID
    ) -> None:
        """Conformance 61."""

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> fail

        first = start_on(modify, host)

        @step("Choose")
        def choose() -> State:
            return {"subscription_id": host}

        @workflow("Lock anyway")
        def lock_anyway() -> StepList:
            return init >> choose >> unsync >> done

        second = start(lock_anyway)
        assert second.last_status == "failed"
        assert "Subscription is already out of sync, cannot continue!" in (second.failed_reason or "")
        assert str(first.pk) in (second.failed_reason or "")
        assert lock_of(host) == (False, first.pk)

    def test_a_start_on_what_is_locked_is_refused_on_its_form(self, start_on: StartOn, host: UUID) -> None:
        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> fail

        start_on(modify, host)
        with pytest.raises(FormValidationError, match="already has a running process"):
            start_on(modify, host)

    @pytest.mark.parametrize("is_held_by_another", [False, True])
    def test_a_part_may_work_on_what_is_related_to_what_its_root_holds(
        self, start_on: StartOn, shop: SimpleNamespace, host: UUID, is_held_by_another: bool
    ) -> None:
        """PAR-06. What another root holds stands in the way, as ever."""
        used = SubscriptionModel.from_subscription(host)
        circuit, other = (make_circuit(shop, [used, make_host(shop)]).subscription_id for _ in range(2))
        Subscription.objects.update(insync=True)

        @modify_workflow("Modify host")
        def modify_host() -> StepList:
            return begin >> body

        @modify_workflow("Modify circuit")
        def modify_circuit() -> StepList:
            return begin >> sub_workflow("Modify its host", "modify_host", [{"subscription_id": str(host)}])

        offer(modify_host)
        if is_held_by_another:
            Subscription.objects.filter(pk=other).update(insync=False, locked_by=uuid4())
        process = start_on(modify_circuit, circuit)
        process.refresh_from_db()
        if is_held_by_another:
            assert process.last_status == "failed"
            assert "some related subscriptions are not insync" in (process.failed_reason or "")
        else:
            assert process.last_status == "completed"
            assert Process.objects.get(parent=process).last_status == "completed"
            assert lock_of(host) == lock_of(circuit) == (True, None)

    @pytest.mark.parametrize("is_in_a_branch", [False, True])
    def test_what_is_started_on_the_same_subscription_leaves_the_lock_to_who_has_it(
        self, start_on: StartOn, host: UUID, is_in_a_branch: bool
    ) -> None:
        """PAR-06. A part that ends must not let others in while its parent works on."""
        seen = []

        @validate_workflow("Validate")
        def validate() -> StepList:
            return begin >> body

        @step("Look")
        def look() -> None:
            seen.append(lock_of(host))

        validated = sub_workflow("Validate", "validate", [{"subscription_id": str(host)}])

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> (parallel("Both", validated, body) if is_in_a_branch else validated) >> look

        offer(validate)
        process = start_on(modify, host)
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert Process.objects.get(workflow__name="validate").last_status == "completed"
        assert seen == [(False, process.pk)]
        assert lock_of(host) == (True, None)

    @pytest.mark.parametrize("first", [0, 1])
    def test_of_two_that_share_a_lock_the_last_gives_it_back(
        self, start: StartWorkflow, host: UUID, first: int
    ) -> None:
        """PAR-06. They were started by one process, so each may work under the lock that the other has taken."""

        @modify_workflow("Ask first")
        def asks() -> StepList:
            return begin >> inputstep("Ask", assignee="NOC")(lambda: FormPage)

        @step("Choose")
        def choose() -> State:
            return {"subscription_id": host}

        @workflow("Only looks")
        def looks() -> StepList:
            ask = inputstep("Ask", assignee="NOC")(lambda: FormPage)
            return init >> choose >> store_process_subscription() >> ask >> done

        page = {"subscription_id": str(host)}
        calls = [SubWorkflow("asks", [page]), SubWorkflow("asks", [page]), SubWorkflow("looks", [{}])]

        @workflow("Both")
        def both() -> StepList:
            return init >> parallel_sub_workflows("Run both", lambda _: calls) >> done

        offer(asks)
        offer(looks)
        root = start(both)
        parts = list(Process.objects.filter(parent=root, workflow__name="asks"))
        assert [part.last_status for part in parts] == ["suspended"] * 2
        resume_process(parts[first].pk, [{}])
        assert Process.objects.get(pk=parts[first].pk).last_status == "completed"
        assert lock_of(host) == (False, root.pk)
        resume_process(parts[1 - first].pk, [{}])
        # The third asks too, but has no lock to give back.
        assert Process.objects.get(parent=root, workflow__name="looks").last_status == "suspended"
        assert lock_of(host) == (True, None)

    def test_a_validation_takes_the_lock_of_what_failed(self, start_on: StartOn, host: UUID) -> None:
        """Conformance 62."""

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> fail

        @validate_workflow("Validate")
        def validate() -> StepList:
            return begin >> body

        first = start_on(modify, host)
        assert lock_of(host) == (False, first.pk)
        assert start_on(validate, host).last_status == "completed"
        assert lock_of(host) == (True, None)

    def test_a_validation_does_not_take_the_lock_of_what_was_set_going_and_left_alone(
        self, start_on: StartOn, start: StartWorkflow, host: UUID
    ) -> None:
        """The lock names the root, which has ended: what it has started has not."""

        @modify_workflow("Ask first")
        def asks() -> StepList:
            return begin >> inputstep("Ask", assignee="NOC")(lambda: FormPage)

        @workflow("Set going")
        def set_going() -> StepList:
            pages = [{"subscription_id": str(host)}]
            return init >> sub_workflow("Start", "asks", pages, wait=False) >> done

        @validate_workflow("Validate")
        def validate() -> StepList:
            return begin >> body

        offer(asks)
        root = start(set_going)
        root.refresh_from_db()
        child = Process.objects.get(parent=root)
        assert (root.last_status, child.last_status, lock_of(host)) == ("completed", "suspended", (False, root.pk))
        refused = start_on(validate, host)
        assert (refused.last_status, refused.last_step) == ("failed", LOCK)
        assert lock_of(host) == (False, root.pk)
        abort_process(child.pk)
        assert start_on(validate, host).last_status == "completed"
        assert lock_of(host) == (True, None)

    def test_only_what_the_own_process_holds_is_freed(
        self, start_on: StartOn, start: StartWorkflow, host: UUID
    ) -> None:
        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> fail

        first = start_on(modify, host)

        @step("Choose")
        def choose() -> State:
            return {"subscription": {"subscription_id": host}}

        @workflow("Unlock anyway")
        def unlock_anyway() -> StepList:
            return init >> choose >> resync >> done

        second = start(unlock_anyway)
        assert second.last_status == "failed"
        assert "locked by" in (second.failed_reason or "")
        assert lock_of(host) == (False, first.pk)
        abort_process(first.pk)
        assert lock_of(host) == (False, first.pk), "an abort keeps the lock"

    def test_the_first_copy_of_a_subscription_stays(self, start_on: StartOn, host: UUID) -> None:
        """Conformance 61."""

        @step("Rename")
        def rename(subscription: SubscriptionModel) -> State:
            subscription.description = "Renamed"
            return {"subscription": subscription}

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> rename >> unsync

        process = start_on(modify, host)
        assert process.last_status == "completed"
        state = process_detail(process.pk)["current_state"]
        assert state["__old_subscriptions__"][str(host)]["description"] == "As it was"
        assert Subscription.objects.get(pk=host).description == "Renamed"

    def test_what_no_longer_fits_its_model_can_still_be_locked(self, start_on: StartOn, host: UUID) -> None:
        """Conformance 61."""
        Subscription.objects.get(pk=host).instances.update(values={})

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> fail

        process = start_on(modify, host)
        assert process.failed_reason == "no"
        state = process_detail(process.pk)["current_state"]
        assert state["__old_subscriptions__"][str(host)]["description"] == "As it was"
