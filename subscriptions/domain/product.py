"""The product of a subscription, as its model shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Self
from uuid import UUID

from products.enums import ProductLifecycle
from subscriptions.domain.base import DomainModel
from subscriptions.domain.graph import ProductRow


class ProductModel(DomainModel):
    """The product of a subscription, to read."""

    product_id: UUID
    name: str
    description: str
    product_type: str
    tag: str
    status: ProductLifecycle
    created_at: datetime | None = None
    end_date: datetime | None = None

    @classmethod
    def of(cls, row: ProductRow) -> Self:
        return cls(
            product_id=row.product_id,
            name=row.name,
            description=row.description,
            product_type=row.product_type,
            tag=row.tag,
            status=ProductLifecycle(row.status),
            created_at=row.created_at,
            end_date=row.end_date,
        )
