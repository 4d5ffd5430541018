"""The catalogue as the tables hold it, read in nine queries whatever its size."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Model

from products.models import FixedInput, Product, ProductBlock, ProductBlockRelation, ResourceType, Workflow

Pair = tuple[str, str]
# Links as rows of the tables between, so that they are written and removed in bulk.
BlockResourceType: type[Model] = ProductBlock.resource_types.through
ProductProductBlock: type[Model] = Product.product_blocks.through
ProductWorkflow: type[Model] = Product.workflows.through


@dataclass(kw_only=True)
class StoredCatalogue:
    """Rows by name; links by the names at both ends, with the row of the table between."""

    resource_types: dict[str, ResourceType]
    blocks: dict[str, ProductBlock]
    products: dict[str, Product]
    workflows: dict[str, Workflow]
    block_resource_types: dict[Pair, Model]
    relations: dict[Pair, ProductBlockRelation]
    product_blocks: dict[Pair, Model]
    fixed_inputs: dict[Pair, FixedInput]
    product_workflows: dict[Pair, Model]


def stored_catalogue(*, using: str) -> StoredCatalogue:
    """Read the whole catalogue. 9 queries."""
    resource_types = {row.resource_type: row for row in ResourceType.objects.using(using)}
    blocks = {row.name: row for row in ProductBlock.objects.using(using)}
    products = {row.name: row for row in Product.objects.using(using)}
    workflows = {row.name: row for row in Workflow.objects.using(using)}
    names: dict[object, str] = {}
    for rows in (resource_types, blocks, products, workflows):
        names.update({row.pk: name for name, row in rows.items()})

    def links(table: type[Model], holder: str, held: str) -> dict[Pair, Model]:
        rows = table._default_manager.using(using).all()
        return {(names[getattr(row, holder)], names[getattr(row, held)]): row for row in rows}

    return StoredCatalogue(
        resource_types=resource_types,
        blocks=blocks,
        products=products,
        workflows=workflows,
        block_resource_types=links(BlockResourceType, "productblock_id", "resourcetype_id"),
        relations={
            (names[row.in_use_by_id], names[row.depends_on_id]): row
            for row in ProductBlockRelation.objects.using(using)
        },
        product_blocks=links(ProductProductBlock, "product_id", "productblock_id"),
        fixed_inputs={(names[row.product_id], row.name): row for row in FixedInput.objects.using(using)},
        product_workflows=links(ProductWorkflow, "product_id", "workflow_id"),
    )
