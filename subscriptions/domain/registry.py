"""Which model class belongs to a product: what products register, and what a program adds by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeGuard, get_args

from pydantic import BaseModel

from products import registry as products_registry
from products.registry import ProductSpec
from subscriptions.domain import lifecycle
from subscriptions.domain.base import fields_of
from subscriptions.domain.blocks import ProductBlockModel
from subscriptions.domain.errors import ProductNotInRegistryError

if TYPE_CHECKING:
    from subscriptions.domain.subscription import SubscriptionModel


class SubscriptionModelRegistry(dict[str, "type[SubscriptionModel]"]):
    """Product name to model class. Setting an entry checks the class; registered products are seen without being set.

    Raises TypeError for a class that cannot be stored, and ProductNotInRegistryError for an unknown name.
    """

    def __setitem__(self, name: str, model: type[SubscriptionModel]) -> None:
        validate_model(name, model)
        super().__setitem__(name, model)

    def update(self, *others: Any, **more: type[SubscriptionModel]) -> None:
        entries: dict[str, type[SubscriptionModel]] = dict(*others, **more)
        for name, model in entries.items():
            validate_model(name, model)
        super().update(entries)

    def __missing__(self, name: str) -> type[SubscriptionModel]:
        spec = products_registry.products().get(name)
        if spec is None:
            raise ProductNotInRegistryError(f"'{name}' is not found within the SUBSCRIPTION_MODEL_REGISTRY")
        return spec.model

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except ProductNotInRegistryError:
            return default

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in products_registry.products()

    def everything(self) -> Mapping[str, type[SubscriptionModel]]:
        """Return every product name with its class, however it came to be known."""
        return {**{name: spec.model for name, spec in products_registry.products().items()}, **self}


def validate_model(product_name: str, model: type[SubscriptionModel]) -> None:
    """Raise TypeError when subscriptions of this class could not be stored and loaded again, naming every attribute."""
    from subscriptions.domain.subscription import SubscriptionModel

    if not (isinstance(model, type) and issubclass(model, SubscriptionModel)):
        raise TypeError(f"Product {product_name!r} needs a SubscriptionModel class, not {model!r}")
    complaints: list[str] = []
    _check(model, model.__name__, set(), complaints)
    if complaints:
        raise TypeError(f"The model of product {product_name!r} cannot be stored: {'; '.join(complaints)}")


def _check(cls: type[Any], path: str, seen: set[type[Any]], complaints: list[str]) -> None:
    if cls in seen:
        return
    seen.add(cls)
    fields = fields_of(cls)
    for value in fields.values.values():
        complaints += [
            f"{path}.{value.name} is a {part.__name__}; a nested block must inherit from ProductBlockModel"
            for part in _parts(value.annotation)
            if isinstance(part, type) and issubclass(part, BaseModel)
        ]
    for field in fields.blocks.values():
        for block in field.blocks:
            if not block.__names__:
                complaints.append(
                    f"{path}.{field.name} is a {block.__name__}, which is abstract and has no subclass with a name; "
                    "give it a product_block_name"
                )
            else:
                _check(block, f"{path}.{field.name}", seen, complaints)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


SUBSCRIPTION_MODEL_REGISTRY = SubscriptionModelRegistry()


def _check_spec(spec: ProductSpec) -> None:
    validate_model(spec.name, spec.model)


products_registry.on_register(_check_spec)


@contextmanager
def isolated(*, empty: bool = False) -> Iterator[None]:
    """Run a block (a test) with registries of its own, so that classes defined in it leave no trace.

    It starts with what is declared already, or with nothing. Products and workflows are included.
    """
    models = dict(SUBSCRIPTION_MODEL_REGISTRY)
    blocks = dict(ProductBlockModel.registry)
    names: dict[type[ProductBlockModel], set[str]] = {
        cls: set(cls.__names__) for block in blocks.values() for cls in block.__mro__ if _has_names(cls)
    }
    variants = lifecycle.swap_variants({} if empty else lifecycle.copy_variants())
    if empty:
        SUBSCRIPTION_MODEL_REGISTRY.clear()
        ProductBlockModel.registry.clear()
    try:
        with products_registry.isolated(empty=empty):
            yield
    finally:
        lifecycle.swap_variants(variants)
        dict.clear(SUBSCRIPTION_MODEL_REGISTRY)
        dict.update(SUBSCRIPTION_MODEL_REGISTRY, models)
        ProductBlockModel.registry.clear()
        ProductBlockModel.registry.update(blocks)
        for cls, kept in names.items():
            cls.__names__.clear()
            cls.__names__.update(kept)


def _has_names(cls: type[Any]) -> TypeGuard[type[ProductBlockModel]]:
    return issubclass(cls, ProductBlockModel) and "__names__" in cls.__dict__ and cls is not ProductBlockModel
