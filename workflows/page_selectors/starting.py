"""What a person may start: products that can be ordered, and tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.db.models import Prefetch
from django.urls import reverse

from products.enums import ProductLifecycle, Target
from products.models import Product, Workflow

STATUSES: Final = tuple(ProductLifecycle.values)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One thing to start: a product by one of its create workflows, or a task.

    `is_one_of_several`: the product has other create workflows, so its name alone does not tell them apart.
    """

    title: str
    description: str
    workflow: Workflow
    product: Product | None = None
    is_one_of_several: bool = False

    @property
    def url(self) -> str:
        url = reverse("workflows:process-start", args=[self.workflow.name])
        return f"{url}?{urlencode({'productId': self.product.pk})}" if self.product else url

    def mentions(self, terms: list[str]) -> bool:
        product = self.product
        words = f"{self.title} {self.description} {self.workflow.name} {self.workflow.description}"
        if product:
            words += f" {product.tag} {product.product_type}"
        return all(term in words.lower() for term in terms)


@dataclass(frozen=True, kw_only=True)
class OfferGroup:
    name: str
    offers: list[Offer]


def orderable_products(text: str = "", status: str = ProductLifecycle.ACTIVE) -> list[OfferGroup]:
    """Return the products with a create workflow, by product type, in 2 queries. `text`: words that must all occur."""
    create = Workflow.objects.filter(target=Target.CREATE, deleted_at=None).order_by("description")
    products = (
        Product.objects.filter(status=status, workflows__target=Target.CREATE, workflows__deleted_at=None)
        .distinct()
        .order_by("product_type", "name")
        .prefetch_related(Prefetch("workflows", queryset=create, to_attr="create_workflows"))
    )
    groups: dict[str, list[Offer]] = {}
    terms = text.lower().split()
    for product in products:
        for workflow in product.create_workflows:
            offer = Offer(
                title=product.name,
                description=product.description,
                workflow=workflow,
                product=product,
                is_one_of_several=len(product.create_workflows) > 1,
            )
            if offer.mentions(terms):
                groups.setdefault(product.product_type, []).append(offer)
    return [OfferGroup(name=name, offers=offers) for name, offers in groups.items()]


def startable_tasks(text: str = "") -> list[OfferGroup]:
    """Return the tasks that people may start by hand, by target, in 1 query."""
    terms = text.lower().split()
    groups: dict[str, list[Offer]] = {}
    for workflow in Workflow.objects.filter(is_task=True, deleted_at=None).order_by("target", "description"):
        title = workflow.description or workflow.name
        offer = Offer(title=title, description=workflow.name, workflow=workflow)
        if offer.mentions(terms):
            groups.setdefault(Target(workflow.target).label, []).append(offer)
    return [OfferGroup(name=name, offers=offers) for name, offers in groups.items()]
