"""Load a block within the subscription that owns it, so that what is changed in the block can be saved."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from subscriptions.domain.base import DomainModel, fields_of
from subscriptions.domain.blocks import ProductBlockModel
from subscriptions.domain.subscription import SubscriptionModel


def load_owned_block(subscription_instance_id: UUID, subscription_id: UUID) -> ProductBlockModel:
    """Load a subscription and return one of its blocks; a step that returns the block has the subscription saved.

    At most 5 statements. Raises SubscriptionNotFound, and ValueError when the subscription has no such block any more.
    """
    subscription = SubscriptionModel.from_subscription(subscription_id)
    found = next(
        (block for block in _held(subscription) if block.subscription_instance_id == subscription_instance_id), None
    )
    if found is None:
        raise ValueError(f"Subscription {subscription_id} has no block {subscription_instance_id} any more")
    found._saved_with = subscription
    return found


def _held(model: DomainModel) -> Iterator[ProductBlockModel]:
    """Go through all blocks below a model, those of other subscriptions too."""
    for name, field in fields_of(type(model)).blocks.items():
        for block in field.items(getattr(model, name)):
            yield block
            yield from _held(block)
