"""The whole first form of a workflow: the pages that its kind puts first, then its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator

from products.enums import Target
from products.models import Workflow as WorkflowRow
from subscriptions.models import Subscription
from wfo_site.common.errors import StaleData
from workflows.engine.form_pages import form_pages
from workflows.engine.registry import Workflow
from workflows.engine.steps import State
from workflows.forms import Choice, FormGenerator, FormPage
from workflows.selectors.allowed import reason_text, workflow_reason

CANNOT_BE_STARTED = "This workflow cannot be started"


def initial_form(
    workflow: Workflow, row: WorkflowRow, *, root_id: UUID | None = None
) -> Callable[[State], FormGenerator]:
    """Return the generator of all pages of a start. `root_id`: of the process to be, where it is a part of another."""
    own = workflow.initial_input_form or _empty_form
    match workflow.target:
        case Target.CREATE:
            first = partial(_product_page, row)
        case Target.MODIFY | Target.TERMINATE | Target.VALIDATE | Target.RECONCILE:
            first = partial(_subscription_page, row, root_id)
        case _:
            return lambda state: form_pages(own, state)

    def pages(state: State) -> FormGenerator:
        begin = yield from first()
        result = yield from form_pages(own, {**state, **begin})
        return {**begin, **result}

    return pages


def with_implied_page(workflow: Workflow, inputs: list[State]) -> list[State]:
    """Return the pages of a start, the empty last one added where it is left out.

    Programs answer the page that the kind puts first and nothing else: the empty page behind it is there for people,
    who confirm a start.
    """
    has_first_page = workflow.target is not Target.SYSTEM
    if workflow.initial_input_form is None and has_first_page and len(inputs) == 1:
        return [*inputs, {}]
    return inputs


def _empty_form() -> type[FormPage]:
    """Ask for nothing, on a page of its own: a start is confirmed even where there is nothing to fill in."""

    class Empty(FormPage):
        pass

    return Empty


def _product_page(row: WorkflowRow) -> FormGenerator:
    products = {str(product.product_id): product for product in row.products.order_by("name")}
    choices = Choice("Product", [(key, (key, product.name)) for key, product in products.items()])  # type: ignore[arg-type]

    class ProductPage(FormPage):
        model_config = ConfigDict(title="Product")

        product: Annotated[choices, Field(json_schema_extra={"format": "productId"})]  # type: ignore[valid-type]

        @field_validator("product")
        @classmethod
        def is_for_this_product(cls, value: Any) -> Any:
            first = products[str(value.value)].workflows.filter(target=Target.CREATE, deleted_at__isnull=True)
            if first.order_by("name").values_list("pk", flat=True).first() != row.pk:
                raise ValueError("This workflow is not valid for this product")
            return value

    page = yield ProductPage
    chosen = products[str(page.product.value)]
    return {"product": str(chosen.product_id), "product_name": chosen.name}


def _subscription_page(row: WorkflowRow, root_id: UUID | None) -> FormGenerator:
    class SubscriptionPage(FormPage):
        model_config = ConfigDict(title="Subscription")

        subscription_id: UUID
        version: int | None = None

        @field_validator("subscription_id")
        @classmethod
        def may_start(cls, value: UUID) -> UUID:
            subscription = Subscription.objects.select_related("product").filter(pk=value).first()
            if subscription is None:
                raise ValueError("Subscription not found")
            if not subscription.product.workflows.filter(pk=row.pk).exists():
                raise ValueError("This workflow is not valid for this subscription")
            if reason := workflow_reason(subscription, row, root_id=root_id):
                raise ValueError(f"{CANNOT_BE_STARTED}: {reason_text(reason)}")
            return value

        @model_validator(mode="after")
        def is_current(self) -> SubscriptionPage:
            current = Subscription.objects.values_list("version", flat=True).get(pk=self.subscription_id)
            if self.version is not None and self.version != current:
                raise StaleData(self.version, current)
            return self

    page = yield SubscriptionPage
    subscription = Subscription.objects.get(pk=page.subscription_id)
    return {
        "subscription_id": str(subscription.subscription_id),
        "product": str(subscription.product_id),
        "customer_id": subscription.customer_id,
        "version": subscription.version,
    }
