"""Subscriptions as they are stored: plain rows, linked to each other, without any model of the database layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from subscriptions.enums import SubscriptionLifecycle
from wfo_site.common.json import JsonValue


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product with its fixed inputs, name to text."""

    product_id: UUID
    name: str
    description: str
    product_type: str
    tag: str
    status: str
    created_at: datetime | None
    end_date: datetime | None
    fixed_inputs: dict[str, str]


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A product block of the catalogue."""

    product_block_id: UUID
    name: str
    tag: str
    description: str


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A subscription that is being loaded."""

    subscription_id: UUID
    product: ProductRow
    customer_id: str
    description: str
    status: SubscriptionLifecycle
    insync: bool
    locked_by: UUID | None
    start_date: datetime | None
    end_date: datetime | None
    note: str | None
    version: int


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """What a block tells of the subscription that owns it."""

    subscription_id: UUID
    status: SubscriptionLifecycle
    description: str
    customer_id: str
    insync: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """One block holds another: `attr` is None in older data, `order` is the place in a list."""

    attr: str | None
    order: int
    child: Instance


@dataclass(slots=True, eq=False)
class Instance:
    """A block as stored, with the blocks that it uses and those that use it.

    `values` is the JSON object of its values. `in_use_by` reaches one level up: those blocks carry their own values and
    owner, but only as much of their own neighbours as was loaded anyway.
    """

    subscription_instance_id: UUID
    product_block: BlockRow
    subscription: OwnerRow
    label: str | None
    values: dict[str, JsonValue]
    root_attr: str | None = None
    root_order: int = 0
    relations: list[Relation] = field(default_factory=list)
    in_use_by: list[Instance] = field(default_factory=list)

    @property
    def subscription_id(self) -> UUID:
        return self.subscription.subscription_id

    @property
    def depends_on(self) -> list[Instance]:
        return [relation.child for relation in self.relations]

    def __repr__(self) -> str:
        return f"<Instance {self.product_block.name} {self.subscription_instance_id} of {self.subscription_id}>"


@dataclass(slots=True)
class Graph:
    """What one load found: the subscriptions asked for, and every block reached from them."""

    subscriptions: dict[UUID, SubscriptionRow] = field(default_factory=dict)
    instances: dict[UUID, Instance] = field(default_factory=dict)

    def roots(self, subscription_id: UUID) -> list[Instance]:
        """Return the blocks directly below a subscription: marked so, or (older data) held by none of its own."""
        owned = [i for i in self.instances.values() if i.subscription_id == subscription_id]
        return sorted(
            (
                instance
                for instance in owned
                if instance.root_attr is not None
                or not any(user.subscription_id == subscription_id for user in instance.in_use_by)
            ),
            key=lambda instance: (instance.root_order, instance.subscription_instance_id),
        )


@dataclass(frozen=True, slots=True)
class CatalogueBlock:
    """What the catalogue says that a block is made of: names."""

    name: str
    resource_types: tuple[str, ...]
    depends_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CatalogueProduct:
    """What the catalogue says that a product is made of: names, and every block that it knows by name."""

    name: str
    product_blocks: tuple[str, ...]
    fixed_inputs: tuple[str, ...]
    blocks: dict[str, CatalogueBlock]


@dataclass(frozen=True, slots=True)
class UnsafeUser:
    """A block of another subscription that holds one of ours."""

    subscription_instance_id: UUID
    subscription_id: UUID
    status: SubscriptionLifecycle
