"""What people may change in the catalogue: descriptions and statuses. Everything else follows code."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db import transaction

from products.enums import ProductLifecycle
from products.models import Product, ProductBlock, ResourceType, Workflow
from wfo_site.common.clock import now
from wfo_site.common.errors import DomainError, NotFound

DESCRIPTION_LENGTH = 2000

D = TypeVar("D", ProductBlock, ResourceType, Workflow)


class ProductInUse(DomainError):
    """A product cannot be ended while subscriptions of it live."""

    code = "product_in_use"


class InvalidDescription(DomainError):
    """A description is empty or too long."""

    code = "invalid_description"


@transaction.atomic
def edit_product(
    *, product_id: UUID, description: str | None = None, status: ProductLifecycle | None = None
) -> Product:
    """Change what is given and return the product. Raises NotFound, InvalidDescription and ProductInUse.

    The row is locked, so that nobody orders the product while it is being ended.
    """
    product = Product.objects.select_for_update().filter(pk=product_id).first()
    if product is None:
        raise NotFound(f"Product with product_id {product_id} not found")
    changed = []
    if description is not None:
        product.description = _checked(description)
        changed.append("description")
    if status is not None and status != product.status:
        if status == ProductLifecycle.END_OF_LIFE:
            refuse_while_subscribed(product)
        product.status = status
        product.end_date = now() if status == ProductLifecycle.END_OF_LIFE else None
        changed += ["status", "end_date"]
    if changed:
        product.save(update_fields=changed)
    return product


def refuse_while_subscribed(product: Product) -> None:
    """Raise ProductInUse when a subscription of the product is not terminated."""
    # By name: subscriptions are a layer above, and this is all that the catalogue asks of them.
    living = product.subscriptions.exclude(status="terminated").count()
    if living:
        raise ProductInUse(
            f"Product {product.name} cannot be set to end of life: {living} of its subscriptions are "
            "not in terminated state; terminate them first",
            field="status",
        )


def edit_description(table: type[D], pk: UUID, description: str) -> D:
    """Change the description of a block, resource type or workflow. Raises NotFound and InvalidDescription."""
    row = table._default_manager.filter(pk=pk).first()
    if row is None:
        raise NotFound(f"{str(table._meta.verbose_name).capitalize()} with id {pk} not found")
    row.description = _checked(description)
    row.save(update_fields=["description"])
    return row


def _checked(description: str) -> str:
    text = description.strip()
    if not text or len(text) > DESCRIPTION_LENGTH:
        raise InvalidDescription(
            f"A description has 1 to {DESCRIPTION_LENGTH} characters, this one {len(text)}", field="description"
        )
    return text
