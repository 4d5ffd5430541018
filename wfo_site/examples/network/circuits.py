"""What the workflows of all products with a virtual circuit do in the inventory. Called from steps."""

from __future__ import annotations

from functools import partial

from wfo_site.examples.network import ims
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.wfo_products.l2vpn import L2vpnProvisioning, VirtualCircuitBlockProvisioning
from wfo_site.examples.network.wfo_products.nsip2p import Nsip2pProvisioning


def create_vlans(circuit: VirtualCircuitBlockProvisioning) -> None:
    """Make a VLAN group for each service attachment point, with its VLANs, and note its id."""
    inventory = get_inventory()
    for number, sap in enumerate(circuit.saps):
        group = inventory.create_vlan_group(
            ims.vlan_group_payload(sap), idempotency_key=ims.key(f"VLAN group {number}")
        )
        for vid in sap.vlan:
            inventory.create_vlan(
                {
                    "vid": vid,
                    "name": f"{sap.port.node.node_name} - {vid}",
                    "group": group.id,
                    "status": "active",
                },
                idempotency_key=ims.key(f"VLAN {number} {vid}"),
            )
        sap.ims_id = group.id


def delete_vlans(circuit: VirtualCircuitBlockProvisioning) -> None:
    """Take back `create_vlans`: delete the groups with their VLANs, which the ports then carry no more."""
    inventory = get_inventory()
    for number, sap in enumerate(circuit.saps):
        payload, key = ims.vlan_group_payload(sap), ims.undone_key(f"VLAN group {number}")
        group_id = sap.ims_id
        if group_id is None:
            group = ims.made_before(partial(inventory.create_vlan_group, payload, idempotency_key=key))
            group_id = group.id if group else None
        if group_id is not None:
            for vlan in inventory.vlans(groups=[group_id]):
                inventory.delete_vlan(vlan.id)
            inventory.delete_vlan_group(group_id)
        sap.ims_id = None


def create_l2vpn(subscription: L2vpnProvisioning | Nsip2pProvisioning) -> None:
    """Make the object that joins the VLANs, unless there is one of its name, and note its id."""
    inventory, payload = get_inventory(), ims.l2vpn_payload(subscription)
    l2vpn = inventory.l2vpn_by_name(payload["name"]) or inventory.create_l2vpn(
        payload, idempotency_key=ims.key("l2vpn")
    )
    subscription.virtual_circuit.ims_id = l2vpn.id


def delete_l2vpn(subscription: L2vpnProvisioning | Nsip2pProvisioning) -> None:
    """Take back `create_l2vpn`, by name where the subscription does not know the id; its terminations go with it."""
    inventory = get_inventory()
    found = inventory.l2vpn_by_name(ims.l2vpn_payload(subscription)["name"])
    if found is not None:
        inventory.delete_l2vpn(found.id)
    subscription.virtual_circuit.ims_id = None


def create_terminations(circuit: VirtualCircuitBlockProvisioning) -> list[int]:
    """Join every VLAN of the circuit to its L2VPN, and return the ids of the terminations."""
    inventory = get_inventory()
    assert circuit.ims_id is not None
    terminations = [
        inventory.create_l2vpn_termination(
            {"l2vpn": circuit.ims_id, "assigned_object_id": vlan.id, "assigned_object_type": "ipam.vlan"},
            idempotency_key=ims.key(f"termination {vlan.id}"),
        )
        for vlan in inventory.vlans(groups=[sap.ims_id for sap in circuit.saps if sap.ims_id is not None])
    ]
    return [each.id for each in terminations]


def tag_ports(circuit: VirtualCircuitBlockProvisioning) -> dict[str, list[int]]:
    """Let the ports carry the VLANs of the circuit; return all that each carries now: title to ids of VLANs."""
    inventory = get_inventory()
    tagged = {}
    for sap in circuit.saps:
        assert sap.ims_id is not None
        vlans = [vlan.id for vlan in inventory.vlans(groups=[sap.ims_id])]
        interface = inventory.add_tagged_vlans(sap.port.ims_id, vlans)
        tagged[sap.port.title] = list(interface.tagged_vlans)
    return tagged
