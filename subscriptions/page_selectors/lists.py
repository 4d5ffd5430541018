"""The list of subscriptions: what its address asks for, and the rows that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.http import QueryDict

from products.models import Product
from subscriptions.customers import CustomerName, customer_names
from subscriptions.enums import SubscriptionLifecycle as Status
from subscriptions.models import Subscription
from subscriptions.page_selectors import search
from wfo_site.common.json import NUL_MARK
from wfo_site.common.listing import ListPage, paginate

TABS: Final[dict[str, tuple[Status, ...]]] = {
    "active": (Status.ACTIVE,),
    "transient": (Status.INITIAL, Status.PROVISIONING, Status.MIGRATING),
    "terminated": (Status.TERMINATED,),
    "all": (),
}
SORTS: Final[dict[str, str]] = {
    "description": "description",
    "status": "status",
    "insync": "insync",
    "product": "product__name",
    "customer": "customer_id",
    "started": "start_date",
    "ended": "end_date",
}
# A subscription that is being made has no start date: the newest one of those is the one with the latest id.
_DEFAULT_SORTS: Final[dict[str, str]] = {"transient": "-created"}


@dataclass(frozen=True, kw_only=True)
class SubscriptionFilter:
    """Which subscriptions a list shows. Unknown values of an address are ignored: old bookmarks keep working."""

    tab: str = "active"
    text: str = ""
    product_id: UUID | None = None
    status: str = ""
    insync: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> SubscriptionFilter:
        tab = query.get("tab", "active")
        tab = tab if tab in TABS else "active"
        status = query.get("status", "")
        insync = query.get("insync", "")
        return cls(
            tab=tab,
            text=query.get("q", "").replace(NUL_MARK, "").strip()[: search.LONGEST],
            product_id=_uuid(query.get("product", "")),
            status=status if status in (TABS[tab] or tuple(Status)) else "",
            insync=insync if insync in {"yes", "no"} else "",
        )

    @property
    def is_narrowed(self) -> bool:
        """True when a person asked for less than the tab holds."""
        return bool(self.text or self.product_id or self.status or self.insync)

    @property
    def statuses(self) -> list[str]:
        """The statuses that the tab offers to filter by; none when it holds only one."""
        held = TABS[self.tab] or tuple(Status)
        return [status.value for status in held] if len(held) > 1 else []


@dataclass(frozen=True, kw_only=True)
class SubscriptionList:
    """One page of the list, with the names of its customers by id."""

    page: ListPage[Subscription]
    customers: Mapping[str, CustomerName]


def subscription_page(wanted: SubscriptionFilter, params: QueryDict) -> SubscriptionList:
    """Return the page that `wanted` and the page, per and sort of `params` name.

    Two statements, one for each source of customers, up to two for each word searched for; no more with more rows.
    """
    matching = Subscription.objects.filter(_condition(wanted))
    page = paginate(
        matching.select_related("product"),
        params,
        sorts={**SORTS, "created": "pk"},
        default=_DEFAULT_SORTS.get(wanted.tab, "-started"),
        count=matching,
    )
    return SubscriptionList(page=page, customers=customer_names({row.customer_id for row in page.rows}))


def product_choices() -> Sequence[Product]:
    """Return all products by name, for the filter. One statement."""
    return list(Product.objects.order_by("name").only("product_id", "name"))


def has_subscriptions() -> bool:
    """Say whether there is any subscription at all. One statement."""
    return Subscription.objects.exists()


def _condition(wanted: SubscriptionFilter) -> Q:
    found = Q(status__in=[wanted.status] if wanted.status else TABS[wanted.tab]) if _by_status(wanted) else Q()
    if wanted.product_id:
        found &= Q(product_id=wanted.product_id)
    if wanted.insync:
        found &= Q(insync=wanted.insync == "yes")
    return found & search.condition(wanted.text)


def _by_status(wanted: SubscriptionFilter) -> bool:
    return bool(wanted.status or TABS[wanted.tab])


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
