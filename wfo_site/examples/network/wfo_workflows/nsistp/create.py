"""Create an NSI service termination point: reserve VLANs of a port for circuits that other networks ask for."""

from __future__ import annotations

from typing import Self
from uuid import UUID

from pydantic import ValidationInfo, field_validator, model_validator

from subscriptions.domain import SubscriptionLifecycle
from wfo_site.examples.network.allocations import lock_ports, lock_product
from wfo_site.examples.network.forms import choices
from wfo_site.examples.network.forms.nsi import (
    Bandwidth,
    IsAlias,
    StpDescription,
    StpId,
    Topology,
    validate_both_aliases,
    validate_stp_id_is_new,
)
from wfo_site.examples.network.forms.subscriptions import TaggedPortId
from wfo_site.examples.network.forms.summary import summary_page
from wfo_site.examples.network.forms.vlans import validate_vlan, validate_vlan_not_in_use
from wfo_site.examples.network.vlans import VlanRanges
from wfo_site.examples.network.wfo_products.descriptions import description
from wfo_site.examples.network.wfo_products.nsistp import NsistpInactive, NsistpProvisioning
from wfo_site.examples.network.wfo_products.port import Port
from workflows import State, StepList, begin, create_workflow, set_status, step, store_process_subscription
from workflows.forms import Divider, FormGenerator, FormPage, Label

TAG = "NSISTP"
SUMMARY_FIELDS = [
    "port",
    "vlan",
    "topology",
    "stp_id",
    "stp_description",
    "is_alias_in",
    "is_alias_out",
    "expose_in_topology",
    "bandwidth",
]


def initial_input_form(product_name: str) -> FormGenerator:
    """Ask for customer, port, VLANs and what NSI calls the point, then show them."""
    customer = choices.customers()

    class CreateNsistpForm(FormPage, title=product_name):
        customer_id: customer  # type: ignore[valid-type]

        nsistp_settings: Label

        port: TaggedPortId
        vlan: VlanRanges

        divider_1: Divider

        topology: Topology
        stp_id: StpId
        stp_description: StpDescription | None = None
        is_alias_in: IsAlias | None = None
        is_alias_out: IsAlias | None = None
        expose_in_topology: bool = True
        bandwidth: Bandwidth

        @field_validator("vlan")
        @classmethod
        def vlan_is_usable_and_free(cls, vlan: VlanRanges, info: ValidationInfo) -> VlanRanges:
            validate_vlan(vlan, TAG)
            # A port that is wrong itself says so; there is nothing to compare with then.
            return validate_vlan_not_in_use(vlan, [info.data["port"]] if "port" in info.data else [])

        @field_validator("stp_id")
        @classmethod
        def stp_id_is_new(cls, stp_id: str, info: ValidationInfo) -> str:
            return validate_stp_id_is_new(stp_id, info.data.get("topology", ""))

        @model_validator(mode="after")
        def both_aliases_or_none(self) -> Self:
            validate_both_aliases(self.is_alias_in, self.is_alias_out)
            return self

    page = yield CreateNsistpForm
    shown = {**dict(page), "port": Port.from_subscription(page.port).description}
    yield from summary_page(product_name, shown, SUMMARY_FIELDS)
    inputs: State = page.model_dump()
    return inputs


@step("Construct Subscription model", atomic=True, undo=set_status(SubscriptionLifecycle.TERMINATED))
def construct_nsistp_model(
    *,
    product: UUID,
    customer_id: str,
    port: UUID,
    vlan: str,
    topology: str,
    stp_id: str,
    bandwidth: int,
    stp_description: str | None = None,
    is_alias_in: str | None = None,
    is_alias_out: str | None = None,
    expose_in_topology: bool | None = None,
) -> State:
    """Reserve the VLANs. Hours may lie between the form and this step, and nothing outside would notice a double."""
    lock_product(product)
    lock_ports([port])
    initial = NsistpInactive.from_product_id(product, customer_id)
    nsistp = initial.nsistp
    nsistp.sap.port = Port.from_subscription(port).port
    nsistp.sap.vlan = validate_vlan_not_in_use(VlanRanges(vlan), [port])
    # A point is nothing in the inventory but its port.
    nsistp.sap.ims_id = nsistp.sap.port.ims_id
    nsistp.topology = topology
    nsistp.stp_id = validate_stp_id_is_new(stp_id, topology)
    nsistp.stp_description = stp_description
    nsistp.is_alias_in = is_alias_in
    nsistp.is_alias_out = is_alias_out
    nsistp.expose_in_topology = expose_in_topology
    nsistp.bandwidth = bandwidth
    subscription = NsistpProvisioning.from_other_lifecycle(initial, SubscriptionLifecycle.PROVISIONING)
    subscription.description = description(subscription)
    return {"subscription": subscription, "subscription_id": subscription.subscription_id}


@create_workflow("Create nsistp", products=["NSISTP"], initial_input_form=initial_input_form)
def create_nsistp() -> StepList:
    return begin >> construct_nsistp_model >> store_process_subscription()
