"""Subscription models: one class for each product type, with the blocks that its subscriptions are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

from pydantic import Field, PrivateAttr

from subscriptions.domain.base import DomainModel, fields_of, typed_value
from subscriptions.domain.baseline import Baseline, Mark
from subscriptions.domain.blocks import ProductBlockModel, new_blocks
from subscriptions.domain.changes import Shape, shape_of
from subscriptions.domain.convert import Converter
from subscriptions.domain.errors import SubscriptionNotFound
from subscriptions.domain.graph import Graph, ProductRow, SubscriptionRow
from subscriptions.domain.hydrate import Hydrator
from subscriptions.domain.lifecycle import SAFE_USER_STATUSES, is_suited, lookup_specialized_type, register_variant
from subscriptions.domain.product import ProductModel
from subscriptions.domain.registry import SUBSCRIPTION_MODEL_REGISTRY
from subscriptions.domain.storage import storage
from subscriptions.enums import SubscriptionLifecycle
from wfo_site.common import clock
from wfo_site.common.uuid7 import uuid7

if TYPE_CHECKING:
    from subscriptions.domain.product_diff import ProductDifference

_COMMON = frozenset(
    {
        "product",
        "customer_id",
        "subscription_id",
        "description",
        "status",
        "insync",
        "start_date",
        "end_date",
        "note",
        "version",
    }
)

_cache: ContextVar[dict[UUID, SubscriptionModel] | None] = ContextVar("subscription_models", default=None)


class SubscriptionModel(DomainModel):
    """A product delivered to a customer.

    Attributes whose types are blocks hold its blocks; others are fixed inputs, which the product sets. Class arguments:
    `is_base=True` declares a product type; `lifecycle` declares a subclass as its shape in those statuses.
    """

    _common_fields_: ClassVar[frozenset[str]] = _COMMON

    product: ProductModel
    customer_id: str
    subscription_id: UUID = Field(default_factory=uuid7)
    description: str = "Initial subscription"
    status: SubscriptionLifecycle = SubscriptionLifecycle.INITIAL
    insync: bool = False
    start_date: datetime | None = None
    end_date: datetime | None = None
    note: str | None = None
    version: int = 1

    _baseline: Baseline = PrivateAttr(default=Baseline(None))
    _process_id: UUID | None = PrivateAttr(default=None)

    def __init__(self, **data: Any) -> None:
        status = SubscriptionLifecycle(data.get("status", SubscriptionLifecycle.INITIAL))
        if not is_suited(type(self), status):
            raise ValueError(f"{type(self)} is not valid for status {status.value}")
        super().__init__(**data)

    def __init_subclass__(
        cls, *, is_base: bool = False, lifecycle: list[SubscriptionLifecycle] | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.__wfo_fields__ = None
        if is_base:
            cls.__base_type__ = cls

    @classmethod
    def __pydantic_init_subclass__(
        cls, *, is_base: bool = False, lifecycle: list[SubscriptionLifecycle] | None = None, **kwargs: Any
    ) -> None:
        super().__pydantic_init_subclass__()
        cls._prepare(lifecycle)
        if is_base or lifecycle:
            register_variant(cls, lifecycle)

    @classmethod
    def from_product_id(  # noqa: PLR0917 - existing product packages pass these by place
        cls,
        product_id: UUID | str,
        customer_id: str,
        status: SubscriptionLifecycle = SubscriptionLifecycle.INITIAL,
        process_id: UUID | None = None,
        description: str | None = None,
        insync: bool = False,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        note: str | None = None,
        version: int = 1,
    ) -> Self:
        """Make a subscription of a product, in memory only, with the blocks that it requires and its fixed inputs.

        The first save links it to `process_id`, or to the process in whose step it happens. Raises KeyError for an
        unknown product and ValueError for a status that this class cannot hold.
        """
        row = storage().product(_uuid(product_id))
        if row is None:
            raise KeyError("Could not find a product for the given product_id")
        model_class = cls._concrete(row.name, status)
        subscription_id = uuid7()
        model = model_class(
            product=ProductModel.of(row),
            customer_id=customer_id,
            subscription_id=subscription_id,
            description=description or f"Initial subscription of {row.description}",
            status=status,
            insync=insync,
            start_date=start_date,
            end_date=end_date,
            note=note,
            version=version,
            **_fixed_inputs(model_class, row),
            **new_blocks(model_class, subscription_id),
        )
        model._process_id = process_id
        return model

    @classmethod
    def from_subscription(cls, subscription_id: UUID | str) -> Self:
        """Load a subscription with its whole graph of blocks, in at most 5 statements.

        On SubscriptionModel itself the class is found by product and status. Raises SubscriptionNotFound (a ValueError)
        for an unknown id, ValueError for a class that cannot hold the subscription, and ProductNotInRegistryError for a
        product without a class.
        """
        wanted = _uuid(subscription_id)
        cache = _cache.get()
        if cache is not None and isinstance(known := cache.get(wanted), cls):
            return known
        found = cls.from_subscriptions([wanted])
        if not found:
            raise SubscriptionNotFound(wanted)
        if cache is not None:
            cache[wanted] = found[0]
        return found[0]

    @classmethod
    def from_subscriptions(cls, subscription_ids: Sequence[UUID]) -> list[Self]:
        """Load several subscriptions in the same few statements, in the order asked for; unknown ids are left out."""
        graph = storage().load(subscription_ids=subscription_ids)
        hydrator = Hydrator(graph)
        return [
            cls._load(hydrator, graph.subscriptions[id_])
            for id_ in dict.fromkeys(subscription_ids)
            if id_ in graph.subscriptions
        ]

    @classmethod
    def from_graph(cls, graph: Graph, subscription_id: UUID) -> Self:
        """Build a subscription from rows loaded already; otherwise as `from_subscription`."""
        return cls._load(Hydrator(graph), graph.subscriptions[subscription_id])

    @classmethod
    def _load(cls, hydrator: Hydrator, row: SubscriptionRow) -> Self:
        model_class = cls._concrete(row.product.name, row.status)
        model = model_class(
            product=ProductModel.of(row.product),
            customer_id=row.customer_id,
            subscription_id=row.subscription_id,
            description=row.description,
            status=row.status,
            insync=row.insync,
            start_date=row.start_date,
            end_date=row.end_date,
            note=row.note,
            version=row.version,
            **hydrator.subscription_data(model_class, row),
        )
        model._baseline = Baseline(shape_of(model))
        return model

    @classmethod
    def from_other_lifecycle(
        cls,
        other: SubscriptionModel,
        status: SubscriptionLifecycle,
        skip_validation: bool = False,
    ) -> Self:
        """Return the subscription in another status, validated in the class for it; ids stay, dates are set.

        Raises ValueError when subscriptions that use it have statuses that forbid this (unless `skip_validation`), and
        ValidationError when something that `status` requires is missing.
        """
        model_class = cls._concrete(other.product.name, status) if cls.__base_type__ is None else cls
        if not skip_validation:
            validate_lifecycle_change(other, status)
        now = clock.now()
        model = model_class(
            **{
                **_common_data(other),
                **Converter(other.subscription_id, status).data(other, model_class),
                "status": status,
                "start_date": now
                if status == SubscriptionLifecycle.ACTIVE and other.start_date is None
                else other.start_date,
                "end_date": now
                if status == SubscriptionLifecycle.TERMINATED and other.end_date is None
                else other.end_date,
            }
        )
        model._continue(other)
        return model

    @classmethod
    def from_other_product(
        cls,
        old_instantiation: SubscriptionModel,
        new_product_id: UUID | str,
        new_root: tuple[str, ProductBlockModel] | None = None,
    ) -> Self:
        """Return the subscription as one of another product: ids and blocks stay, fixed inputs are the product's.

        `new_root` replaces the block of one attribute. Raises KeyError for an unknown product and ValidationError when
        the blocks do not fit.
        """
        row = storage().product(_uuid(new_product_id))
        if row is None:
            raise KeyError("Could not find a product for the given product_id")
        old = old_instantiation
        model_class = cls._concrete(row.name, old.status) if cls.__base_type__ is None else cls
        data = {**_common_data(old), **Converter(old.subscription_id, old.status).data(old, model_class)}
        data |= {"product": ProductModel.of(row), **_fixed_inputs(model_class, row)}
        if new_root is not None:
            name, block = new_root
            data[name] = block
        model = model_class(**data)
        model._continue(old)
        return model

    def save(self) -> None:
        """Write what changed since this model was loaded, in one transaction; nothing when nothing changed.

        Locks the touched rows, and keeps what others changed meanwhile elsewhere. Raises SaveConflict when another
        changed the same value, BlockInUse when a dropped block is held by another subscription, ValueError for a model
        that cannot be stored.
        """
        storage().save([self])

    @classmethod
    def diff_product_in_database(cls, product_id: UUID | str) -> dict[str, ProductDifference]:
        """Compare this class with the catalogue: empty when equal, else product name to what is missing where."""
        from subscriptions.domain.product_diff import diff_product

        return diff_product(cls, _uuid(product_id))

    @property
    def process_id(self) -> UUID | None:
        """The process that the first save links to, where one was named."""
        return self._process_id

    def baseline(self) -> Shape | None:
        """Return the shape that the next save is compared with; None for a subscription never saved."""
        return self._baseline.in_force().shape

    def mark_saved(self, shape: Shape, mark: Mark) -> None:
        """Compare the next save with `shape`, as long as the transaction that wrote it stands."""
        self._baseline = self._baseline.followed_by(shape, mark)

    def _continue(self, other: SubscriptionModel) -> None:
        self._baseline = other._baseline
        self._process_id = other._process_id

    @classmethod
    def _concrete(cls, product_name: str, status: SubscriptionLifecycle) -> type[Self]:
        """Return this class when it declares a product type, else the one for product and status.

        Raises ValueError when this class cannot hold a subscription of that product in that status.
        """
        if cls.__base_type__ is None:
            return lookup_specialized_type(SUBSCRIPTION_MODEL_REGISTRY[product_name], status)  # type: ignore[return-value]
        if not is_suited(cls, status):
            raise ValueError(f"{cls} is not valid for status {status.value}")
        registered = SUBSCRIPTION_MODEL_REGISTRY.get(product_name)
        if registered is not None and registered.__base_type__ is not cls.__base_type__:
            raise ValueError(f"{cls} is not the model of product {product_name!r}, which is {registered.__name__}")
        return cls


def validate_lifecycle_change(model: SubscriptionModel, status: SubscriptionLifecycle) -> None:
    """Raise ValueError when a subscription that uses `model` has a status that forbids the change. One statement."""
    if model.baseline() is None:
        return
    safe = SAFE_USER_STATUSES[status]
    unsafe = [user for user in storage().users(model.subscription_id) if user.status not in safe]
    if unsafe:
        listed = ", ".join(
            f"{user.subscription_instance_id} of subscription {user.subscription_id} ({user.status.value})"
            for user in unsafe
        )
        raise ValueError(
            f"Unsafe status change of Subscription with depending subscriptions: {model.subscription_id} cannot become "
            f"{status.value} while used by {listed}"
        )


@contextmanager
def cache_subscription_models() -> Iterator[None]:
    """Load each subscription once inside the block; a block inside another shares its models."""
    if _cache.get() is not None:
        yield
        return
    token = _cache.set({})
    try:
        yield
    finally:
        _cache.reset(token)


def _fixed_inputs(cls: type[SubscriptionModel], row: ProductRow) -> dict[str, Any]:
    return {
        name: typed_value(cls, field, row.fixed_inputs[field.key])
        for name, field in fields_of(cls).values.items()
        if field.key in row.fixed_inputs
    }


def _common_data(model: SubscriptionModel) -> dict[str, Any]:
    return {name: getattr(model, name) for name in _COMMON}


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
