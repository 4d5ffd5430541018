"""Create a layer 2 VPN: VLANs on two to eight ports, joined in the inventory."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator

from subscriptions.domain import SubscriptionLifecycle
from wfo_site.examples.network import circuits, nrm
from wfo_site.examples.network.allocations import lock_ports
from wfo_site.examples.network.forms import choices
from wfo_site.examples.network.forms.subscriptions import tagged_ports
from wfo_site.examples.network.forms.vlans import validate_vlan, validate_vlan_not_in_use
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


@step("Construct Subscription model", atomic=True, undo=set_status(SubscriptionLifecycle.TERMINATED))
def construct_l2vpn_model(
    *, product: UUID, customer_id: str, ports: list[UUID], vlan: str, speed: int, speed_policer: bool | None = None
) -> State:
    """Take the VLANs. Hours may lie between the form and this step, so they are checked once more, under lock."""
    lock_ports(ports)
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
    circuits.delete_vlans(subscription.virtual_circuit)
    return {"subscription": subscription}


@step("Create VLANs in IMS", undo=delete_vlans_in_ims)
def create_vlans_in_ims(subscription: L2vpnProvisioning) -> State:
    circuits.create_vlans(subscription.virtual_circuit)
    return {"subscription": subscription}


def delete_l2vpn_in_ims(subscription: L2vpnProvisioning) -> State:
    circuits.delete_l2vpn(subscription)
    return {"subscription": subscription}


@step("Create L2VPN in IMS", undo=delete_l2vpn_in_ims)
def create_l2vpn_in_ims(subscription: L2vpnProvisioning) -> State:
    circuits.create_l2vpn(subscription)
    return {"subscription": subscription}


# They go with the L2VPN.
@step("Create L2VPN terminations in IMS", undo=nothing_to_undo)
def create_l2vpn_terminations_in_ims(subscription: L2vpnProvisioning) -> State:
    return {"l2vpn_terminations": circuits.create_terminations(subscription.virtual_circuit)}


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
    return {"tagged_vlans": circuits.tag_ports(subscription.virtual_circuit)}


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
