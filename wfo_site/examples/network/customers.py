"""Who the customers of the example are, for the pages that show a subscription's customer."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db.models import Q

from subscriptions.customers import CustomerName
from wfo_site.examples.network.models import Customer

# A search that finds more customers than this is too wide to be meant.
_MOST = 200


class NetworkCustomers:
    """The table of customers as a source of names."""

    def named(self, customer_ids: Collection[str]) -> Mapping[str, CustomerName]:
        rows = Customer.objects.filter(pk__in=customer_ids).values_list("customer_id", "fullname", "shortcode")
        return {customer_id: CustomerName(fullname, shortcode) for customer_id, fullname, shortcode in rows}

    def matching(self, text: str) -> Collection[str]:
        found = Customer.objects.filter(Q(fullname__icontains=text) | Q(shortcode__icontains=text))
        return list(found.values_list("customer_id", flat=True)[:_MOST])
