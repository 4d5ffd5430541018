"""Which VLANs of a port are taken, according to the subscriptions."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from subscriptions.domain import SubscriptionLifecycle
from subscriptions.models import SubscriptionInstance
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
