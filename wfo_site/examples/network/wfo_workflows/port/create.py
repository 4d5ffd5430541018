"""Create a port: take a free interface of a node into use for a customer."""

from __future__ import annotations

from uuid import UUID

from subscriptions.domain import SubscriptionLifecycle
from wfo_site.examples.network import ims, nrm
from wfo_site.examples.network.forms import choices
from wfo_site.examples.network.forms.subscriptions import ActiveNodeId
from wfo_site.examples.network.forms.summary import summary_page
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.lso import lso_interaction
from wfo_site.examples.network.wfo_products.descriptions import description
from wfo_site.examples.network.wfo_products.node import Node
from wfo_site.examples.network.wfo_products.port import PortInactive, PortProvisioning
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
from workflows.forms import FormGenerator, FormPage, Label

SUMMARY_FIELDS = ["port_ims_id", "port_description", "port_mode", "auto_negotiation", "lldp"]


def initial_input_form(product: UUID, product_name: str) -> FormGenerator:
    """Ask for customer and node, then for one of its free interfaces and its settings, then show them."""
    customer = choices.customers()

    class SelectNodeForm(FormPage, title=product_name):
        customer_id: customer  # type: ignore[valid-type]
        node_subscription_id: ActiveNodeId

    node_page = yield SelectNodeForm
    node = Node.from_subscription(node_page.node_subscription_id).node
    interface = choices.free_interfaces(node.ims_id, int(choices.fixed_input(product, "speed")))
    mode = choices.port_modes()

    class CreatePortForm(FormPage, title=product_name):
        port_settings: Label

        port_ims_id: interface  # type: ignore[valid-type]
        port_description: str
        port_mode: mode  # type: ignore[valid-type]
        auto_negotiation: bool | None = False
        lldp: bool | None = False

    port_page = yield CreatePortForm
    yield from summary_page(product_name, dict(port_page), SUMMARY_FIELDS)
    inputs: State = node_page.model_dump() | port_page.model_dump()
    return inputs


@step("Construct Subscription model", undo=set_status(SubscriptionLifecycle.TERMINATED))
def construct_port_model(
    *,
    product: UUID,
    customer_id: str,
    node_subscription_id: UUID,
    port_ims_id: str,
    port_description: str,
    port_mode: str,
    auto_negotiation: bool | None = None,
    lldp: bool | None = None,
) -> State:
    interface = ims.free_interface(int(port_ims_id))
    initial = PortInactive.from_product_id(product, customer_id)
    port = initial.port
    port.port_name = interface.name
    port.port_type = interface.type
    port.port_description = port_description
    port.port_mode = port_mode
    port.auto_negotiation = bool(auto_negotiation)
    port.lldp = bool(lldp)
    port.enabled = False
    port.ims_id = interface.id
    port.node = Node.from_subscription(node_subscription_id).node
    subscription = PortProvisioning.from_other_lifecycle(initial, SubscriptionLifecycle.PROVISIONING)
    subscription.description = description(subscription)
    return {"subscription": subscription, "subscription_id": subscription.subscription_id}


def disable_port_in_ims(subscription: PortProvisioning) -> State:
    """Take the interface out of use, unless it is another's."""
    ims.release_interface(subscription.port.ims_id, ims.undone_key("interface"))
    subscription.port.enabled = False
    return {"subscription": subscription}


@step("enable port in IMS", undo=disable_port_in_ims)
def enable_port_in_ims(subscription: PortProvisioning) -> State:
    """Take the interface into use; fails if another port was faster."""
    get_inventory().enable_interface(subscription.port.ims_id, idempotency_key=ims.key("interface"))
    subscription.port.enabled = True
    return {"subscription": subscription}


def release_port_in_nrm(subscription: PortProvisioning) -> State:
    subscription.port.nrm_id = None
    return {"subscription": subscription}


@step("Provision port in NRM", undo=release_port_in_nrm)
def provision_port_in_nrm(subscription: PortProvisioning) -> State:
    subscription.port.nrm_id = nrm.provision("port")
    return {"subscription": subscription}


# Taking the interface out of use clears it.
@step("Update port in IMS", undo=nothing_to_undo)
def update_port_in_ims(subscription: PortProvisioning) -> State:
    port = subscription.port
    return {"ims_interface": get_inventory().update_interface(port.ims_id, ims.port_changes(port))}


@create_workflow("Create port", products=["PORT"], initial_input_form=initial_input_form)
def create_port() -> StepList:
    return (
        begin
        >> construct_port_model
        >> store_process_subscription()
        >> enable_port_in_ims
        >> lso_interaction("Install port config", "create_port.yaml")
        >> provision_port_in_nrm
        >> update_port_in_ims
    )
