"""Load subscriptions with everything below them, across owners, in four statements whatever their size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from products.models import FixedInput, Product, ProductBlock
from subscriptions.domain.graph import (
    BlockRow,
    CatalogueBlock,
    CatalogueProduct,
    Graph,
    Instance,
    OwnerRow,
    ProductRow,
    Relation,
    SubscriptionRow,
    UnsafeUser,
)
from subscriptions.enums import SubscriptionLifecycle
from subscriptions.models import Subscription, SubscriptionInstance, SubscriptionInstanceRelation

# UNION, not UNION ALL: blocks that hold each other end the recursion instead of feeding it.
_REACHED = """
WITH RECURSIVE reached(id) AS (
    SELECT subscription_instance_id FROM subscriptions_subscriptioninstance WHERE {seed}
    UNION
    SELECT relation.depends_on_id
    FROM subscriptions_subscriptioninstancerelation AS relation
    JOIN reached ON relation.in_use_by_id = reached.id
)
SELECT id FROM reached
"""

_OWNER = ("subscription_id", "subscription__status", "subscription__description", "subscription__customer_id")
_BLOCK = ("product_block_id", "product_block__name", "product_block__tag", "product_block__description")
_INSTANCE = (
    "subscription_instance_id",
    "label",
    "values",
    "root_attr",
    "root_order",
    *_BLOCK,
    *_OWNER,
    "subscription__insync",
)


def load(*, subscription_ids: Sequence[UUID] = (), instance_ids: Sequence[UUID] = ()) -> Graph:
    """Return the graph below these subscriptions and blocks, with the blocks that use any of it. 2 or 4 statements."""
    graph = Graph()
    if subscription_ids:
        graph.subscriptions = _subscriptions(subscription_ids)
    seeds = list(graph.subscriptions)
    if not seeds and not instance_ids:
        return graph
    reached = _reached(seeds, instance_ids)
    builder = _Builder()
    for row in SubscriptionInstance.objects.filter(pk__in=reached).values_list(*_INSTANCE):
        instance = builder.instance(row)
        graph.instances[instance.subscription_instance_id] = instance
    relations: QuerySet[SubscriptionInstanceRelation] = SubscriptionInstanceRelation.objects.filter(
        depends_on_id__in=reached
    )
    columns = [f"in_use_by__{column}" for column in _INSTANCE]
    for child_id, attr, order, *row in relations.order_by("order_id", "pk").values_list(
        "depends_on_id", "domain_model_attr", "order_id", *columns
    ):
        child = graph.instances[child_id]
        user = builder.instance(tuple(row))
        child.in_use_by.append(user)
        user.relations.append(Relation(attr, order, child))
    return graph


def product(product_id: UUID) -> ProductRow | None:
    found = Product.objects.filter(pk=product_id).first()
    if found is None:
        return None
    return _product_row(found, dict(FixedInput.objects.filter(product=found).values_list("name", "value")))


def block(name: str) -> BlockRow | None:
    row = ProductBlock.objects.filter(name=name).values_list("product_block_id", "name", "tag", "description").first()
    return BlockRow(*row) if row else None


def catalogue(product_id: UUID) -> CatalogueProduct | None:
    """Return the names of what the product and all blocks are made of. 5 statements."""
    found = Product.objects.filter(pk=product_id).prefetch_related("product_blocks", "fixed_inputs").first()
    if found is None:
        return None
    blocks = ProductBlock.objects.prefetch_related("resource_types", "depends_on")
    return CatalogueProduct(
        name=found.name,
        product_blocks=tuple(block.name for block in found.product_blocks.all()),
        fixed_inputs=tuple(fixed_input.name for fixed_input in found.fixed_inputs.all()),
        blocks={
            block.name: CatalogueBlock(
                block.name,
                tuple(resource_type.resource_type for resource_type in block.resource_types.all()),
                tuple(held.name for held in block.depends_on.all()),
            )
            for block in blocks
        },
    )


def users(subscription_id: UUID) -> list[UnsafeUser]:
    rows = (
        SubscriptionInstanceRelation.objects.filter(depends_on__subscription_id=subscription_id)
        .exclude(in_use_by__subscription_id=subscription_id)
        .order_by("in_use_by_id")
        .values_list("in_use_by_id", "in_use_by__subscription_id", "in_use_by__subscription__status")
        .distinct()
    )
    return [UnsafeUser(instance, owner, SubscriptionLifecycle(status)) for instance, owner, status in rows]


def _reached(subscription_ids: Sequence[UUID], instance_ids: Sequence[UUID]) -> RawSQL:
    prepare = SubscriptionInstance._meta.pk.get_db_prep_value
    seeds: list[str] = []
    params: list[object] = []
    for column, ids in (("subscription_id", subscription_ids), ("subscription_instance_id", instance_ids)):
        if ids:
            seeds.append(f"{column} IN ({', '.join(['%s'] * len(ids))})")
            params += [prepare(id_, connection) for id_ in ids]
    return RawSQL(_REACHED.format(seed=" OR ".join(seeds)), params)  # noqa: S611 - only column names and placeholders


def _subscriptions(ids: Sequence[UUID]) -> dict[UUID, SubscriptionRow]:
    found = list(Subscription.objects.filter(pk__in=ids).select_related("product"))
    fixed_inputs: dict[UUID, dict[str, str]] = {}
    for product_id, name, value in FixedInput.objects.filter(
        product_id__in={subscription.product_id for subscription in found}
    ).values_list("product_id", "name", "value"):
        fixed_inputs.setdefault(product_id, {})[name] = value
    products = {s.product_id: _product_row(s.product, fixed_inputs.get(s.product_id, {})) for s in found}
    return {
        row.subscription_id: SubscriptionRow(
            subscription_id=row.subscription_id,
            product=products[row.product_id],
            customer_id=row.customer_id,
            description=row.description,
            status=SubscriptionLifecycle(row.status),
            insync=row.insync,
            locked_by=row.locked_by,
            start_date=row.start_date,
            end_date=row.end_date,
            note=row.note,
            version=row.version,
        )
        for row in found
    }


def _product_row(row: Product, fixed_inputs: dict[str, str]) -> ProductRow:
    return ProductRow(
        product_id=row.product_id,
        name=row.name,
        description=row.description,
        product_type=row.product_type,
        tag=row.tag,
        status=row.status,
        created_at=row.created_at,
        end_date=row.end_date,
        fixed_inputs=fixed_inputs,
    )


class _Builder:
    """Makes one object for each block, owner and catalogue row, however often it appears in the rows."""

    def __init__(self) -> None:
        self._instances: dict[UUID, Instance] = {}
        self._owners: dict[UUID, OwnerRow] = {}
        self._blocks: dict[UUID, BlockRow] = {}

    def instance(self, row: tuple[Any, ...]) -> Instance:
        id_, label, values, root_attr, root_order, *rest = row
        known = self._instances.get(id_)
        if known is None:
            block_row, owner_row = rest[:4], rest[4:]
            block = self._blocks.setdefault(block_row[0], BlockRow(*block_row))
            owner = self._owners.get(owner_row[0])
            if owner is None:
                subscription_id, status, description, customer_id, insync = owner_row
                owner = OwnerRow(subscription_id, SubscriptionLifecycle(status), description, customer_id, insync)
                self._owners[owner.subscription_id] = owner
            known = Instance(id_, block, owner, label, values, root_attr, root_order)
            self._instances[known.subscription_instance_id] = known
        return known
