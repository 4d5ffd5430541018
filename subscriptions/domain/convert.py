"""Carry the data of a model over to the class of another lifecycle status."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from subscriptions.domain.base import DomainModel, fields_of
from subscriptions.domain.blocks import ProductBlockModel
from subscriptions.domain.fields import BlockField
from subscriptions.domain.lifecycle import lookup_specialized_type
from subscriptions.enums import SubscriptionLifecycle

B = TypeVar("B", bound=ProductBlockModel)


class Converter:
    """Converts the blocks that one subscription owns. A block reached on several ways stays one object."""

    def __init__(self, subscription_id: UUID, status: SubscriptionLifecycle) -> None:
        self._subscription_id = subscription_id
        self._status = status
        self._done: dict[tuple[UUID, type[ProductBlockModel]], ProductBlockModel] = {}

    def block(self, other: ProductBlockModel, declared: type[B]) -> B:
        """Return `other` in its class for the new status, at least a `declared`. Raises ValidationError."""
        cls: type[Any] = lookup_specialized_type(type(other), self._status)
        if not issubclass(cls, declared):
            # A model more constrained than its status asks the same of the blocks in it.
            cls = declared
        identity = (other.subscription_instance_id, cls)
        if identity not in self._done:
            self._done[identity] = self._rebuild(other, cls)
        return self._done[identity]  # type: ignore[return-value]

    def data(self, other: DomainModel, cls: type[DomainModel]) -> dict[str, Any]:
        """Return what `other` knows of the attributes of `cls`, its blocks converted."""
        fields = fields_of(cls)
        known = type(other).model_fields
        data = {name: getattr(other, name) for name in fields.values if name in known}
        for name, field in fields.blocks.items():
            if name in known:
                data[name] = self._attribute(field, getattr(other, name))
        return data

    def _attribute(self, field: BlockField, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, list):
            return [self._item(field, item) for item in value]
        return self._item(field, value)

    def _item(self, field: BlockField, block: ProductBlockModel) -> ProductBlockModel:
        declared = next((cls for cls in field.blocks if block.name in cls.__names__), None)
        if declared is None:
            return block
        if block.owner_subscription_id == self._subscription_id:
            return self.block(block, declared)
        # The shape of a block of another subscription follows that subscription's status, not ours.
        return block if field.accepts(block) else self._rebuild(block, declared)

    def _rebuild(self, other: ProductBlockModel, cls: type[B]) -> B:
        block = cls(
            **{
                **self.data(other, cls),
                "name": other.name,
                "subscription_instance_id": other.subscription_instance_id,
                "owner_subscription_id": other.owner_subscription_id,
                "label": other.label,
            }
        )
        block._stored = other._stored
        return block
