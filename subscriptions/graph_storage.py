"""The database behind the domain models: what `subscriptions.domain.storage` opens at first use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from subscriptions import graph_load
from subscriptions.domain.graph import BlockRow, CatalogueProduct, Graph, ProductRow, UnsafeUser
from subscriptions.domain.storage import Storage
from subscriptions.domain.subscription import SubscriptionModel


class DatabaseStorage:
    """Django's database connection as a `Storage`."""

    def load(self, *, subscription_ids: Sequence[UUID] = (), instance_ids: Sequence[UUID] = ()) -> Graph:
        return graph_load.load(subscription_ids=subscription_ids, instance_ids=instance_ids)

    def product(self, product_id: UUID) -> ProductRow | None:
        return graph_load.product(product_id)

    def block(self, name: str) -> BlockRow | None:
        return graph_load.block(name)

    def catalogue(self, product_id: UUID) -> CatalogueProduct | None:
        return graph_load.catalogue(product_id)

    def users(self, subscription_id: UUID) -> list[UnsafeUser]:
        return graph_load.users(subscription_id)

    def save(self, models: Iterable[SubscriptionModel]) -> None:
        from subscriptions import graph_save

        graph_save.save(models)


STORAGE: Storage = DatabaseStorage()
