"""Which VLANs of a port are taken, according to the subscriptions."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from products.models import Product
from subscriptions.domain import SubscriptionLifecycle
from subscriptions.models import Subscription, SubscriptionInstance
from wfo_site.examples.network.vlans import VlanRanges


def find_allocated_vlans(
    port_subscription_id: UUID, *, product_types: Iterable[str] | None = None, current: VlanRanges | None = None
) -> VlanRanges:
    """Return the VLANs of all blocks that use a block of this port subscription; those of terminated services are free.

    `product_types` counts only services of these types that are provisioning or active. `current` are VLANs not to
    count, those of the subscription under edit. One query.
    """
    users = SubscriptionInstance.objects.filter(
        depends_on__subscription=port_subscription_id, values__has_key="vlan"
    ).exclude(subscription__status=SubscriptionLifecycle.TERMINATED)
    if product_types is not None:
        users = users.filter(
            subscription__product__product_type__in=product_types,
            subscription__status__in=[SubscriptionLifecycle.PROVISIONING, SubscriptionLifecycle.ACTIVE],
        )
    found = VlanRanges().union(*(str(user["vlan"]) for user in users.values_list("values", flat=True).distinct()))
    return found - current


def lock_ports(port_subscription_ids: Iterable[UUID]) -> None:
    """Let whoever else takes VLANs of these ports wait until the open transaction ends, and then see ours. One query.

    For atomic steps: what is found free after this call is still free when the step is stored.
    """
    ports = Subscription.objects.select_for_update(no_key=True).filter(pk__in=list(port_subscription_ids))
    list(ports.order_by("pk").values_list("pk"))


def lock_product(product_id: UUID) -> None:
    """Let other orders of this product wait until the open transaction ends. One query."""
    list(Product.objects.select_for_update(no_key=True).filter(pk=product_id).values_list("pk"))
