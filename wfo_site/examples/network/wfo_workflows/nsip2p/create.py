"""Create an NSI point-to-point circuit: one VLAN of two ports, out of those that termination points reserve."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator

from subscriptions.domain import SubscriptionLifecycle
from wfo_site.examples.network import circuits, nrm
from wfo_site.examples.network.allocations import lock_ports
from wfo_site.examples.network.forms import choices
from wfo_site.examples.network.forms.subscriptions import tagged_ports
from wfo_site.examples.network.forms.vlans import validate_reserved_vlan, validate_single_vlan, validate_vlan
from wfo_site.examples.network.vlans import VlanRanges
from wfo_site.examples.network.wfo_products.descriptions import description
from wfo_site.examples.network.wfo_products.nsip2p import ENDS, Nsip2pInactive, Nsip2pProvisioning
from wfo_site.examples.network.wfo_products.port import Port
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

TAG = "NSIP2P"


def initial_input_form(product_name: str) -> FormGenerator:
    """Ask for customer and speed, then for the two ports and the VLAN on them."""
    customer = choices.customers()

    class CreateNsip2pForm(FormPage, title=product_name):
        customer_id: customer  # type: ignore[valid-type]
        speed: Annotated[int, Field(ge=1)]
        speed_policer: bool | None = False

    page = yield CreateNsip2pForm
    ports_type = tagged_ports(ENDS)

    class SelectPortsForm(SubmitFormPage, title=product_name):
        ports: ports_type  # type: ignore[valid-type]
        vlan: VlanRanges = VlanRanges(0)

        @field_validator("vlan")
        @classmethod
        def vlan_is_reserved_and_free(cls, vlan: VlanRanges, info: ValidationInfo) -> VlanRanges:
            validate_single_vlan(validate_vlan(vlan, TAG), TAG)
            # Ports that are wrong themselves say so; there is nothing to compare with then.
            return validate_reserved_vlan(vlan, info.data.get("ports", []))

    ports_page = yield SelectPortsForm
    inputs: State = page.model_dump() | ports_page.model_dump()
    return inputs


@step("Construct Subscription model", atomic=True, undo=set_status(SubscriptionLifecycle.TERMINATED))
def construct_nsip2p_model(
    *, product: UUID, customer_id: str, ports: list[UUID], vlan: str, speed: int, speed_policer: bool | None = None
) -> State:
    """Take the VLAN. Hours may lie between the form and this step, so it is checked once more, under lock."""
    lock_ports(ports)
    vlans = validate_reserved_vlan(VlanRanges(vlan), ports)
    initial = Nsip2pInactive.from_product_id(product, customer_id)
    circuit = initial.virtual_circuit
    circuit.speed = speed
    circuit.speed_policer = bool(speed_policer)
    for sap, port in zip(circuit.saps, ports, strict=True):
        sap.port = Port.from_subscription(port).port
        sap.vlan = vlans
    subscription = Nsip2pProvisioning.from_other_lifecycle(initial, SubscriptionLifecycle.PROVISIONING)
    subscription.description = description(subscription)
    return {"subscription": subscription, "subscription_id": subscription.subscription_id}


def delete_vlans_in_ims(subscription: Nsip2pProvisioning) -> State:
    circuits.delete_vlans(subscription.virtual_circuit)
    return {"subscription": subscription}


@step("Create VLANs in IMS", undo=delete_vlans_in_ims)
def create_vlans_in_ims(subscription: Nsip2pProvisioning) -> State:
    circuits.create_vlans(subscription.virtual_circuit)
    return {"subscription": subscription}


def delete_nsip2p_in_ims(subscription: Nsip2pProvisioning) -> State:
    circuits.delete_l2vpn(subscription)
    return {"subscription": subscription}


@step("Create NSIP2P in IMS", undo=delete_nsip2p_in_ims)
def create_nsip2p_in_ims(subscription: Nsip2pProvisioning) -> State:
    circuits.create_l2vpn(subscription)
    return {"subscription": subscription}


# They go with the L2VPN.
@step("Create NSIP2P terminations in IMS", undo=nothing_to_undo)
def create_nsip2p_terminations_in_ims(subscription: Nsip2pProvisioning) -> State:
    return {"l2vpn_terminations": circuits.create_terminations(subscription.virtual_circuit)}


def release_nsip2p_in_nrm(subscription: Nsip2pProvisioning) -> State:
    subscription.virtual_circuit.nrm_id = None
    return {"subscription": subscription}


@step("Provision NSIP2P in NRM", undo=release_nsip2p_in_nrm)
def provision_nsip2p_in_nrm(subscription: Nsip2pProvisioning) -> State:
    subscription.virtual_circuit.nrm_id = nrm.provision("nsip2p")
    return {"subscription": subscription}


# The ports lose the VLANs when these are deleted.
@step("Update VLANs on connected ports in IMS", undo=nothing_to_undo)
def update_vlans_on_ports_in_ims(subscription: Nsip2pProvisioning) -> State:
    return {"tagged_vlans": circuits.tag_ports(subscription.virtual_circuit)}


@create_workflow("Create nsip2p", products=["NSIP2P"], initial_input_form=initial_input_form)
def create_nsip2p() -> StepList:
    return (
        begin
        >> construct_nsip2p_model
        >> store_process_subscription()
        >> create_vlans_in_ims
        >> create_nsip2p_in_ims
        >> create_nsip2p_terminations_in_ims
        >> provision_nsip2p_in_nrm
        >> update_vlans_on_ports_in_ims
    )
