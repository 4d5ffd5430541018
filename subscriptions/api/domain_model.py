"""A subscription with all of its blocks, as the API shows it."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from subscriptions.domain.base import DomainModel, fields_of
from subscriptions.domain.blocks import ProductBlockModel
from subscriptions.domain.subscription import SubscriptionModel
from subscriptions.models import SubscriptionCustomerDescription
from wfo_site.common.json import to_json


def domain_model_row(model: SubscriptionModel, *, filter_owner_relations: bool) -> dict[str, Any]:
    """Return a SubscriptionDomainModelSchema with each fixed input and block under its own key. One statement.

    Every block says which instances use it: `in_use_by_ids` and `in_use_by_relations`; with `filter_owner_relations`
    those that are part of this very answer are left out, as its nesting shows them already.
    """
    own = {block.subscription_instance_id for block in _blocks_below(model)} if filter_owner_relations else set()
    return {
        **_without_blocks(model, SubscriptionModel),
        **_blocks_of(model, own),
        "subscription_id": model.subscription_id,
        "start_date": model.start_date,
        "description": model.description,
        "status": model.status.value,
        "product_id": model.product.product_id,
        "customer_id": model.customer_id,
        "insync": model.insync,
        "note": model.note,
        "name": None,
        "end_date": model.end_date,
        "product": model.product.model_dump(),
        "customer_descriptions": _customer_descriptions(model.subscription_id),
        "tag": model.product.tag,
        "version": model.version,
    }


def _customer_descriptions(subscription_id: UUID) -> list[dict[str, Any]]:
    columns = ("id", "subscription_id", "customer_id", "description", "created_at", "version")
    rows = SubscriptionCustomerDescription.objects.filter(subscription_id=subscription_id)
    return list(rows.order_by("customer_id").values(*columns))


def _without_blocks(model: DomainModel, base: type[DomainModel]) -> dict[str, Any]:
    """Return values and computed fields as JSON: all that a model adds to `base`, but its blocks."""
    hidden = set(fields_of(type(model)).blocks) | set(base.model_fields)
    return model.model_dump(mode="json", exclude=hidden, fallback=to_json, warnings="none")


def _blocks_of(model: DomainModel, hidden_users: AbstractSet[UUID]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name in fields_of(type(model)).blocks:
        match getattr(model, name):
            case ProductBlockModel() as block:
                shown[name] = _block(block, hidden_users)
            case list() as blocks:
                shown[name] = [_block(block, hidden_users) for block in blocks]
            case _:
                shown[name] = None
    return shown


def _block(block: ProductBlockModel, hidden_users: AbstractSet[UUID]) -> dict[str, Any]:
    users = [user for user in block.in_use_by if user.subscription_instance_id not in hidden_users]
    return {
        "name": block.name,
        "subscription_instance_id": block.subscription_instance_id,
        "owner_subscription_id": block.owner_subscription_id,
        "label": block.label,
        **_without_blocks(block, ProductBlockModel),
        **_blocks_of(block, hidden_users),
        "in_use_by_ids": [user.subscription_instance_id for user in users],
        "in_use_by_relations": [
            {"subscription_instance_id": user.subscription_instance_id, "subscription_id": user.subscription_id}
            for user in users
        ],
    }


def _blocks_below(model: DomainModel) -> Iterator[ProductBlockModel]:
    for name in fields_of(type(model)).blocks:
        value = getattr(model, name)
        for block in value if isinstance(value, list) else [value]:
            if isinstance(block, ProductBlockModel):
                yield block
                yield from _blocks_below(block)
