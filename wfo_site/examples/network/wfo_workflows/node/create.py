"""Create a node: in the inventory, with loopback addresses and interfaces."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, StringConstraints

from subscriptions.domain import SubscriptionLifecycle
from wfo_site.examples.network import ims, nrm
from wfo_site.examples.network.forms import choices
from wfo_site.examples.network.forms.summary import summary_page
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.inventory.bootstrap import LOOPBACK_V4, LOOPBACK_V6
from wfo_site.examples.network.inventory.interface import InventoryNotFound, Prefix
from wfo_site.examples.network.lso import lso_interaction
from wfo_site.examples.network.wfo_products.descriptions import description
from wfo_site.examples.network.wfo_products.node import NodeInactive, NodeProvisioning
from workflows import (
    State,
    StepList,
    begin,
    conditional,
    create_workflow,
    nothing_to_undo,
    set_status,
    step,
    store_process_subscription,
)
from workflows.forms import FormGenerator, FormPage, Label, callout

_CUSTOMER_NOTE = "Selecting a customer is configurable: a product package may bring customers of its own or use one."
_EMPTY_INVENTORY = "The inventory has no device type of this make. The task Netbox Bootstrap fills an empty inventory."
SUMMARY_FIELDS = ["role_id", "type_id", "site_id", "node_status", "node_name", "node_description"]


def _not_taken(name: str) -> str:
    if get_inventory().device_by_name(name):
        raise ValueError(f"A node named {name!r} exists in the inventory already; choose another name")
    return name


NodeName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(_not_taken)
]


def initial_input_form(product: UUID, product_name: str) -> FormGenerator:
    """Ask for customer and settings of the node, then show them."""
    customer = choices.customers()
    device_type = choices.device_types(choices.fixed_input(product, "node_type"))
    role, site, status = choices.device_roles(), choices.sites(), choices.node_statuses()
    note = callout(header="Note", message=_CUSTOMER_NOTE)
    if not list(device_type):
        # The first form that a newcomer sees: it could only be filled in half.
        note = callout(header="Nothing to choose from", message=_EMPTY_INVENTORY, message_type="warning")

    class CreateNodeForm(FormPage, title=product_name):
        callout_1: note  # type: ignore[valid-type]
        customer_id: customer  # type: ignore[valid-type]
        auto_add_interfaces: bool = True

        node_settings: Label

        type_id: device_type  # type: ignore[valid-type]
        role_id: role  # type: ignore[valid-type]
        site_id: site  # type: ignore[valid-type]
        node_status: status  # type: ignore[valid-type]
        node_name: NodeName
        node_description: str | None = None

    page = yield CreateNodeForm
    yield from summary_page(product_name, dict(page), SUMMARY_FIELDS)
    inputs: State = page.model_dump()
    return inputs


@step("Construct Subscription model", undo=set_status(SubscriptionLifecycle.TERMINATED))
def construct_node_model(
    *,
    product: UUID,
    customer_id: str,
    type_id: str,
    role_id: str,
    site_id: str,
    node_status: str,
    node_name: str,
    node_description: str | None = None,
) -> State:
    initial = NodeInactive.from_product_id(product, customer_id)
    initial.node.type_id = int(type_id)
    initial.node.role_id = int(role_id)
    initial.node.site_id = int(site_id)
    initial.node.node_status = node_status
    initial.node.node_name = node_name
    initial.node.node_description = node_description
    subscription = NodeProvisioning.from_other_lifecycle(initial, SubscriptionLifecycle.PROVISIONING)
    subscription.description = description(subscription)
    return {"subscription": subscription, "subscription_id": subscription.subscription_id}


def delete_node_in_ims(subscription: NodeProvisioning) -> State:
    """Delete the device with its interfaces."""
    inventory, node = get_inventory(), subscription.node
    device_id = node.ims_id
    if device_id is None:
        payload, key = ims.device_payload(node), ims.undone_key("device")
        device = ims.made_before(lambda: inventory.create_device(payload, idempotency_key=key))
        device_id = device.id if device else None
    if device_id is not None:
        inventory.delete_device(device_id)
    node.ims_id = None
    return {"subscription": subscription}


@step("Create node in IMS", undo=delete_node_in_ims)
def create_node_in_ims(subscription: NodeProvisioning) -> State:
    device = get_inventory().create_device(ims.device_payload(subscription.node), idempotency_key=ims.key("device"))
    subscription.node.ims_id = device.id
    return {"subscription": subscription}


def release_loopback_addresses(subscription: NodeProvisioning) -> State:
    """Delete the loopback interface and the addresses on it."""
    inventory, node = get_inventory(), subscription.node
    interfaces = inventory.interfaces(device=node.ims_id) if node.ims_id is not None else []
    for loopback in (each for each in interfaces if each.name == ims.LOOPBACK):
        for address in inventory.ip_addresses(interface=loopback.id):
            inventory.delete_ip_address(address.id)
        inventory.delete_interface(loopback.id)
    node.ipv4_ipam_id = node.ipv6_ipam_id = None
    return {"subscription": subscription}


@step("Reserve loopback addresses", undo=release_loopback_addresses)
def reserve_loopback_addresses(subscription: NodeProvisioning) -> State:
    inventory, node = get_inventory(), subscription.node
    assert node.ims_id is not None
    loopback = inventory.create_interface(
        ims.loopback_payload(node.ims_id), idempotency_key=ims.key("loopback interface")
    )
    node.ipv4_ipam_id = inventory.allocate_address(
        _pool(LOOPBACK_V4).id,
        ims.address_payload(loopback.id, f"IPv4 loopback {node.node_name}"),
        skip_network=True,
        idempotency_key=ims.key("IPv4 loopback"),
    ).id
    node.ipv6_ipam_id = inventory.allocate_address(
        _pool(LOOPBACK_V6).id,
        ims.address_payload(loopback.id, f"IPv6 loopback {node.node_name}"),
        skip_network=True,
        idempotency_key=ims.key("IPv6 loopback"),
    ).id
    return {"subscription": subscription}


def _pool(prefix: str) -> Prefix:
    pool = get_inventory().prefix_by_network(prefix)
    if pool is None:
        raise InventoryNotFound(f"The inventory has no prefix {prefix}; run the task Netbox Bootstrap and retry")
    return pool


def release_node_in_nrm(subscription: NodeProvisioning) -> State:
    subscription.node.nrm_id = None
    return {"subscription": subscription}


@step("Provision node in NRM", undo=release_node_in_nrm)
def provision_node_in_nrm(subscription: NodeProvisioning) -> State:
    subscription.node.nrm_id = nrm.provision("node")
    return {"subscription": subscription}


# What it sets, and the interfaces that the next one adds, go with the device.
@step("Update node in IMS", undo=nothing_to_undo)
def update_node_in_ims(subscription: NodeProvisioning) -> State:
    assert subscription.node.ims_id is not None
    device = get_inventory().update_device(subscription.node.ims_id, ims.device_changes(subscription.node))
    return {"ims_device": device}


@step("Update interfaces", undo=nothing_to_undo)
def update_interfaces(subscription: NodeProvisioning) -> State:
    """Make the node have the interfaces that every node has: add what is missing, delete unused surplus."""
    inventory, device = get_inventory(), subscription.node.ims_id
    assert device is not None
    present = {each.name: each for each in inventory.interfaces(device=device)}
    wanted = {name for name, _, _ in ims.INTERFACES}
    added = [each for each in ims.INTERFACES if each[0] not in present]
    for name, type_, speed in added:
        inventory.create_interface(
            {"device": device, "name": name, "type": type_, "enabled": False, "speed": speed},
            idempotency_key=ims.key(f"interface {name}"),
        )
    surplus = [
        each
        for each in present.values()
        if each.name not in wanted and each.name != ims.LOOPBACK and not each.enabled and each.cable is None
    ]
    for each in surplus:
        inventory.delete_interface(each.id)
    return {"added_interfaces": [each[0] for each in added], "deleted_interfaces": [each.name for each in surplus]}


@create_workflow("Create node", products=["NODE"], initial_input_form=initial_input_form)
def create_node() -> StepList:
    return (
        begin
        >> construct_node_model
        >> store_process_subscription()
        >> create_node_in_ims
        >> reserve_loopback_addresses
        >> lso_interaction("Install node config", "create_node.yaml")
        >> provision_node_in_nrm
        >> update_node_in_ims
        >> conditional(lambda state: bool(state.get("auto_add_interfaces")))(update_interfaces)
    )
