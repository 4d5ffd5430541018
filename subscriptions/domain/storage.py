"""The one door from the domain models to the database, opened at first use, so that importing needs no settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from subscriptions.domain.graph import BlockRow, CatalogueProduct, Graph, ProductRow, UnsafeUser

if TYPE_CHECKING:
    from subscriptions.domain.subscription import SubscriptionModel


class Storage(Protocol):
    """What the domain models ask of the database."""

    def load(self, *, subscription_ids: Sequence[UUID] = (), instance_ids: Sequence[UUID] = ()) -> Graph:
        """Load everything below these subscriptions and blocks, in at most 5 statements. Unknown ids are left out."""

    def product(self, product_id: UUID) -> ProductRow | None:
        """Return one product with its fixed inputs."""

    def block(self, name: str) -> BlockRow | None:
        """Return one product block of the catalogue."""

    def catalogue(self, product_id: UUID) -> CatalogueProduct | None:
        """Return what the catalogue says that a product and every block is made of."""

    def users(self, subscription_id: UUID) -> list[UnsafeUser]:
        """Return the blocks of other subscriptions that hold a block of this one."""

    def save(self, models: Iterable[SubscriptionModel]) -> None:
        """Write what changed in these models since they were loaded, in one transaction."""


def storage() -> Storage:
    from subscriptions import graph_storage

    return graph_storage.STORAGE
