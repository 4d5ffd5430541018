"""Build models from loaded rows: each attribute finds its blocks, each block the class for its owner's status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar
from uuid import UUID

from subscriptions.domain.base import DomainModel, fields_of, typed_value
from subscriptions.domain.blocks import ProductBlockModel, block_class
from subscriptions.domain.fields import BlockField
from subscriptions.domain.graph import Graph, Instance, Relation, SubscriptionRow
from subscriptions.domain.lifecycle import lookup_specialized_type
from subscriptions.domain.storage import storage
from subscriptions.enums import SubscriptionLifecycle

B = TypeVar("B", bound=ProductBlockModel)


def load_block(cls: type[B], subscription_instance_id: UUID, status: SubscriptionLifecycle | None) -> B:
    """Load one block. Raises ValueError when there is none of this id, or none of this class."""
    graph = storage().load(instance_ids=[subscription_instance_id])
    instance = graph.instances.get(subscription_instance_id)
    if instance is None:
        raise ValueError(f"Subscription instance with id: {subscription_instance_id}, does not exist")
    if cls.__names__ and instance.product_block.name not in cls.__names__:
        raise ValueError(
            f"Block {subscription_instance_id} is a {instance.product_block.name}, not one of {sorted(cls.__names__)}"
        )
    specialised = lookup_specialized_type(cls, status or instance.subscription.status)
    # A class that says more than the status asks for, or what a generic one holds, stays as it was named.
    block = Hydrator(graph).block(instance, cls if issubclass(cls, specialised) else specialised)
    if not isinstance(block, lookup_specialized_type(cls, instance.subscription.status)):
        raise ValueError(f"{cls} is not valid for status {instance.subscription.status}")
    return block


class Hydrator:
    """Builds the models of one graph. A block reached on several ways is one object."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._built: dict[tuple[UUID, type[ProductBlockModel]], ProductBlockModel] = {}
        self._above: dict[UUID, Instance] = {}

    def subscription_data(self, cls: type[DomainModel], row: SubscriptionRow) -> dict[str, Any]:
        """Return the attributes that `cls` declares: fixed inputs from the product, blocks from the graph."""
        fields = fields_of(cls)
        roots = [Relation(root.root_attr, root.root_order, root) for root in self._graph.roots(row.subscription_id)]
        data = self._blocks(list(fields.blocks.values()), roots)
        for name, field in fields.values.items():
            if field.key in row.product.fixed_inputs:
                data[name] = typed_value(cls, field, row.product.fixed_inputs[field.key])
        return data

    def block(self, instance: Instance, wanted: type[ProductBlockModel]) -> ProductBlockModel:
        """Build one block, at least of class `wanted`. Raises ValidationError for values that do not fit."""
        cls = _class_for(instance, wanted)
        identity = (instance.subscription_instance_id, cls)
        if known := self._built.get(identity):
            return known
        if instance.subscription_instance_id in self._above:
            raise ValueError(
                f"Block {instance.subscription_instance_id} ({instance.product_block.name}) holds itself, "
                f"by way of {', '.join(str(above) for above in self._above.values())}"
            )
        self._above[instance.subscription_instance_id] = instance
        try:
            fields = fields_of(cls)
            data = self._blocks(list(fields.blocks.values()), instance.relations)
            for name, field in fields.values.items():
                if (value := instance.values.get(field.key)) is not None:
                    data[name] = value
            block = cls(
                name=instance.product_block.name,
                subscription_instance_id=instance.subscription_instance_id,
                owner_subscription_id=instance.subscription_id,
                label=instance.label,
                **data,
            )
        finally:
            del self._above[instance.subscription_instance_id]
        block._stored = instance
        self._built[identity] = block
        return block

    def _blocks(self, fields: list[BlockField], relations: Iterable[Relation]) -> dict[str, Any]:
        """Give each field its blocks, in order: those of its name, and (older data has no names) those of its type."""
        data: dict[str, Any] = {}
        by_attr: dict[str, list[Relation]] = {}
        nameless: list[Relation] = []
        for relation in sorted(relations, key=lambda relation: relation.order):
            if relation.attr is None:
                nameless.append(relation)
            else:
                by_attr.setdefault(relation.attr, []).append(relation)
        for field in fields:
            found = list(by_attr.get(field.key, ()))
            if not found:
                found = _claim(field, nameless)
            built = [self.block(relation.child, _declared(field, relation.child)) for relation in found]
            if field.is_list:
                data[field.name] = built
            elif built:
                data[field.name] = built[0]
            elif field.optional:
                data[field.name] = None
        return data


def _claim(field: BlockField, nameless: list[Relation]) -> list[Relation]:
    """Take from `nameless` what suits the field: all of them for a list, one otherwise."""
    suited = [
        relation
        for relation in nameless
        if any(relation.child.product_block.name in block.__names__ for block in field.blocks)
    ]
    if not field.is_list:
        suited = suited[:1]
    for relation in suited:
        nameless.remove(relation)
    return suited


def _declared(field: BlockField, instance: Instance) -> type[ProductBlockModel]:
    """Return the class that the field declares for blocks of this name; the most exact one of a union."""
    name = instance.product_block.name
    for block in field.blocks:
        if block.__block_name__ == name:
            return block
    return next((block for block in field.blocks if name in block.__names__), field.blocks[0])


def _class_for(instance: Instance, wanted: type[ProductBlockModel]) -> type[ProductBlockModel]:
    """Return the class for the owner's status where the attribute takes it, else the class that the attribute asks for.

    A model may be more constrained than its status asks for, and then asks the same of the blocks in it.
    """
    by_status = block_class(instance.product_block.name, instance.subscription.status)
    if by_status is None or not issubclass(by_status, wanted):
        return wanted
    return by_status
