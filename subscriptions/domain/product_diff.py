"""Compare a model class with the catalogue: what a migration of product types has to add on which side."""

from __future__ import annotations

from typing import TypeAlias
from uuid import UUID

from subscriptions.domain.base import DomainModel, fields_of
from subscriptions.domain.blocks import ProductBlockModel
from subscriptions.domain.graph import CatalogueBlock
from subscriptions.domain.storage import storage

# `missing_product_blocks_in_db` and the like: names; `missing_in_depends_on_blocks`: block to its own difference.
BlockDifference: TypeAlias = dict[str, list[str]]
ProductDifference: TypeAlias = dict[str, "list[str] | dict[str, BlockDifference]"]


def diff_product(cls: type[DomainModel], product_id: UUID) -> dict[str, ProductDifference]:
    """Return {} when class and catalogue agree, else {product name: what is missing where}; empty keys are left out.

    Raises KeyError for an unknown product. A constant number of statements.
    """
    stored = storage().catalogue(product_id)
    if stored is None:
        raise KeyError("Could not find a product for the given product_id")
    fixed_inputs = {field.key for field in fields_of(cls).values.values()}
    difference: ProductDifference = {
        **_missing("product_blocks", held_names(cls), set(stored.product_blocks)),
        **_missing("fixed_inputs", fixed_inputs, set(stored.fixed_inputs)),
    }
    below: dict[str, BlockDifference] = {}
    _diff_blocks(cls, stored.blocks, below, set())
    if below:
        difference["missing_in_depends_on_blocks"] = below
    return {stored.name: difference} if difference else {}


def _diff_blocks(
    cls: type[DomainModel],
    stored: dict[str, CatalogueBlock],
    found: dict[str, BlockDifference],
    seen: set[type[DomainModel]],
) -> None:
    for field in fields_of(cls).blocks.values():
        for block in field.blocks:
            if block in seen:
                continue
            seen.add(block)
            name = block.__block_name__
            if name is not None:
                row = stored.get(name, CatalogueBlock(name, (), ()))
                resource_types = {value.key for value in fields_of(block).values.values()}
                difference = {
                    **_missing("product_blocks", held_names(block), set(row.depends_on)),
                    **_missing("resource_types", resource_types, set(row.resource_types)),
                }
                if difference:
                    found[name] = difference
            _diff_blocks(block, stored, found, seen)


def held_names(cls: type[DomainModel]) -> set[str]:
    """Return the names of the blocks that an object of `cls` may hold directly."""
    return {name for field in fields_of(cls).blocks.values() for block in field.blocks for name in _names(block)}


def _names(block: type[ProductBlockModel]) -> set[str]:
    return {block.__block_name__} if block.__block_name__ else set(block.__names__)


def _missing(kind: str, in_model: set[str], in_db: set[str]) -> BlockDifference:
    sides = {f"missing_{kind}_in_db": in_model - in_db, f"missing_{kind}_in_model": in_db - in_model}
    return {key: sorted(names) for key, names in sides.items() if names}
