"""Product blocks: typed groups of values and further blocks, of which subscriptions are built."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Collection
from typing import Any, ClassVar, Self, overload
from uuid import UUID

from pydantic import PrivateAttr

from subscriptions.domain.base import DomainModel, fields_of
from subscriptions.domain.fields import BlockField
from subscriptions.domain.graph import BlockRow, Instance
from subscriptions.domain.lifecycle import lookup_specialized_type, register_variant
from subscriptions.domain.storage import storage
from subscriptions.enums import SubscriptionLifecycle
from wfo_site.common.uuid7 import uuid7

logger = logging.getLogger(__name__)

_COMMON = frozenset({"name", "subscription_instance_id", "owner_subscription_id", "label"})
_TAG_LENGTH = 20


class _Catalogue:
    """A class attribute that stands in the catalogue: read from the loaded block, else from the database by name."""

    def __init__(self, column: str) -> None:
        self.column = column

    @overload
    def __get__(self, block: None, owner: type[ProductBlockModel]) -> Any: ...
    @overload
    def __get__(self, block: ProductBlockModel, owner: type[ProductBlockModel]) -> Any: ...
    def __get__(self, block: ProductBlockModel | None, owner: type[ProductBlockModel]) -> Any:
        # Not cached on the class: people edit descriptions, and a test rolls its rows back.
        row = block.catalogue_row if block is not None else _catalogue_row(owner)
        return getattr(row, self.column)


def _catalogue_row(cls: type[ProductBlockModel]) -> BlockRow:
    if cls.__block_name__ is None:
        raise ValueError(f"{cls.__name__} is abstract, so the catalogue has no block of its name")
    row = storage().block(cls.__block_name__)
    if row is None:
        raise ValueError(
            f"The catalogue has no product block {cls.__block_name__!r}; run `manage.py sync_catalogue` to add it"
        )
    return row


class ProductBlockModel(DomainModel):
    """A group of attributes of a subscription.

    Attributes of plain types are values; those whose type is another block hold blocks, also ones owned by other
    subscriptions. Class arguments: `product_block_name` declares a block under its name in the catalogue (with, for the
    catalogue, `tag` and `description`; by default the name in capitals and the first paragraph of the docstring);
    `lifecycle` declares a subclass as the block's shape in those statuses. A class with neither is abstract.
    """

    _is_product_block_: ClassVar[bool] = True
    _common_fields_: ClassVar[frozenset[str]] = _COMMON

    # Every declared block: name to the class that declared it.
    registry: ClassVar[dict[str, type[ProductBlockModel]]] = {}
    # The names of the block and of those that descend from it, which a field of this type accepts.
    __names__: ClassVar[set[str]] = set()
    __block_name__: ClassVar[str | None] = None
    __declared_tag__: ClassVar[str] = ""
    __declared_description__: ClassVar[str] = ""

    product_block_id: ClassVar[Any] = _Catalogue("product_block_id")
    description: ClassVar[Any] = _Catalogue("description")
    tag: ClassVar[Any] = _Catalogue("tag")

    name: str
    subscription_instance_id: UUID
    owner_subscription_id: UUID
    label: str | None = None

    _stored: Instance | None = PrivateAttr(default=None)
    _catalogue: BlockRow | None = PrivateAttr(default=None)
    _saved_with: DomainModel | None = PrivateAttr(default=None)

    def __init_subclass__(
        cls,
        *,
        product_block_name: str | None = None,
        lifecycle: list[SubscriptionLifecycle] | None = None,
        tag: str | None = None,
        description: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.__wfo_fields__ = None
        if product_block_name is not None:
            cls.__block_name__ = product_block_name
            cls.__base_type__ = cls
            cls.__names__ = {product_block_name}
            cls.__declared_tag__ = tag or _default_tag(product_block_name)
            cls.__declared_description__ = description or _first_paragraph(cls) or product_block_name
        elif lifecycle is None and not _is_parametrised(cls):
            cls.__block_name__ = None
            cls.__base_type__ = None
            cls.__names__ = set()
        if cls.__block_name__ is not None:
            # pydantic takes a class attribute of this name as the field's default, and removes it.
            cls.name = cls.__block_name__

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        product_block_name: str | None = None,
        lifecycle: list[SubscriptionLifecycle] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__()
        type.__setattr__(cls, "name", cls.__block_name__)
        cls._prepare(lifecycle)
        if cls.__block_name__ is None or _is_parametrised(cls):
            return
        if product_block_name is not None:
            ProductBlockModel.registry[product_block_name] = cls
        register_variant(cls, lifecycle)
        for ancestor in cls.__mro__:
            if issubclass(ancestor, ProductBlockModel) and ancestor is not ProductBlockModel:
                ancestor.__names__.add(cls.__block_name__)

    @classmethod
    def new(cls, subscription_id: UUID, **kwargs: Any) -> Self:
        """Make a block owned by `subscription_id`, in memory only, with the nested blocks that it requires.

        Nested blocks not given are made too: one for a single block, the minimum for a list, none for an optional one.
        Raises ValueError for an abstract class and for a required union, where the choice is the caller's.
        """
        if cls.__block_name__ is None:
            names = ", ".join(sorted(cls.__names__)) or "its subclasses"
            raise ValueError(f"Cannot create instance of abstract class. Use one of {names}")
        if rejected := kwargs.pop("name", None):
            logger.warning("the name of block %s is fixed; %r is ignored", cls.__block_name__, rejected)
        data = {**new_blocks(cls, subscription_id, given=kwargs), **kwargs}
        return cls(
            **{
                "subscription_instance_id": uuid7(),
                **data,
                "name": cls.__block_name__,
                "owner_subscription_id": subscription_id,
            }
        )

    @classmethod
    def from_db(
        cls,
        subscription_instance_id: UUID | None = None,
        subscription_instance: Instance | None = None,
        status: SubscriptionLifecycle | None = None,
    ) -> Self:
        """Load a block and everything below it, in the shape for its owner's status.

        Raises ValueError when there is no such block, or when it is not one of this class. At most 5 statements.
        """
        from subscriptions.domain.hydrate import load_block

        wanted = subscription_instance_id or (
            subscription_instance.subscription_instance_id if subscription_instance else None
        )
        if wanted is None:
            raise ValueError("Name the block to load: subscription_instance_id or subscription_instance")
        return load_block(cls, wanted, status)

    @classmethod
    def from_other_lifecycle(
        cls, other: ProductBlockModel, status: SubscriptionLifecycle, subscription_id: UUID
    ) -> Self:
        """Validate a block in the shape for another status, with everything below it that `subscription_id` owns.

        Raises ValidationError when something that `status` requires is missing.
        """
        from subscriptions.domain.convert import Converter

        return Converter(subscription_id, status).block(other, cls)

    @property
    def in_use_by(self) -> list[Instance]:
        """Blocks that hold this one, of any subscription, as they were when this block was loaded. No query."""
        return self._stored.in_use_by if self._stored else []

    @property
    def depends_on(self) -> list[Instance]:
        """Blocks that this one held when it was loaded. No query."""
        return self._stored.depends_on if self._stored else []

    @property
    def stored(self) -> Instance | None:
        """The block as it was loaded; None for a new one."""
        return self._stored

    @property
    def saved_with(self) -> DomainModel | None:
        """The subscription that it was loaded with, see `load_owned_block`; None for all other blocks."""
        return self._saved_with

    @property
    def catalogue_row(self) -> BlockRow:
        """The block's row in the catalogue: the loaded one, else read once."""
        if self._stored is not None:
            return self._stored.product_block
        if self._catalogue is None:
            self._catalogue = _catalogue_row(type(self))
        return self._catalogue


def new_blocks(cls: type[DomainModel], subscription_id: UUID, *, given: Collection[str] = ()) -> dict[str, Any]:
    """Make the blocks that an empty object of `cls` requires: attribute name to block, list or None."""
    blocks: dict[str, Any] = {}
    for name, field in fields_of(cls).blocks.items():
        if name in given or field.key in given:
            continue
        if field.is_list:
            blocks[name] = [
                _new_block(cls, field, subscription_id) for _ in range(0 if field.optional else field.min_length)
            ]
        elif field.optional:
            blocks[name] = None
        else:
            blocks[name] = _new_block(cls, field, subscription_id)
    return blocks


def _new_block(cls: type[DomainModel], field: BlockField, subscription_id: UUID) -> ProductBlockModel:
    if len(field.blocks) > 1:
        names = ", ".join(block.__name__ for block in field.blocks)
        raise ValueError(f"{cls.__name__}.{field.name} takes one of {names}; give the one to use, it cannot be chosen")
    return field.blocks[0].new(subscription_id)


def block_class(name: str, status: SubscriptionLifecycle) -> type[ProductBlockModel] | None:
    """Return the class for blocks of this name in `status`; None when no block of that name is declared."""
    base = ProductBlockModel.registry.get(name)
    return None if base is None else lookup_specialized_type(base, status)


def _is_parametrised(cls: type[ProductBlockModel]) -> bool:
    """Say whether pydantic made the class from a generic one, as `Block[int]`: that is no new block.

    By its name, which no class statement can give: while the class is being made pydantic has not noted it elsewhere.
    """
    return cls.__name__.endswith("]")


def _default_tag(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s-]+", "_", name).upper()[:_TAG_LENGTH]


def _first_paragraph(cls: type) -> str:
    text = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    return " ".join(text.split("\n\n")[0].split())[:2000]
