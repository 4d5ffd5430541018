"""Create a layer 2 VPN: VLANs on two to eight ports, joined in the inventory."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator

from subscriptions.domain import SubscriptionLifecycle
from wfo_site.examples.network import ims, nrm
from wfo_site.examples.network.forms import choices
from wfo_site.examples.network.forms.subscriptions import tagged_ports
from wfo_site.examples.network.forms.vlans import validate_vlan, validate_vlan_not_in_use
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.vlans import VlanRanges
from wfo_site.examples.network.wfo_products.descriptions import description
from wfo_site.examples.network.wfo_products.l2vpn import MAX_SAPS, MIN_SAPS, L2vpnInactive, L2vpnProvisioning
from wfo_site.examples.network.wfo_products.port import Port
from wfo_site.examples.network.wfo_products.service_port import SAPBlockInactive
from workflows import (
    State,
    StepList,
    begin,
    create_workflow,
    nothing_to_undo,
    set_status,
    step,
    store_process_subscription,
)
from workflows.forms import FormGenerator, FormPage, SubmitFormPage

TAG = "L2VPN"


def initial_input_form(product_name: str) -> FormGenerator:
    """Ask for customer, number of ports and speed, then for the ports and the VLANs on them."""
    customer = choices.customers()

    class CreateL2vpnForm(FormPage, title=product_name):
        customer_id: customer  # type: ignore[valid-type]
        number_of_ports: Annotated[int, Field(ge=MIN_SAPS, le=MAX_SAPS)]
        speed: Annotated[int, Field(ge=1)]
        speed_policer: bool | None = False

    page = yield CreateL2vpnForm
    ports_type = tagged_ports(page.number_of_ports)

    class SelectPortsForm(SubmitFormPage, title=product_name):
        ports: ports_type  # type: ignore[valid-type]
        vlan: VlanRanges = VlanRanges(0)

        @field_validator("vlan")
        @classmethod
        def vlan_is_usable_and_free(cls, vlan: VlanRanges, info: ValidationInfo) -> VlanRanges:
            validate_vlan(vlan, TAG)
            # Ports that are wrong themselves say so; there is nothing to compare with then.
            return validate_vlan_not_in_use(vlan, info.data.get("ports", []))

    ports_page = yield SelectPortsForm
    inputs: State = page.model_dump() | ports_page.model_dump()
    return inputs


@step("Construct Subscription model", undo=set_status(SubscriptionLifecycle.TERMINATED))
def construct_l2vpn_model(
    *, product: UUID, customer_id: str, ports: list[UUID], vlan: str, speed: int, speed_policer: bool | None = None
) -> State:
    # Once more: hours may lie between the form and this step.
    vlans = validate_vlan_not_in_use(VlanRanges(vlan), ports)
    initial = L2vpnInactive.from_product_id(product, customer_id)
    circuit = initial.virtual_circuit
    circuit.speed = speed
    circuit.speed_policer = bool(speed_policer)
    circuit.saps = [
        SAPBlockInactive.new(initial.subscription_id, port=Port.from_subscription(port).port, vlan=vlans)
        for port in ports
    ]
    subscription = L2vpnProvisioning.from_other_lifecycle(initial, SubscriptionLifecycle.PROVISIONING)
    subscription.description = description(subscription)
    return {"subscription": subscription, "subscription_id": subscription.subscription_id}


def delete_vlans_in_ims(subscription: L2vpnProvisioning) -> State:
    """Delete the VLAN groups with their VLANs."""
    inventory = get_inventory()
    for number, sap in enumerate(subscription.virtual_circuit.saps):
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
    return {"subscription": subscription}


@step("Create VLANs in IMS", undo=delete_vlans_in_ims)
def create_vlans_in_ims(subscription: L2vpnProvisioning) -> State:
    """Make a VLAN group for each service attachment point, with its VLANs."""
    inventory = get_inventory()
    for number, sap in enumerate(subscription.virtual_circuit.saps):
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
    return {"subscription": subscription}


def delete_l2vpn_in_ims(subscription: L2vpnProvisioning) -> State:
    """Delete the L2VPN with its terminations, found by its name where the subscription does not know it."""
    inventory, circuit = get_inventory(), subscription.virtual_circuit
    found = inventory.l2vpn_by_name(ims.l2vpn_payload(subscription)["name"])
    if found is not None:
        inventory.delete_l2vpn(found.id)
    circuit.ims_id = None
    return {"subscription": subscription}


@step("Create L2VPN in IMS", undo=delete_l2vpn_in_ims)
def create_l2vpn_in_ims(subscription: L2vpnProvisioning) -> State:
    inventory, payload = get_inventory(), ims.l2vpn_payload(subscription)
    l2vpn = inventory.l2vpn_by_name(payload["name"]) or inventory.create_l2vpn(
        payload, idempotency_key=ims.key("l2vpn")
    )
    subscription.virtual_circuit.ims_id = l2vpn.id
    return {"subscription": subscription}


# They go with the L2VPN.
@step("Create L2VPN terminations in IMS", undo=nothing_to_undo)
def create_l2vpn_terminations_in_ims(subscription: L2vpnProvisioning) -> State:
    inventory, circuit = get_inventory(), subscription.virtual_circuit
    assert circuit.ims_id is not None
    terminations = [
        inventory.create_l2vpn_termination(
            {"l2vpn": circuit.ims_id, "assigned_object_id": vlan.id, "assigned_object_type": "ipam.vlan"},
            idempotency_key=ims.key(f"termination {vlan.id}"),
        )
        for vlan in inventory.vlans(groups=[sap.ims_id for sap in circuit.saps if sap.ims_id is not None])
    ]
    return {"l2vpn_terminations": [each.id for each in terminations]}


def release_l2vpn_in_nrm(subscription: L2vpnProvisioning) -> State:
    subscription.virtual_circuit.nrm_id = None
    return {"subscription": subscription}


@step("Provision L2VPN in NRM", undo=release_l2vpn_in_nrm)
def provision_l2vpn_in_nrm(subscription: L2vpnProvisioning) -> State:
    subscription.virtual_circuit.nrm_id = nrm.provision("l2vpn")
    return {"subscription": subscription}


# The ports lose the VLANs when these are deleted.
@step("Update VLANs on connected ports in IMS", undo=nothing_to_undo)
def update_vlans_on_ports_in_ims(subscription: L2vpnProvisioning) -> State:
    inventory = get_inventory()
    tagged = {}
    for sap in subscription.virtual_circuit.saps:
        assert sap.ims_id is not None
        vlans = [vlan.id for vlan in inventory.vlans(groups=[sap.ims_id])]
        interface = inventory.add_tagged_vlans(sap.port.ims_id, vlans)
        tagged[sap.port.title] = list(interface.tagged_vlans)
    return {"tagged_vlans": tagged}


@create_workflow("Create l2vpn", products=["L2VPN"], initial_input_form=initial_input_form)
def create_l2vpn() -> StepList:
    return (
        begin
        >> construct_l2vpn_model
        >> store_process_subscription()
        >> create_vlans_in_ims
        >> create_l2vpn_in_ims
        >> create_l2vpn_terminations_in_ims
        >> provision_l2vpn_in_nrm
        >> update_vlans_on_ports_in_ims
    )
