"""The catalogue as code wants it: the registry and the described models, flattened to what the tables hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from django.conf import settings

from products import discovery, registry
from products.description import BlockDescription, CannotDescribe, describe
from products.registry import ProductSpec, WorkflowSpec
from wfo_site.common.errors import Conflict

Pair = tuple[str, str]


class CatalogueBroken(Conflict):
    """A product package cannot be imported or described, so the tables are left as they are."""

    code = "catalogue_broken"


@dataclass(kw_only=True)
class WantedCatalogue:
    """What the tables should hold, by name; pairs are (holder, held)."""

    resource_types: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, BlockDescription] = field(default_factory=dict)
    block_resource_types: set[Pair] = field(default_factory=set)
    # (least, most) by (block, block that it holds).
    relations: dict[Pair, tuple[int | None, int | None]] = field(default_factory=dict)
    products: dict[str, ProductSpec] = field(default_factory=dict)
    product_blocks: set[Pair] = field(default_factory=set)
    # Text by (product, name of the fixed input).
    fixed_inputs: dict[Pair, str] = field(default_factory=dict)
    workflows: dict[str, WorkflowSpec] = field(default_factory=dict)
    product_workflows: set[Pair] = field(default_factory=set)


def wanted_catalogue() -> WantedCatalogue:
    """Return what the registry says. Raises CatalogueBroken: half a registry must not remove the other half."""
    if broken := discovery.failures():
        raise CatalogueBroken(
            "The catalogue was left alone, because product packages are broken: "
            + "; ".join(f"{failure.source}: {failure.sentence}" for failure in broken)
        )
    wanted = WantedCatalogue(products=dict(registry.products()), workflows=dict(registry.workflows()))
    for product in wanted.products.values():
        _add_product(wanted, product)
    return wanted


def _add_product(wanted: WantedCatalogue, product: ProductSpec) -> None:
    try:
        description = describe(product.model)
    except CannotDescribe as problem:
        raise CatalogueBroken(
            f"The catalogue was left alone: {product.source}: product {product.name!r}: {problem}"
        ) from problem
    for block in description.blocks.values():
        wanted.blocks[block.name] = block
        for name, text in block.resource_types.items():
            wanted.resource_types[name] = wanted.resource_types.get(name) or text
            wanted.block_resource_types.add((block.name, name))
        wanted.relations.update({(block.name, use.name): (use.min, use.max) for use in block.depends_on})
    wanted.product_blocks.update((product.name, block) for block in description.root_blocks)
    wanted.fixed_inputs.update({(product.name, name): _text(value) for name, value in product.fixed_inputs.items()})
    wanted.product_workflows.update(
        (product.name, spec.name) for spec in registry.workflows_for(product, settings.DEFAULT_PRODUCT_WORKFLOWS)
    )


def _text(value: object) -> str:
    return str(value.value if isinstance(value, Enum) else value)
