"""Reads for the start page. Each costs the same number of statements whatever the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from products.enums import ProductLifecycle
from products.models import Product
from subscriptions.enums import SubscriptionLifecycle
from subscriptions.models import Subscription
from wfo_site.common.listing import COUNT_CAP

NEWEST = 6


@dataclass(frozen=True, kw_only=True)
class Card:
    """The newest rows of something and how many there are in all; `total` ends in a plus where counting stopped."""

    rows: Sequence[Any]
    total: str


def has_products() -> bool:
    """Say whether anything can be ordered at all."""
    return Product.objects.filter(status=ProductLifecycle.ACTIVE).exists()


def out_of_sync() -> Card:
    """Return subscriptions that are not in sync, those that are ended or not begun left out. Two statements."""
    statuses = [SubscriptionLifecycle.ACTIVE, SubscriptionLifecycle.PROVISIONING, SubscriptionLifecycle.MIGRATING]
    return _subscriptions(Subscription.objects.filter(insync=False, status__in=statuses))


def active_subscriptions() -> Card:
    """Return the newest active subscriptions. Two statements."""
    return _subscriptions(Subscription.objects.filter(status=SubscriptionLifecycle.ACTIVE))


def products_in_use() -> Card:
    """Return active products with `in_use`: how many subscriptions of them are not terminated. One statement."""
    live = ~Q(subscriptions__status=SubscriptionLifecycle.TERMINATED)
    rows = list(
        Product.objects.filter(status=ProductLifecycle.ACTIVE)
        .annotate(in_use=Count("subscriptions", filter=live))
        .order_by("-in_use", "name")
    )
    return Card(rows=rows, total=f"{len(rows):,}")


def _subscriptions(queryset: QuerySet[Subscription, Any]) -> Card:
    newest = queryset.select_related("product").order_by(F("start_date").desc(nulls_last=True), "-subscription_id")
    number = queryset.order_by().values("pk")[: COUNT_CAP + 1].count()
    total = f"{COUNT_CAP:,}+" if number > COUNT_CAP else f"{number:,}"
    return Card(rows=list(newest[:NEWEST]), total=total)
