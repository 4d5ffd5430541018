"""The lock of a subscription passes to the undo, which puts back what the framework's steps have changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from products.models import Workflow as WorkflowRow
from subscriptions import hooks
from subscriptions import services as subscription_services
from subscriptions.domain import SubscriptionModel
from subscriptions.domain.errors import OutOfSync
from subscriptions.models import Subscription
from tests.subscriptions.conftest import make_host
from wfo_site.common.uuid7 import uuid7
from workflows import StepList, begin, inputstep, modify_workflow, nothing_to_undo, set_status, step
from workflows.builtin.modify_note import modify as modify_note
from workflows.enums import ProcessKind
from workflows.models import Process, ProcessSubscription
from workflows.services import abort_process, resume_process, undo_process
from workflows.services.insync import ProcessesNotEnded, set_subscription_in_sync

from .conftest import StartWorkflow
from .test_races import Side, meet, once
from .undoing import FAILING, flow_of, form, makes, nothing, says, undo

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def host(shop: SimpleNamespace) -> UUID:
    """An active subscription in sync."""
    pk: UUID = make_host(shop).subscription_id
    Subscription.objects.filter(pk=pk).update(insync=True)
    return pk


class TestLock:
    def _failed(self, start: StartWorkflow, host: UUID, *more: Any) -> Process:
        def body() -> StepList:
            steps = begin >> makes("a")
            for one in more:
                steps = steps >> one
            return steps >> says("Stop", undo=nothing_to_undo)

        FAILING.add("Stop")
        flow = modify_workflow("Modify")(body)
        row = WorkflowRow.objects.create(name=flow.name, target=flow.target, description="Modify")
        Subscription.objects.get(pk=host).product.workflows.add(row)
        return start(flow, {"subscription_id": str(host)})

    @staticmethod
    def _lock(host: UUID) -> tuple[bool, UUID | None]:
        return Subscription.objects.values_list("insync", "locked_by").get(pk=host)

    def test_it_is_taken_over_and_freed_in_the_end(self, start: StartWorkflow, host: UUID) -> None:
        process = self._failed(start, host)
        FAILING.add("Undo: Make a")
        failed = undo(process)
        assert self._lock(host) == (False, process.pk)
        assert list(ProcessSubscription.objects.filter(process=failed).values_list("subscription_id", flat=True)) == [
            host
        ]
        with pytest.raises(ProcessesNotEnded):
            set_subscription_in_sync(host)
        FAILING.clear()
        resume_process(failed.pk)
        assert self._lock(host) == (True, None)

    def test_nobody_takes_the_lock_from_one_that_is_at_work(self, start: StartWorkflow, host: UUID) -> None:
        seen = []
        process = self._failed(
            start, host, step("Look", undo=lambda: seen.append(hooks.owner_is_over(process.pk)))(nothing)
        )
        undo(process)
        assert seen == [False]
        assert hooks.owner_is_over(process.pk)

    def test_nobody_takes_it_from_what_an_ended_process_has_started(self, start: StartWorkflow, host: UUID) -> None:
        """It works under the lock of its root, which waited for nobody and has completed."""
        process = self._failed(start, host)
        inner = start(flow_of(inputstep("Ask", assignee="NOC")(form), name="inner"))
        Process.every.filter(pk=inner.pk).update(parent=process, root_id=process.pk)
        abort_process(process.pk)
        assert not hooks.owner_is_over(process.pk)
        abort_process(inner.pk)
        assert hooks.owner_is_over(process.pk)

    def test_nobody_takes_it_over_while_it_is_freed_by_hand(self, start: StartWorkflow, host: UUID) -> None:
        """The one that frees it has seen that no process needs it, and must not free it from one that comes then."""
        process = self._failed(start, host)
        abort_process(process.pk)
        other = uuid7()
        taker = Side(lambda: subscription_services.unsync_unchecked(host, root_id=other))
        with once('SELECT "workflows_process"', lambda: meet(taker)):
            set_subscription_in_sync(host)
        taker.join()
        assert taker.error is None
        assert self._lock(host) == (False, other)

    def test_it_is_kept_where_something_could_not_be_undone(self, start: StartWorkflow, host: UUID) -> None:
        process = self._failed(start, host, says("Tell the customer"))
        assert undo(process).last_status == "completed"
        assert self._lock(host) == (False, process.pk)
        set_subscription_in_sync(host)

    def test_it_is_taken_again_where_it_was_freed_by_hand(self, start: StartWorkflow, host: UUID) -> None:
        process = self._failed(start, host)
        abort_process(process.pk)
        set_subscription_in_sync(host)
        FAILING.add("Undo: Make a")
        undo(process)
        assert self._lock(host) == (False, process.pk)

    def test_another_that_holds_it_stands_in_the_way(self, start: StartWorkflow, host: UUID) -> None:
        process = self._failed(start, host)
        abort_process(process.pk)
        set_subscription_in_sync(host)
        other = start(flow_of(inputstep("Ask", assignee="NOC")(form), name="other"))
        subscription_services.unsync(host, root_id=other.pk)
        with pytest.raises(OutOfSync, match=str(other.pk)):
            undo_process(process.pk)
        assert not Process.every.filter(kind=ProcessKind.UNDO).exists()

    def test_the_status_goes_back_to_what_it_was(self, start: StartWorkflow, host: UUID) -> None:
        process = self._failed(start, host, set_status("terminated"))  # type: ignore[arg-type]
        ended = SubscriptionModel.from_subscription(host)
        assert (ended.status, ended.end_date is None) == ("terminated", False)
        assert undo(process).last_status == "completed"
        restored = SubscriptionModel.from_subscription(host)
        assert (restored.status, restored.end_date, restored.insync) == ("active", None, True)

    def test_a_note_goes_back_to_what_it_was(self, start: StartWorkflow, host: UUID) -> None:
        Subscription.objects.filter(pk=host).update(note="Before")
        given = step("Ask for it", undo=nothing_to_undo)(lambda: {"note": "After"})
        process = self._failed(start, host, given, modify_note)
        assert Subscription.objects.get(pk=host).note == "After"
        assert undo(process).last_status == "completed"
        assert Subscription.objects.get(pk=host).note == "Before"
