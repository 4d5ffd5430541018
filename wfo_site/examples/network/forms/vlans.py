"""Rules for the VLANs that a form asks for."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from subscriptions.models import Subscription
from wfo_site.examples.network.allocations import find_allocated_vlans
from wfo_site.examples.network.vlans import VlanRanges

# 0 means untagged and 4095 is reserved: what a frame can carry.
USABLE = VlanRanges([(1, 4094)])


def validate_vlan(vlan: VlanRanges, tag: str) -> VlanRanges:
    """Raise ValueError unless there is at least one VLAN, all of them such that a frame can carry."""
    if not vlan:
        raise ValueError("vlan must have a value")
    if vlan == VlanRanges(0):
        raise ValueError(f"{tag} must have a vlan")
    if unusable := vlan - USABLE:
        raise ValueError(f"Vlan(s) {unusable} cannot be used, choose from {USABLE}")
    return vlan


def validate_vlan_not_in_use(
    vlan: VlanRanges, port_subscription_ids: Sequence[UUID], *, current: VlanRanges | None = None
) -> VlanRanges:
    """Raise ValueError if one of the ports carries one of the VLANs. `current`: held by the subscription under edit."""
    taken = VlanRanges().union(*(find_allocated_vlans(port, current=current) for port in port_subscription_ids))
    if used := vlan & taken:
        raise ValueError(f"Vlan(s) {used} already in use")
    return vlan


def validate_single_vlan(vlan: VlanRanges, tag: str) -> VlanRanges:
    """Raise ValueError unless there is exactly one VLAN."""
    if not vlan.is_single_vlan:
        raise ValueError(f"{tag} must have a single vlan, not {vlan}")
    return vlan


def validate_reserved_vlan(
    vlan: VlanRanges, port_subscription_ids: Sequence[UUID], *, current: VlanRanges | None = None
) -> VlanRanges:
    """Raise ValueError unless termination points reserve the VLANs on all ports, and no NSI circuit carries them.

    `current`: held by the subscription under edit.
    """
    ports = list(dict.fromkeys(port_subscription_ids))
    if not ports:
        return vlan
    reserved = {port: find_allocated_vlans(port, product_types=["Nsistp"]) for port in ports}
    taken = VlanRanges().union(
        *(find_allocated_vlans(port, product_types=["Nsip2p"], current=current) for port in ports)
    )
    available = reserved[ports[0]]
    for port in ports[1:]:
        available &= reserved[port]
    for port in ports:
        if missing := vlan - reserved[port]:
            name = Subscription.objects.values_list("description", flat=True).get(pk=port)
            raise ValueError(
                f"VLAN(s) {missing} not reserved by Nsistp on {name}. Available vlans: {available - taken or 'none'}"
            )
    if used := vlan & taken:
        raise ValueError(f"Vlan(s) {used} already in use. Available vlans: {available - taken or 'none'}")
    return vlan
