"""System checks of the catalogue in code: broken product packages and missing references, with file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name

from products import discovery, registry
from products.description import BlockDescription, CannotDescribe, ProductModelDescription, describe
from products.enums import Target
from products.registry import ProductSpec, Source

TAG = "catalogue"


@register(TAG)
def check_product_packages(**_kwargs: Any) -> list[CheckMessage]:
    """Name every module of a product package that could not be imported."""
    return [
        _error("E001", failure.sentence, failure.source, "Repair it, or take the package off WFO_EXTENSIONS.")
        for failure in discovery.failures()
    ]


@register(TAG)
def check_products(**_kwargs: Any) -> list[CheckMessage]:
    """Check that each product's model can be stored, and that its fixed inputs are those that the model has."""
    messages: list[CheckMessage] = []
    blocks: dict[str, BlockDescription] = {}
    for product in registry.products().values():
        try:
            description = describe(product.model)
        except CannotDescribe as problem:
            messages.append(_error("E002", f"Product {product.name!r}: {problem}", product.source))
            continue
        messages.extend(_check_fixed_inputs(product, description))
        messages.extend(_check_blocks(product, description, blocks))
    return messages


@register(TAG)
def check_workflows(**_kwargs: Any) -> list[CheckMessage]:
    """Check that workflows name products that exist, and that products have workflows."""
    products = registry.products().values()
    known = {product.name for product in products} | {product.tag for product in products}
    defaults: list[str] = settings.DEFAULT_PRODUCT_WORKFLOWS
    messages: list[CheckMessage] = []
    for spec in registry.workflows().values():
        messages.extend(
            _error(
                "E003",
                f"Workflow {spec.name!r} is for {name!r}, which is neither the name nor the tag of a product",
                spec.source,
                f"Known are: {', '.join(sorted(known)) or 'none'}.",
            )
            for name in spec.products
            if name not in known
        )
        if not spec.products and spec.target != Target.SYSTEM and not spec.is_task and spec.name not in defaults:
            messages.append(
                _warning("W001", f"Workflow {spec.name!r} is for no product, so nobody can start it", spec.source)
            )
    messages.extend(
        _warning("W002", f"DEFAULT_PRODUCT_WORKFLOWS names {name!r}, which is no workflow", Source("settings", 0))
        for name in defaults
        if name not in registry.workflows()
    )
    messages.extend(
        _warning("W003", f"Product {product.name!r} has no workflow that creates it", product.source)
        for product in products
        if not any(spec.target == Target.CREATE for spec in registry.workflows_for(product))
    )
    return messages


def _check_fixed_inputs(product: ProductSpec, description: ProductModelDescription) -> Iterator[CheckMessage]:
    given, known = set(product.fixed_inputs), set(description.fixed_inputs)
    wanted = {name for name, required in description.fixed_inputs.items() if required}
    model = product.model.__name__
    if missing := sorted(wanted - given):
        yield _error("E004", f"Product {product.name!r} gives no value for {_list(missing)} of {model}", product.source)
    if unknown := sorted(given - known):
        yield _error("E005", f"Product {product.name!r} gives {_list(unknown)}, which {model} lacks", product.source)


def _check_blocks(
    product: ProductSpec, description: ProductModelDescription, blocks: dict[str, BlockDescription]
) -> Iterator[CheckMessage]:
    for block in description.blocks.values():
        other = blocks.setdefault(block.name, block)
        if other.declared_by is not block.declared_by:
            yield _error(
                "E006",
                f"The product block {block.name!r} is declared twice: in {other.source} and in {block.source}",
                block.source or product.source,
                "Give each base class a product_block_name of its own.",
            )


def _list(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _error(number: str, sentence: str, source: Source, hint: str | None = None) -> Error:
    return Error(f"{source}: {sentence}.", hint=hint, id=f"products.{number}")


def _warning(number: str, sentence: str, source: Source) -> Warning:
    return Warning(f"{source}: {sentence}.", id=f"products.{number}")
