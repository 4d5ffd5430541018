"""Who the customers of the example are: for pages that name them and forms that ask for one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db.models import Q

from subscriptions.customers import CustomerName
from wfo_site.examples.network.models import Customer
from workflows.forms.pickers import Offer
from workflows.forms.selections import Selection

# A search that finds more customers than this is too wide to be meant.
_MOST = 200


class NetworkCustomers:
    """The table of customers as a source of names, and of what the picker of customers offers."""

    def named(self, customer_ids: Collection[str]) -> Mapping[str, CustomerName]:
        rows = Customer.objects.filter(pk__in=customer_ids).values_list("customer_id", "fullname", "shortcode")
        return {customer_id: CustomerName(fullname, shortcode) for customer_id, fullname, shortcode in rows}

    def matching(self, text: str) -> Collection[str]:
        found = Customer.objects.filter(Q(fullname__icontains=text) | Q(shortcode__icontains=text))
        return list(found.values_list("customer_id", flat=True)[:_MOST])

    def search(self, selection: Selection, text: str, offset: int, limit: int) -> list[Offer]:  # noqa: ARG002
        rows = Customer.objects.order_by("fullname")
        for word in text.split():
            rows = rows.filter(Q(fullname__icontains=word) | Q(shortcode__icontains=word))
        return [_offer(customer) for customer in rows[offset : offset + limit]]

    def describe(self, value: str) -> Offer | None:
        customer = Customer.objects.filter(pk=value).first()
        return _offer(customer) if customer is not None else None


def _offer(customer: Customer) -> Offer:
    return Offer(customer.customer_id, customer.fullname, customer.shortcode)
