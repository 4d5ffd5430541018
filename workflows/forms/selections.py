"""What a picker may offer: a selection that stands in the JSON schema, is checked on the server and travels signed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from products.models import Product
    from subscriptions.models import Subscription


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which subscriptions or products may be picked; an empty part does not narrow."""

    product_types: tuple[str, ...] = ()
    product_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    customer_id: str = ""

    @classmethod
    def of(
        cls,
        *,
        product_types: Iterable[str] = (),
        product_ids: Iterable[object] = (),
        tags: Iterable[str] = (),
        statuses: Iterable[object] = (),
        excluded: Iterable[object] = (),
        customer_id: object = "",
    ) -> Selection:
        """Make a selection of UUIDs, enums or text; a single text counts as one."""
        return cls(
            product_types=_texts(product_types),
            product_ids=_texts(product_ids),
            tags=_texts(tags),
            statuses=_texts(statuses),
            excluded=_texts(excluded),
            customer_id=str(customer_id or ""),
        )

    @classmethod
    def from_extra(cls, extra: Mapping[str, Any]) -> Selection:
        """Read what `to_extra` wrote; unknown keys are left alone, for packages may add their own."""
        read = {name: extra.get(key) for name, key in _KEYS.items()}
        return cls.of(**{name: value for name, value in read.items() if value})

    def to_extra(self) -> dict[str, Any]:
        """Return the parts that narrow under the names that clients of the JSON schema know."""
        values = {_KEYS[field.name]: getattr(self, field.name) for field in fields(self)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items() if value}

    def subscriptions(self) -> QuerySet[Subscription]:
        """Return the subscriptions that may be picked, newest first."""
        from subscriptions.models import Subscription

        rows = Subscription.objects.select_related("product")
        for lookup, wanted in (
            ("product__product_type__in", self.product_types),
            ("product_id__in", _uuids(self.product_ids)),
            ("product__tag__in", self.tags),
            ("status__in", self.statuses),
        ):
            if wanted:
                rows = rows.filter(**{lookup: wanted})
        if self.customer_id:
            rows = rows.filter(customer_id=self.customer_id)
        return rows.exclude(subscription_id__in=_uuids(self.excluded)) if self.excluded else rows

    def products(self) -> QuerySet[Product]:
        """Return the products that may be picked, by name."""
        from products.models import Product

        rows = Product.objects.all()
        for lookup, wanted in (
            ("product_type__in", self.product_types),
            ("product_id__in", _uuids(self.product_ids)),
            ("tag__in", self.tags),
            ("status__in", self.statuses),
        ):
            if wanted:
                rows = rows.filter(**{lookup: wanted})
        return rows.exclude(product_id__in=_uuids(self.excluded)) if self.excluded else rows


_KEYS = {
    "product_types": "productTypes",
    "product_ids": "productIds",
    "tags": "tags",
    "statuses": "statuses",
    "excluded": "excludedSubscriptionIds",
    "customer_id": "customerId",
}


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    single = isinstance(values, str | uuid.UUID)
    return tuple(str(getattr(value, "value", value)) for value in ([values] if single else values))


def _uuids(values: Iterable[str]) -> list[uuid.UUID]:
    return [uuid.UUID(value) for value in values]
