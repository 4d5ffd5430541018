"""What the workflows tell the inventory (IMS) of a subscription."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from uuid import uuid5

from django.utils.text import slugify

from wfo_site.examples.network.enums import InterfaceMode, PortMode
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.inventory.interface import (
    AvailableIPPayload,
    CablePayload,
    CableTermination,
    DeviceChanges,
    DevicePayload,
    Interface,
    InterfaceChanges,
    InterfacePayload,
    InventoryConflict,
    InventoryNotFound,
    L2VPNPayload,
    VLANGroupPayload,
)
from wfo_site.examples.network.wfo_products.core_link import CoreLinkBlockProvisioning
from wfo_site.examples.network.wfo_products.l2vpn import L2vpnProvisioning
from wfo_site.examples.network.wfo_products.node import NodeBlockProvisioning
from wfo_site.examples.network.wfo_products.nsip2p import Nsip2pProvisioning
from wfo_site.examples.network.wfo_products.port import PortBlockProvisioning
from wfo_site.examples.network.wfo_products.service_port import SAPBlockProvisioning
from workflows import step_context

Made = TypeVar("Made")

LOOPBACK = "Loopback0"
# What every node offers: name, type, kbit/s.
INTERFACES = tuple(
    [(f"ethernet-1/{number}", "10gbase-x-xfp", 10_000_000) for number in range(1, 11)]
    + [(f"ethernet-1/{number}", "100gbase-x-cfp", 100_000_000) for number in range(11, 15)]
)


def key(name: str) -> str:
    """Return the idempotency key of one object that the running step makes: the same for each try of the step."""
    return str(uuid5(step_context().idempotency_key, name))


def undone_key(name: str) -> str:
    """Return the key that the undone step had for one object."""
    undone = step_context().undone
    assert undone is not None
    return str(uuid5(undone.idempotency_key, name))


def made_before(make: Callable[[], Made]) -> Made | None:
    """Return what the undone step made, by making it once more with `undone_key`: it may have stopped half way.

    None where it came to nothing, because another object stood in the way.
    """
    try:
        return make()
    except (InventoryConflict, InventoryNotFound):
        return None


def release_interface(interface_id: int, key: str) -> None:
    """Take an interface out of use, if the undone step took it into use."""
    inventory = get_inventory()
    if made_before(lambda: inventory.enable_interface(interface_id, idempotency_key=key)) is not None:
        inventory.update_interface(interface_id, {"description": "", "mode": "", "enabled": False})


def free_interface(interface_id: int) -> Interface:
    """Return an interface that nobody uses. Hours may lie between the form and the step that asks.

    Raises InventoryNotFound and InventoryConflict. Who takes it into use is settled by `enable_interface`.
    """
    interface = get_inventory().interface(interface_id)
    if interface is None:
        raise InventoryNotFound(f"The inventory has no interface with id {interface_id} any more; order another port")
    if interface.enabled or interface.cable is not None:
        raise InventoryConflict(f"Interface {interface.name} is in use by now; abort this order and choose a free one")
    return interface


def device_payload(node: NodeBlockProvisioning) -> DevicePayload:
    return DevicePayload(
        name=node.node_name,
        site=node.site_id,
        device_type=node.type_id,
        role=node.role_id,
        status=node.node_status,
        primary_ip4=node.ipv4_ipam_id,
        primary_ip6=node.ipv6_ipam_id,
    )


def device_changes(node: NodeBlockProvisioning) -> DeviceChanges:
    return DeviceChanges(**device_payload(node))


def loopback_payload(device_id: int) -> InterfacePayload:
    return InterfacePayload(device=device_id, name=LOOPBACK, type="virtual", enabled=True, speed=None)


def address_payload(interface_id: int, description: str) -> AvailableIPPayload:
    return AvailableIPPayload(
        description=description,
        assigned_object_id=interface_id,
        assigned_object_type="dcim.interface",
        status="active",
    )


def port_changes(port: PortBlockProvisioning) -> InterfaceChanges:
    """Return what a port's interface should be; its VLANs belong to the services on it."""
    return InterfaceChanges(
        description=port.port_description or "", mode=interface_mode(port.port_mode), enabled=port.enabled
    )


def interface_mode(port_mode: str) -> str:
    """Return the inventory's word for a port mode; a member of a link has none of its own."""
    modes = {PortMode.TAGGED: InterfaceMode.TAGGED, PortMode.UNTAGGED: InterfaceMode.ACCESS}
    return str(modes.get(PortMode(port_mode), ""))


def core_link_name(link: CoreLinkBlockProvisioning) -> str:
    a, b = link.ports
    return f"{a.node.node_name} {a.port_name} <-> {b.port_name} {b.node.node_name}"


def cable_payload(link: CoreLinkBlockProvisioning, interface_a: int, interface_b: int) -> CablePayload:
    def end(interface_id: int) -> list[CableTermination]:
        return [CableTermination(object_id=interface_id, object_type="dcim.interface")]

    return CablePayload(
        type="smf",
        status="connected",
        description=core_link_name(link),
        a_terminations=end(interface_a),
        b_terminations=end(interface_b),
    )


def vlan_group_payload(sap: SAPBlockProvisioning) -> VLANGroupPayload:
    name = f"{sap.port.node.node_name} {sap.port.port_name} {sap.vlan}"
    # A slug keeps letters, digits and dashes: without this, ethernet-1/11 and ethernet-1/1 1 would look the same.
    slug = slugify(name.replace("/", "-").replace(",", "-"))
    return VLANGroupPayload(name=name, slug=slug, vid_ranges=sap.vlan.to_list_of_tuples())


def l2vpn_payload(subscription: L2vpnProvisioning | Nsip2pProvisioning) -> L2VPNPayload:
    """Name it after the subscription, so that it can be found again whatever its description becomes."""
    return L2VPNPayload(
        name=f"{subscription.subscription_id} {subscription.product.name}",
        slug=str(subscription.subscription_id),
        type="mpls-evpn",
    )
