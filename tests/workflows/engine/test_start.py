"""What a start asks for, what it stores, and when it leaves no process."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from products.models import Workflow as WorkflowRow
from subscriptions.domain import SubscriptionModel
from subscriptions.models import Subscription, SubscriptionRevision
from wfo_site.common.errors import NotFound
from workflows import StepList, begin, done, init, inputstep, modify_workflow, validate_workflow, workflow
from workflows.forms import FormGenerator, FormNotCompleteError, FormPage, FormValidationError
from workflows.models import Process
from workflows.services import resume_process, start_process

from .conftest import StartOn, StartWorkflow
from .plain_steps import body

pytestmark = pytest.mark.django_db(transaction=True)


class TestStart:
    def test_nothing_given_is_one_empty_page_and_an_empty_list_is_none(self, start: StartWorkflow) -> None:
        """Conformance 91."""

        @workflow("Plain")
        def plain() -> StepList:
            return init >> done

        assert start(plain).last_status == "completed"
        with pytest.raises(FormNotCompleteError):
            start_process("plain", [])
        assert start_process("plain", None)
        assert start_process("plain", [{}])

    def test_the_page_of_the_subscription_is_enough_where_there_is_no_form(self, start_on: StartOn, host: UUID) -> None:
        @validate_workflow("Validate")
        def validate() -> StepList:
            return begin

        assert start_on(validate, host).last_status == "completed"
        with pytest.raises(FormNotCompleteError):
            start_process("validate", [])
        assert start_process("validate", [{"subscription_id": str(host)}, {}])

    @pytest.mark.parametrize("is_asked_first", [True, False])
    def test_a_subscription_that_a_form_returns_is_saved(
        self, start_on: StartOn, host: UUID, is_asked_first: bool
    ) -> None:
        def form(subscription_id: UUID) -> FormGenerator:
            class Rename(FormPage):
                name: str

            page = yield Rename
            subscription = SubscriptionModel.from_subscription(subscription_id)
            subscription.description = page.name
            return {"renamed": [subscription]}

        @modify_workflow("Rename", initial_input_form=form if is_asked_first else None)
        def rename() -> StepList:
            return begin >> (body if is_asked_first else inputstep("Rename", assignee="NOC")(form))

        if is_asked_first:
            with pytest.raises(FormNotCompleteError):
                start_on(rename, host)
            process = start_on(rename, host, {"name": "As it is"})
        else:
            process = start_on(rename, host)
            assert Subscription.objects.get(pk=host).description == "As it was"
            resume_process(process.pk, [{"name": "As it is"}], user="bob")
            process.refresh_from_db()
        assert process.last_status == "completed"
        assert Subscription.objects.get(pk=host).description == "As it is"
        revision = SubscriptionRevision.objects.filter(subscription_id=host).latest("number")
        assert (revision.process_id, revision.created_by) == (process.pk, "alice" if is_asked_first else "bob")

    def test_a_workflow_is_linked_with_its_subscription_before_it_runs_and_a_task_is_not(
        self, start_on: StartOn, host: UUID, settings: Any
    ) -> None:
        """Conformance 80, as of 5.5."""
        # Bells reach nobody.
        settings.EXECUTOR = "threadpool"

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin

        @validate_workflow("Validate")
        def validate() -> StepList:
            return begin

        for made, linked in ((modify, [host]), (validate, [])):
            process = start_on(made, host)
            assert process.last_status == "created"
            assert list(process.subscriptions.values_list("pk", flat=True)) == linked

    def test_a_form_that_is_not_passed_leaves_no_process(self, start: StartWorkflow) -> None:
        """Conformance 90."""

        def form() -> type[FormPage]:
            class Ask(FormPage):
                speed: int

            return Ask

        @workflow("Asks", initial_input_form=form)
        def asks() -> StepList:
            return init >> done

        with pytest.raises(FormValidationError):
            start(asks)
        with pytest.raises(FormNotCompleteError):
            start_process("asks", [])
        with pytest.raises(FormValidationError):
            start_process("asks", [{"speed": "fast"}])
        assert not Process.every.exists()

    @pytest.mark.usefixtures("own_registry")
    def test_what_is_not_in_code_does_not_start(self) -> None:
        """Conformance 90."""
        WorkflowRow.objects.create(name="removed_workflow", target="SYSTEM", description="Removed")
        with pytest.raises(NotFound, match="Workflow does not exist"):
            start_process("removed_workflow")
        assert not Process.every.exists()
