"""Makes the tables of the catalogue follow the registry, and says where they do not.

Structure (blocks, links, tags, fixed inputs, which workflow for which product) follows code. Descriptions and statuses
are code's only when a row is made; afterwards they belong to people. Nothing that subscriptions may refer to is
deleted: workflows are marked, products and blocks without code stay and are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Model

from products.enums import ProductLifecycle
from products.models import FixedInput, Product, ProductBlock, ProductBlockRelation, ResourceType, Workflow
from products.stored import (
    BlockResourceType,
    Pair,
    ProductProductBlock,
    ProductWorkflow,
    StoredCatalogue,
    stored_catalogue,
)
from products.wanted import WantedCatalogue, wanted_catalogue
from wfo_site.common.clock import now

M = TypeVar("M", bound=Model)
# Any number: two that sync at the same moment on PostgreSQL take turns by it.
_ADVISORY_LOCK = 7_301_133


@dataclass(frozen=True)
class Drift:
    """One way in which the tables differ from code. `repairable`: a sync puts it right; else a person decides."""

    sentence: str
    repairable: bool = True


@dataclass
class Plan:
    """What a sync would do: sentences for people, and rows to write, each table after those that it refers to."""

    drift: list[Drift] = field(default_factory=list)
    new: dict[type[Model], list[Model]] = field(default_factory=dict)
    changed: dict[tuple[type[Model], tuple[str, ...]], list[Model]] = field(default_factory=dict)
    gone: dict[type[Model], list[Model]] = field(default_factory=dict)

    def create(self, row: Model, sentence: str) -> None:
        self.new.setdefault(type(row), []).append(row)
        self.drift.append(Drift(sentence))

    def update(self, row: Model, fields: tuple[str, ...], sentence: str) -> None:
        self.changed.setdefault((type(row), fields), []).append(row)
        self.drift.append(Drift(sentence))

    def delete(self, row: Model, sentence: str) -> None:
        self.gone.setdefault(type(row), []).append(row)
        self.drift.append(Drift(sentence))

    def write(self, *, using: str) -> None:
        """Write everything; one statement per table and kind of change."""
        for table, rows in self.new.items():
            table._default_manager.using(using).bulk_create(rows)
        for (table, fields), rows in self.changed.items():
            table._default_manager.using(using).bulk_update(rows, fields)
        for table, rows in self.gone.items():
            table._default_manager.using(using).filter(pk__in=[row.pk for row in rows]).delete()


def sync_catalogue(*, using: str = DEFAULT_DB_ALIAS) -> list[Drift]:
    """Make the tables follow the registry in one transaction and return what differed before.

    Idempotent; two at once take turns. 9 queries when there is nothing to do. Raises CatalogueBroken.
    """
    with transaction.atomic(using=using):
        connection = connections[using]
        # SQLite's transactions begin by taking the write lock, which is the same turn.
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
        plan = plan_sync(wanted_catalogue(), stored_catalogue(using=using))
        plan.write(using=using)
    return plan.drift


def catalogue_drift(*, using: str = DEFAULT_DB_ALIAS) -> list[Drift]:
    """Return how the tables differ from the registry, and write nothing. 9 queries. Raises CatalogueBroken."""
    return plan_sync(wanted_catalogue(), stored_catalogue(using=using)).drift


def plan_sync(wanted: WantedCatalogue, stored: StoredCatalogue) -> Plan:
    """Compare and return what to do. New rows get their keys here, so links to them need no second look."""
    plan = Plan()
    _plan_resource_types(plan, wanted, stored)
    _plan_blocks(plan, wanted, stored)
    _plan_workflows(plan, wanted, stored)
    _plan_products(plan, wanted, stored)
    _plan_relations(plan, wanted, stored)
    _plan_fixed_inputs(plan, wanted, stored)
    _plan_links(
        plan,
        wanted.block_resource_types,
        _owned(stored.block_resource_types, wanted.blocks),
        lambda block, name: BlockResourceType(
            productblock_id=stored.blocks[block].pk, resourcetype_id=stored.resource_types[name].pk
        ),
        missing="Block {!r} has no attribute {!r} in the tables",
        surplus="Block {!r} has the attribute {!r} only in the tables",
    )
    _plan_links(
        plan,
        wanted.product_blocks,
        _owned(stored.product_blocks, wanted.products),
        lambda product, block: ProductProductBlock(
            product_id=stored.products[product].pk, productblock_id=stored.blocks[block].pk
        ),
        missing="Product {!r} lacks its block {!r}",
        surplus="Product {!r} has the block {!r} only in the tables",
    )
    _plan_links(
        plan,
        wanted.product_workflows,
        # Links of removed workflows stay: what ran on a product remains known, and the workflow may come back.
        _owned(stored.product_workflows, wanted.products, wanted.workflows),
        lambda product, name: ProductWorkflow(
            product_id=stored.products[product].pk, workflow_id=stored.workflows[name].pk
        ),
        missing="Product {!r} is not linked to its workflow {!r}",
        surplus="Product {!r} is linked to the workflow {!r}, which is not meant for it",
    )
    return plan


def _plan_resource_types(plan: Plan, wanted: WantedCatalogue, stored: StoredCatalogue) -> None:
    for name, description in wanted.resource_types.items():
        if name not in stored.resource_types:
            row = stored.resource_types[name] = ResourceType(resource_type=name, description=description)
            plan.create(row, f"Resource type {name!r} is not in the tables")


def _plan_blocks(plan: Plan, wanted: WantedCatalogue, stored: StoredCatalogue) -> None:
    for name, block in wanted.blocks.items():
        row = stored.blocks.get(name)
        if row is None:
            row = stored.blocks[name] = ProductBlock(name=name, description=block.description, tag=block.tag)
            plan.create(row, f"Product block {name!r} is not in the tables")
        elif row.tag != block.tag:
            sentence = f"Product block {name!r} has the tag {row.tag!r}, in code it is {block.tag!r}"
            row.tag = block.tag
            plan.update(row, ("tag",), sentence)
    _report_without_code(plan, "Product block", stored.blocks.values(), wanted.blocks)


def _plan_workflows(plan: Plan, wanted: WantedCatalogue, stored: StoredCatalogue) -> None:
    for name, spec in wanted.workflows.items():
        row = stored.workflows.get(name)
        if row is None:
            row = stored.workflows[name] = Workflow(
                name=name, target=spec.target, description=spec.description, is_task=spec.is_task
            )
            plan.create(row, f"Workflow {name!r} is not in the tables")
        elif (row.target, row.is_task, row.deleted_at) != (spec.target, spec.is_task, None):
            sentence = (
                f"Workflow {name!r} is marked as removed, but code has it again"
                if row.deleted_at
                else f"Workflow {name!r} differs from code in its target or in being a task"
            )
            row.target, row.is_task, row.deleted_at = spec.target, spec.is_task, None
            plan.update(row, ("target", "is_task", "deleted_at"), sentence)
    for name, row in stored.workflows.items():
        if name not in wanted.workflows and row.deleted_at is None:
            row.deleted_at = now()
            plan.update(row, ("target", "is_task", "deleted_at"), f"Workflow {name!r} is no longer in code")


def _plan_products(plan: Plan, wanted: WantedCatalogue, stored: StoredCatalogue) -> None:
    for name, spec in wanted.products.items():
        row = stored.products.get(name)
        if row is None:
            row = stored.products[name] = Product(
                name=name,
                description=spec.description,
                product_type=spec.product_type,
                tag=spec.tag,
                status=spec.status,
            )
            plan.create(row, f"Product {name!r} is not in the tables")
        elif (row.tag, row.product_type) != (spec.tag, spec.product_type):
            sentence = f"Product {name!r} differs from code in its tag or product type"
            row.tag, row.product_type = spec.tag, spec.product_type
            plan.update(row, ("tag", "product_type"), sentence)
    _report_without_code(plan, "Product", stored.products.values(), wanted.products)


def _plan_relations(plan: Plan, wanted: WantedCatalogue, stored: StoredCatalogue) -> None:
    owned = _owned(stored.relations, wanted.blocks)
    for (block, held), (least, most) in sorted(wanted.relations.items()):
        row = owned.get((block, held))
        if row is None:
            row = ProductBlockRelation(
                in_use_by_id=stored.blocks[block].pk, depends_on_id=stored.blocks[held].pk, min=least, max=most
            )
            plan.create(row, f"Block {block!r} does not hold {held!r} in the tables")
        elif (row.min, row.max) != (least, most):
            row.min, row.max = least, most
            plan.update(row, ("min", "max"), f"Block {block!r} holds another number of {held!r} than in code")
    for (block, held), row in owned.items():
        if (block, held) not in wanted.relations:
            plan.delete(row, f"Block {block!r} holds {held!r} only in the tables")


def _plan_fixed_inputs(plan: Plan, wanted: WantedCatalogue, stored: StoredCatalogue) -> None:
    owned = _owned(stored.fixed_inputs, wanted.products)
    for (product, name), value in sorted(wanted.fixed_inputs.items()):
        row = owned.get((product, name))
        if row is None:
            row = FixedInput(product_id=stored.products[product].pk, name=name, value=value)
            plan.create(row, f"Product {product!r} has no fixed input {name!r} in the tables")
        elif row.value != value:
            sentence = f"Fixed input {name!r} of product {product!r} is {row.value!r}, in code it is {value!r}"
            row.value = value
            plan.update(row, ("value",), sentence)
    for (product, name), row in owned.items():
        if (product, name) not in wanted.fixed_inputs:
            plan.delete(row, f"Product {product!r} has the fixed input {name!r} only in the tables")


def _plan_links(
    plan: Plan,
    wanted: Set[Pair],
    owned: Mapping[Pair, Model],
    new: Callable[[str, str], Model],
    *,
    missing: str,
    surplus: str,
) -> None:
    """Plan the rows of one table between; the sentences have places for the two names."""
    for pair in sorted(wanted - owned.keys()):
        plan.create(new(*pair), missing.format(*pair))
    for pair in sorted(owned.keys() - wanted):
        plan.delete(owned[pair], surplus.format(*pair))


def _owned(
    links: Mapping[Pair, M], holders: Mapping[str, object], held: Mapping[str, object] | None = None
) -> dict[Pair, M]:
    """Leave out the links of things that code does not have: nobody here can say what is right for them."""
    return {
        (holder, name): row
        for (holder, name), row in links.items()
        if holder in holders and (held is None or name in held)
    }


def _report_without_code(
    plan: Plan, kind: str, rows: Iterable[ProductBlock | Product], wanted: Mapping[str, object]
) -> None:
    plan.drift.extend(
        Drift(
            f"{kind} {row.name!r} is in the tables but in no product package; install the package, "
            "or set it to end of life",
            repairable=False,
        )
        for row in rows
        if row.name not in wanted and row.status != ProductLifecycle.END_OF_LIFE
    )
