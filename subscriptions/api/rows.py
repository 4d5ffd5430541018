"""Subscriptions as the API shows them inside of other answers."""

from __future__ import annotations

from typing import Any

from products.api.rows import product_base_row
from subscriptions.models import Subscription, SubscriptionCustomerDescription


def subscription_row(subscription: Subscription) -> dict[str, Any]:
    """Return a SubscriptionSchema; no statement if the product is loaded."""
    return {
        "subscription_id": subscription.subscription_id,
        "start_date": subscription.start_date,
        "description": subscription.description,
        "status": subscription.status,
        "product_id": subscription.product_id,
        "customer_id": subscription.customer_id,
        "insync": subscription.insync,
        "note": subscription.note,
        "name": None,
        "end_date": subscription.end_date,
        "product": product_base_row(subscription.product),
        "customer_descriptions": None,
        "tag": subscription.product.tag,
        "version": subscription.version,
    }


def description_row(row: SubscriptionCustomerDescription) -> dict[str, Any]:
    """Return a SubscriptionDescriptionSchema."""
    return {
        "id": row.id,
        "subscription_id": row.subscription_id,
        "customer_id": row.customer_id,
        "description": row.description,
        "created_at": row.created_at,
        "version": row.version,
    }
