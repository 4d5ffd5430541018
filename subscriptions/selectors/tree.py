"""The blocks of a subscription as a tree for people, also where the code of its product is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from subscriptions.domain.base import DomainModel, fields_of
from subscriptions.domain.blocks import ProductBlockModel
from subscriptions.domain.errors import ProductNotInRegistryError, SubscriptionNotFound
from subscriptions.domain.graph import Graph, Instance, OwnerRow
from subscriptions.domain.storage import storage
from subscriptions.domain.subscription import SubscriptionModel
from wfo_site.common.json import JsonValue, to_json

_NO_TITLE = (AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class BlockValue:
    """A value of a block; `computed` where code makes it from others."""

    name: str
    value: JsonValue
    computed: bool = False


@dataclass(frozen=True)
class BlockUser:
    """A block that holds this one, with the subscription that owns it."""

    subscription_instance_id: UUID
    name: str
    subscription: OwnerRow


@dataclass(frozen=True)
class BlockNode:
    """A block in the tree. `is_foreign`: another subscription owns it. `attr`: where its parent holds it."""

    subscription_instance_id: UUID
    attr: str | None
    name: str
    tag: str
    title: str
    label: str | None
    owner: OwnerRow
    is_foreign: bool
    values: list[BlockValue]
    in_use_by: list[BlockUser]
    children: list[BlockNode] = field(default_factory=list)


def subscription_tree(subscription_id: UUID) -> list[BlockNode]:
    """Return the blocks directly below a subscription, each with everything below it. 4 statements.

    Titles and computed values come from the product's model. Without a model, or when the stored values do not fit it,
    the tree shows what is stored. Raises SubscriptionNotFound.
    """
    graph = storage().load(subscription_ids=[subscription_id])
    if subscription_id not in graph.subscriptions:
        raise SubscriptionNotFound(subscription_id)
    models = _models(graph, subscription_id)
    return [_node(root, root.root_attr, subscription_id, models, frozenset()) for root in graph.roots(subscription_id)]


def _models(graph: Graph, subscription_id: UUID) -> dict[UUID, ProductBlockModel]:
    try:
        model = SubscriptionModel.from_graph(graph, subscription_id)
    except (ProductNotInRegistryError, ValidationError, ValueError):
        return {}
    found: dict[UUID, ProductBlockModel] = {}
    _collect(model, found)
    return found


def _collect(model: DomainModel, found: dict[UUID, ProductBlockModel]) -> None:
    for name, entry in fields_of(type(model)).blocks.items():
        for block in entry.items(getattr(model, name)):
            if block.subscription_instance_id not in found:
                found[block.subscription_instance_id] = block
                _collect(block, found)


def _node(
    instance: Instance,
    attr: str | None,
    subscription_id: UUID,
    models: dict[UUID, ProductBlockModel],
    above: frozenset[UUID],
) -> BlockNode:
    block = models.get(instance.subscription_instance_id)
    within = above | {instance.subscription_instance_id}
    return BlockNode(
        subscription_instance_id=instance.subscription_instance_id,
        attr=attr,
        name=instance.product_block.name,
        tag=instance.product_block.tag,
        title=title_of(block) if block else instance.label or instance.product_block.name,
        label=instance.label,
        owner=instance.subscription,
        is_foreign=instance.subscription_id != subscription_id,
        values=[*_stored(instance), *(_computed(block) if block else ())],
        in_use_by=[
            BlockUser(user.subscription_instance_id, user.product_block.name, user.subscription)
            for user in instance.in_use_by
        ],
        children=[
            _node(relation.child, relation.attr, subscription_id, models, within)
            for relation in sorted(instance.relations, key=lambda relation: (relation.attr or "", relation.order))
            if relation.child.subscription_instance_id not in within
        ],
    )


def title_of(block: ProductBlockModel) -> str:
    """Return the block's own title, where its class has one and its values suffice; else its label or name."""
    try:
        title: Any = getattr(block, "title", None)
    except _NO_TITLE:
        # A title is written for complete blocks; one in the making lacks what it reads.
        title = None
    return str(title) if title else block.label or block.name


def _stored(instance: Instance) -> list[BlockValue]:
    return [BlockValue(name, value) for name, value in sorted(instance.values.items())]


def _computed(block: ProductBlockModel) -> list[BlockValue]:
    values = []
    for name in sorted(type(block).model_computed_fields.keys() - {"title"}):
        try:
            values.append(BlockValue(name, to_json(getattr(block, name)), computed=True))
        except _NO_TITLE:
            continue
    return values
