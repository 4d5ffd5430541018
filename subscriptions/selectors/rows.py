"""Reads of subscriptions and of how they hang together. Each says how many statements it takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from subscriptions.domain.errors import SubscriptionNotFound
from subscriptions.models import Subscription, SubscriptionInstance
from subscriptions.selectors.values import instances_with


def get_subscription(subscription_id: UUID | str) -> Subscription:
    """Return the row with its product, in 1 statement. Raises SubscriptionNotFound, also for what is no UUID."""
    try:
        wanted = subscription_id if isinstance(subscription_id, UUID) else UUID(subscription_id)
    except ValueError:
        raise SubscriptionNotFound(subscription_id) from None
    found = Subscription.objects.select_related("product").filter(pk=wanted).first()
    if found is None:
        raise SubscriptionNotFound(subscription_id)
    return found


def plain_subscription(subscription_id: UUID) -> dict[str, Any]:
    """Return the row as a dict, for a subscription that no longer fits its model. Raises SubscriptionNotFound."""
    found = get_subscription(subscription_id)
    return {field.attname: getattr(found, field.attname) for field in found._meta.concrete_fields}


def subscription_list(
    *,
    statuses: Iterable[str] | None = None,
    product_ids: Iterable[UUID] | None = None,
    tags: Iterable[str] | None = None,
    customer_id: str | None = None,
    insync: bool | None = None,
    text: str = "",
) -> QuerySet[Subscription]:
    """Return the subscriptions that meet every condition given, newest first, with their products. 1 statement.

    `text` is part of the description, of the note or of the product's name, or the beginning of the subscription's id.
    """
    found = Subscription.objects.select_related("product")
    if statuses is not None:
        found = found.filter(status__in=list(statuses))
    if product_ids is not None:
        found = found.filter(product_id__in=list(product_ids))
    if tags is not None:
        found = found.filter(product__tag__in=list(tags))
    if customer_id is not None:
        found = found.filter(customer_id=customer_id)
    if insync is not None:
        found = found.filter(insync=insync)
    if text := text.strip():
        matches = Q(description__icontains=text) | Q(note__icontains=text) | Q(product__name__icontains=text)
        if bounds := _id_range(text):
            matches |= Q(subscription_id__range=bounds)
        found = found.filter(matches)
    return found


def in_use_by_subscriptions(subscription_id: UUID, statuses: Iterable[str] | None = None) -> QuerySet[Subscription]:
    """Return the other subscriptions that hold a block of this one. 1 statement when read.

    Subscriptions that name this one in a value of RELATION_RESOURCE_TYPES count too.
    """
    holders = SubscriptionInstance.objects.filter(depends_on_relations__depends_on__subscription_id=subscription_id)
    related = Q(pk__in=holders.values("subscription_id"))
    for resource_type in _relation_resource_types():
        related |= Q(pk__in=instances_with(resource_type, str(subscription_id)).values("subscription_id"))
    return _others(subscription_id, related, statuses)


def depends_on_subscriptions(subscription_id: UUID, statuses: Iterable[str] | None = None) -> QuerySet[Subscription]:
    """Return the other subscriptions of which this one holds a block. 1 statement when read, 2 with such values."""
    held = SubscriptionInstance.objects.filter(in_use_by_relations__in_use_by__subscription_id=subscription_id)
    related = Q(pk__in=held.values("subscription_id"))
    if resource_types := _relation_resource_types():
        named = SubscriptionInstance.objects.filter(subscription_id=subscription_id).values_list("values", flat=True)
        ids = {value for values in named for key in resource_types if (value := _uuid(values.get(key)))}
        related |= Q(pk__in=ids)
    return _others(subscription_id, related, statuses)


def _others(subscription_id: UUID, related: Q, statuses: Iterable[str] | None) -> QuerySet[Subscription]:
    found = Subscription.objects.filter(related).exclude(pk=subscription_id).select_related("product")
    return found if statuses is None else found.filter(status__in=list(statuses))


def _relation_resource_types() -> list[str]:
    return list(getattr(settings, "RELATION_RESOURCE_TYPES", ()))


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def _id_range(text: str) -> tuple[UUID, UUID] | None:
    """Return the first and the last id that begin with `text`; None when it is not the beginning of an id."""
    digits = text.replace("-", "").lower()
    if not 4 <= len(digits) <= 32 or any(digit not in "0123456789abcdef" for digit in digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
