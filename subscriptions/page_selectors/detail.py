"""One subscription and what hangs together with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import QueryDict

from products.models import FixedInput
from subscriptions.customers import CustomerName, customer_names
from subscriptions.enums import SubscriptionLifecycle as Status
from subscriptions.models import Subscription, SubscriptionCustomerDescription, SubscriptionMetadata
from subscriptions.selectors import BlockNode, depends_on_subscriptions, in_use_by_subscriptions
from wfo_site.common.json import JsonValue
from wfo_site.common.listing import ListPage, paginate

_LIVE = [status for status in Status if status is not Status.TERMINATED]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the tab General shows beside the subscription's own row."""

    fixed_inputs: Sequence[FixedInput]
    customer_descriptions: Sequence[SubscriptionCustomerDescription]
    metadata: JsonValue


@dataclass(frozen=True, kw_only=True)
class Related:
    """Subscriptions of which this one holds blocks, and those that hold blocks of it."""

    uses: ListPage[Subscription]
    used_by: ListPage[Subscription]
    customers: Mapping[str, CustomerName]


def customer(subscription: Subscription) -> CustomerName | None:
    """Return what the customer is called; None when nobody knows. One statement for each source of customers."""
    return customer_names([subscription.customer_id]).get(subscription.customer_id)


def facts(subscription: Subscription) -> Facts:
    """Return fixed inputs, descriptions of customers and metadata. Three statements."""
    metadata = SubscriptionMetadata.objects.filter(pk=subscription.pk).values_list("metadata", flat=True).first()
    return Facts(
        fixed_inputs=list(FixedInput.objects.filter(product_id=subscription.product_id)),
        customer_descriptions=list(
            SubscriptionCustomerDescription.objects.filter(subscription=subscription).order_by("created_at", "pk")
        ),
        metadata=metadata or {},
    )


def related(subscription: Subscription, params: QueryDict, *, with_terminated: bool) -> Related:
    """Return both directions, the parameter `page` meant for the longer one. Four statements and the customers'."""
    statuses = None if with_terminated else _LIVE
    uses = _page(depends_on_subscriptions(subscription.pk, statuses), params)
    used_by = _page(in_use_by_subscriptions(subscription.pk, statuses), params)
    shown = {row.customer_id for found in (uses, used_by) for row in found.rows}
    return Related(uses=uses, used_by=used_by, customers=customer_names(shown))


def block_count(tree: Sequence[BlockNode]) -> int:
    """Return how many blocks a tree holds, each place in it counted."""
    return sum(1 for _ in walk(tree))


def walk(tree: Sequence[BlockNode]) -> Iterator[BlockNode]:
    """Go through a tree from the top down."""
    for node in tree:
        yield node
        yield from walk(node.children)


def _page(queryset: QuerySet[Subscription], params: QueryDict) -> ListPage[Subscription]:
    return paginate(queryset, params, sorts={"started": "start_date", "description": "description"}, default="-started")
