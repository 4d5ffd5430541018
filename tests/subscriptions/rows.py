"""Rows for tests of pages, made with the ORM: no model and no workflow takes part."""

from __future__ import annotations

from typing import Any

from products.models import Product, ProductBlock
from subscriptions.models import (
    Subscription,
    SubscriptionInstance,
    SubscriptionInstanceRelation,
    SubscriptionRevision,
)
from wfo_site.common import clock


def a_product(name: str = "Port 10G", **values: Any) -> Product:
    defaults = {"description": f"A {name}", "product_type": "Port", "tag": "PORT", **values}
    return Product.objects.get_or_create(name=name, defaults=defaults)[0]


def a_subscription(description: str = "Port in Utrecht", **values: Any) -> Subscription:
    """Return an active subscription in sync, started now."""
    values = {"product": values.pop("product", None) or a_product(), "customer_id": "c-1", **values}
    defaults = {"status": "active", "insync": True, "start_date": clock.now()}
    return Subscription.objects.create(description=description, **{**defaults, **values})


def a_block(subscription: Subscription, name: str = "Port", *below: SubscriptionInstance, **values: Any) -> Any:
    """Return an instance of the block `name` that holds the blocks `below`."""
    block = ProductBlock.objects.get_or_create(name=name, defaults={"description": name, "tag": name.upper()})[0]
    instance = SubscriptionInstance.objects.create(subscription=subscription, product_block=block, values=values)
    for order, held in enumerate(below):
        SubscriptionInstanceRelation.objects.create(
            in_use_by=instance, depends_on=held, domain_model_attr="held", order_id=order
        )
    return instance


def a_revision(subscription: Subscription, number: int, *changes: tuple[str, Any, Any], **values: Any) -> None:
    rows = [{"path": path, "old": old, "new": new} for path, old, new in changes]
    defaults = {"created_at": clock.now(), "created_by": "carol"}
    SubscriptionRevision.objects.create(
        subscription=subscription, number=number, changes=rows, **{**defaults, **values}
    )
