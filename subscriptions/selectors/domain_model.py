"""A subscription as programs read it: the whole model as one JSON object, with what uses each of its blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from subscriptions.domain.base import DomainModel, fields_of
from subscriptions.domain.blocks import ProductBlockModel
from subscriptions.domain.subscription import SubscriptionModel
from subscriptions.models import SubscriptionCustomerDescription

Payload = dict[str, Any]


def domain_model_payload(subscription_id: UUID, *, filter_owner_relations: bool = True) -> Payload:
    """Return the model as JSON types, but its own dates and its product's as datetimes. 5 statements.

    Each block also has `in_use_by_ids` and `in_use_by_relations`; unless asked otherwise without the blocks of the
    subscription that owns it. Raises SubscriptionNotFound, ProductNotInRegistryError.
    """
    model = SubscriptionModel.from_subscription(subscription_id)
    payload = model.model_dump(mode="json")
    for name in ("start_date", "end_date"):
        payload[name] = getattr(model, name)
    for name in ("created_at", "end_date"):
        payload["product"][name] = getattr(model.product, name)
    for block, shown in _blocks(model, payload):
        users = [
            user
            for user in block.in_use_by
            if not (filter_owner_relations and user.subscription_id == block.owner_subscription_id)
        ]
        shown["in_use_by_ids"] = [str(user.subscription_instance_id) for user in users]
        shown["in_use_by_relations"] = [
            {
                "subscription_instance_id": str(user.subscription_instance_id),
                "subscription_id": str(user.subscription_id),
            }
            for user in users
        ]
    payload["customer_descriptions"] = customer_descriptions(subscription_id)
    return payload


def customer_descriptions(subscription_id: UUID) -> list[Payload]:
    """Return what customers call the subscription, oldest first. 1 statement."""
    rows = SubscriptionCustomerDescription.objects.filter(subscription_id=subscription_id).order_by("created_at", "pk")
    return [
        {
            "id": str(row["id"]),
            "subscription_id": str(row["subscription_id"]),
            "customer_id": row["customer_id"],
            "description": row["description"],
            "created_at": row["created_at"],
            "version": row["version"],
        }
        for row in rows.values("id", "subscription_id", "customer_id", "description", "created_at", "version")
    ]


def product_block_paths(subscription: SubscriptionModel | Payload) -> list[str]:
    """Return the dotted path of every block, with places in lists as numbers: "circuit", "circuit.legs.0" …"""
    payload = subscription.model_dump() if isinstance(subscription, SubscriptionModel) else subscription
    return list(_paths(payload, ""))


def _paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        if path and "owner_subscription_id" in value:
            yield path
        for key, item in value.items():
            yield from _paths(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, f"{path}.{index}")


def _blocks(model: DomainModel, payload: Payload) -> Iterator[tuple[ProductBlockModel, Payload]]:
    """Go through the blocks of a model and of its dump side by side."""
    for name, field in fields_of(type(model)).blocks.items():
        shown = payload[name]
        for block, part in zip(
            field.items(getattr(model, name)), shown if isinstance(shown, list) else [shown], strict=False
        ):
            # A block in a more exact class than its attribute asks for is dumped as the attribute says.
            yield block, part
            yield from _blocks(block, part) if part.keys() >= fields_of(type(block)).blocks.keys() else ()
