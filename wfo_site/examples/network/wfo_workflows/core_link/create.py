"""Create a core link: a cable between free interfaces of two nodes, with a link prefix of two addresses."""

from __future__ import annotations

from typing import Self
from uuid import UUID

from pydantic import model_validator

from subscriptions.domain import SubscriptionLifecycle
from wfo_site.examples.network import ims, nrm
from wfo_site.examples.network.forms import choices
from wfo_site.examples.network.forms.subscriptions import ActiveNodeId
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.inventory.bootstrap import CORE_LINK_V6
from wfo_site.examples.network.inventory.interface import InventoryNotFound
from wfo_site.examples.network.lso import lso_interaction
from wfo_site.examples.network.wfo_products.core_link import (
    CoreLinkInactive,
    CoreLinkProvisioning,
    CorePortBlockInactive,
)
from wfo_site.examples.network.wfo_products.descriptions import description
from wfo_site.examples.network.wfo_products.node import Node
from workflows import State, StepList, begin, create_workflow, step, store_process_subscription
from workflows.forms import FormGenerator, FormPage, SubmitFormPage

LINK_PREFIX_LENGTH = 127


def initial_input_form(product: UUID, product_name: str) -> FormGenerator:
    """Ask for customer and two nodes, then for a free interface of each."""
    customer = choices.customers()

    class SelectNodesForm(FormPage, title=f"{product_name} - node A and B"):
        customer_id: customer  # type: ignore[valid-type]
        node_subscription_id_a: ActiveNodeId
        node_subscription_id_b: ActiveNodeId

        @model_validator(mode="after")
        def nodes_differ(self) -> Self:
            if self.node_subscription_id_a == self.node_subscription_id_b:
                raise ValueError("node B cannot be the same as node A")
            return self

    nodes_page = yield SelectNodesForm
    speed = int(choices.fixed_input(product, "speed"))
    node_a, node_b = (
        Node.from_subscription(node_id).node
        for node_id in (nodes_page.node_subscription_id_a, nodes_page.node_subscription_id_b)
    )
    interface_a = choices.free_interfaces(node_a.ims_id, speed)
    interface_b = choices.free_interfaces(node_b.ims_id, speed)

    class SelectPortsForm(SubmitFormPage, title=f"{product_name} - port A and B"):
        port_ims_id_a: interface_a  # type: ignore[valid-type]
        port_ims_id_b: interface_b  # type: ignore[valid-type]
        under_maintenance: bool = False

    ports_page = yield SelectPortsForm
    inputs: State = nodes_page.model_dump() | ports_page.model_dump()
    return inputs


@step("Construct Subscription model")
def construct_core_link_model(
    *,
    product: UUID,
    customer_id: str,
    node_subscription_id_a: UUID,
    node_subscription_id_b: UUID,
    port_ims_id_a: str,
    port_ims_id_b: str,
    under_maintenance: bool,
) -> State:
    initial = CoreLinkInactive.from_product_id(product, customer_id)
    port_a, port_b = initial.core_link.ports
    _fill(port_a, node_subscription_id_a, int(port_ims_id_a))
    _fill(port_b, node_subscription_id_b, int(port_ims_id_b))
    initial.core_link.under_maintenance = under_maintenance
    subscription = CoreLinkProvisioning.from_other_lifecycle(initial, SubscriptionLifecycle.PROVISIONING)
    subscription.description = description(subscription)
    return {"subscription": subscription, "subscription_id": subscription.subscription_id}


def _fill(port: CorePortBlockInactive, node_subscription_id: UUID, interface_id: int) -> None:
    interface = ims.free_interface(interface_id)
    port.port_name = interface.name
    port.ims_id = interface.id
    port.node = Node.from_subscription(node_subscription_id).node


@step("Assign IPv6 prefix")
def assign_ipv6_prefix(subscription: CoreLinkProvisioning) -> State:
    pool = get_inventory().prefix_by_network(CORE_LINK_V6)
    if pool is None:
        raise InventoryNotFound(f"The inventory has no prefix {CORE_LINK_V6}; run the task Netbox Bootstrap and retry")
    prefix = get_inventory().allocate_prefix(
        pool.id,
        {
            "prefix_length": LINK_PREFIX_LENGTH,
            "description": ims.core_link_name(subscription.core_link),
            "is_pool": False,
        },
        idempotency_key=ims.key("prefix"),
    )
    subscription.core_link.ipv6_prefix_ipam_id = prefix.id
    return {"subscription": subscription}


@step("Assign side A IPv6 address")
def assign_side_a_ipv6_address(subscription: CoreLinkProvisioning) -> State:
    return _assign_address(subscription, 0)


@step("Assign side B IPv6 address")
def assign_side_b_ipv6_address(subscription: CoreLinkProvisioning) -> State:
    return _assign_address(subscription, 1)


def _assign_address(subscription: CoreLinkProvisioning, side: int) -> State:
    link = subscription.core_link
    port, other = link.ports[side], link.ports[1 - side]
    assert link.ipv6_prefix_ipam_id is not None
    assert port.ims_id is not None
    address = get_inventory().allocate_address(
        link.ipv6_prefix_ipam_id,
        ims.address_payload(port.ims_id, f"{port.node.node_name} {port.port_name} to {other.node.node_name}"),
        idempotency_key=ims.key("address"),
    )
    port.ipv6_ipam_id = address.id
    return {"subscription": subscription}


@step("Connect ports in IMS")
def connect_ports_in_ims(subscription: CoreLinkProvisioning) -> State:
    link = subscription.core_link
    a, b = (port.ims_id for port in link.ports)
    assert a is not None
    assert b is not None
    cable = get_inventory().create_cable(ims.cable_payload(link, a, b), idempotency_key=ims.key("cable"))
    link.ims_id = cable.id
    return {"subscription": subscription}


@step("enable ports in IMS")
def enable_ports_in_ims(subscription: CoreLinkProvisioning) -> State:
    """Take both interfaces into use; fails if another subscription was faster."""
    inventory, name = get_inventory(), ims.core_link_name(subscription.core_link)
    for port in subscription.core_link.ports:
        assert port.ims_id is not None
        inventory.enable_interface(port.ims_id, idempotency_key=ims.key(f"interface {port.ims_id}"))
        inventory.update_interface(port.ims_id, {"description": name, "mode": "", "enabled": True})
        port.enabled = True
    return {"subscription": subscription}


@step("Provision core link in NRM")
def provision_core_link_in_nrm(subscription: CoreLinkProvisioning) -> State:
    subscription.core_link.nrm_id = nrm.provision("core link")
    for side, port in zip("AB", subscription.core_link.ports, strict=True):
        port.nrm_id = nrm.provision(f"core port {side}")
    return {"subscription": subscription}


@create_workflow("Create core link", products=["CORE_LINK"], initial_input_form=initial_input_form)
def create_core_link() -> StepList:
    return (
        begin
        >> construct_core_link_model
        >> store_process_subscription()
        >> assign_ipv6_prefix
        >> assign_side_a_ipv6_address
        >> assign_side_b_ipv6_address
        >> connect_ports_in_ims
        >> enable_ports_in_ims
        >> provision_core_link_in_nrm
        >> lso_interaction("Install core-link config", "create_core_link.yaml")
    )
