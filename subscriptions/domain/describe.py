"""Tells the catalogue what a subscription model is made of, in the catalogue's own words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from products.description import (
    BlockDescription,
    BlockUse,
    CannotDescribe,
    ProductModelDescription,
    set_describer,
    source_of,
)
from subscriptions.domain.base import DomainModel, fields_of
from subscriptions.domain.blocks import ProductBlockModel
from subscriptions.domain.fields import BlockField
from subscriptions.domain.lifecycle import copy_variants
from subscriptions.domain.subscription import SubscriptionModel

_NAME_LENGTH = 255
_TAG_LENGTH = 20
_DESCRIPTION_LENGTH = 2000

# Least and most that one attribute holds of a block; most None is unbounded.
_Bounds = tuple[int, int | None]


def describe_model(model: type[Any]) -> ProductModelDescription:
    """Describe a subscription model and every block in reach, all lifecycle variants together.

    How many of a block another one holds is what the variant reached from `model` says, so register the strictest one.
    Raises CannotDescribe for anything but a subscription model, and for a block without a name.
    """
    if not issubclass(model, SubscriptionModel):
        raise CannotDescribe(f"{model.__name__} at {source_of(model)} is no SubscriptionModel")
    blocks: dict[str, BlockDescription] = {}
    try:
        variants = _variants_of(model)
        roots = dict.fromkeys(name for variant in variants for name in _blocks_held(variant))
        for variant in variants:
            for block in _block_classes(variant):
                _describe_block(block, blocks)
        values = fields_of(model).values.values()
    except TypeError as problem:
        raise CannotDescribe(str(problem)) from problem
    return ProductModelDescription(
        blocks=blocks,
        root_blocks=tuple(roots),
        fixed_inputs={value.key: model.model_fields[value.name].is_required() for value in values},
    )


def _describe_block(cls: type[ProductBlockModel], blocks: dict[str, BlockDescription]) -> None:
    name, base = cls.__block_name__, cls.base_type()
    assert name is not None
    assert base is not None
    known = blocks.get(name)
    if known is not None:
        if known.declared_by is not base:
            raise CannotDescribe(f"The block {name!r} is declared twice: at {known.source} and at {source_of(base)}")
        return
    _check_lengths(name, base)
    variants = _variants_of(cls)
    uses: dict[str, _Bounds] = {}
    # The first variant is the one in use, so its bounds hold; others only add what it lacks.
    for variant in variants:
        uses = {**_blocks_held(variant), **uses}
    blocks[name] = BlockDescription(
        name=name,
        description=base.__declared_description__,
        tag=base.__declared_tag__,
        resource_types=_resource_types(variants),
        depends_on=tuple(BlockUse(held, *bounds) for held, bounds in uses.items()),
        declared_by=base,
    )
    for variant in variants:
        for block in _block_classes(variant):
            _describe_block(block, blocks)


def _check_lengths(name: str, base: type[ProductBlockModel]) -> None:
    """Raise CannotDescribe for a block that the tables cannot hold."""
    for what, text, least, most in (
        ("a name of 1 to", name, 1, _NAME_LENGTH),
        ("a tag of at most", base.__declared_tag__, 0, _TAG_LENGTH),
        ("a description of at most", base.__declared_description__, 0, _DESCRIPTION_LENGTH),
    ):
        if not least <= len(text) <= most:
            raise CannotDescribe(f"The block {name[:40]!r} at {source_of(base)} needs {what} {most} characters")


def _resource_types(variants: Iterable[type[DomainModel]]) -> dict[str, str]:
    """Return every value of these variants with its description, from the first variant that gives one."""
    found: dict[str, str] = {}
    for variant in variants:
        for field in fields_of(variant).values.values():
            found[field.key] = found.get(field.key) or variant.model_fields[field.name].description or ""
    return found


def _variants_of(cls: type[DomainModel]) -> list[type[DomainModel]]:
    """Return `cls` and the other lifecycle variants of its base, each once."""
    base = cls.base_type() or cls
    others = [variant for (owner, _status), variant in copy_variants().items() if owner is base]
    # Of a generic class only what its parameters became is known: `cls`, or what its variants say themselves.
    open_ends = [variant for variant in (*others, base) if variant.__pydantic_generic_metadata__["parameters"]]
    return [variant for variant in dict.fromkeys([cls, *others, base]) if variant not in open_ends]


def _block_classes(cls: type[DomainModel]) -> Iterable[type[ProductBlockModel]]:
    for field in fields_of(cls).blocks.values():
        yield from _concrete(cls, field)


def _concrete(cls: type[DomainModel], field: BlockField) -> list[type[ProductBlockModel]]:
    """Return the named classes that the field takes; for an abstract one those that descend from it."""
    found: list[type[ProductBlockModel]] = []
    for block in field.blocks:
        if block.__block_name__ is not None:
            found.append(block)
            continue
        descendants = [ProductBlockModel.registry[name] for name in sorted(block.__names__)]
        if not descendants:
            raise CannotDescribe(
                f"{cls.__name__}.{field.name} at {source_of(cls)} takes {block.__name__}, which has no "
                "product_block_name, nor has any class derived from it"
            )
        found += descendants
    return found


def _blocks_held(cls: type[DomainModel]) -> dict[str, _Bounds]:
    """Return how many of each block an object holds, over all attributes that take it."""
    held: dict[str, _Bounds] = {}
    for field in fields_of(cls).blocks.values():
        least, most = (field.min_length, field.max_length) if field.is_list else (1, 1)
        names = {str(block.__block_name__) for block in _concrete(cls, field)}
        if field.optional or len(names) > 1:
            least = 0
        for name in sorted(names):
            least_before, most_before = held.get(name, (0, 0))
            held[name] = (
                least_before + least,
                None if most is None or most_before is None else most_before + most,
            )
    return held


set_describer(describe_model)
