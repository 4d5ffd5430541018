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
from wfo_site.examples.network.inventory.interface import Cable, InventoryNotFound, IPAddress, Prefix
from wfo_site.examples.network.lso import lso_interaction
from wfo_site.examples.network.wfo_products.core_link import (
    CoreLinkInactive,
    CoreLinkProvisioning,
    CorePortBlockInactive,
)
from wfo_site.examples.network.wfo_products.descriptions import description
from wfo_site.examples.network.wfo_products.node import Node
from workflows import State, StepList, begin, create_workflow, set_status, step, store_process_subscription
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


@step("Construct Subscription model", undo=set_status(SubscriptionLifecycle.TERMINATED))
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


def release_ipv6_prefix(subscription: CoreLinkProvisioning) -> State:
    link = subscription.core_link
    prefix_id = link.ipv6_prefix_ipam_id
    if prefix_id is None:
        prefix = ims.made_before(lambda: _allocate_prefix(subscription, ims.undone_key("prefix")))
        prefix_id = prefix.id if prefix else None
    if prefix_id is not None:
        get_inventory().delete_prefix(prefix_id)
    link.ipv6_prefix_ipam_id = None
    return {"subscription": subscription}


@step("Assign IPv6 prefix", undo=release_ipv6_prefix)
def assign_ipv6_prefix(subscription: CoreLinkProvisioning) -> State:
    subscription.core_link.ipv6_prefix_ipam_id = _allocate_prefix(subscription, ims.key("prefix")).id
    return {"subscription": subscription}


def _allocate_prefix(subscription: CoreLinkProvisioning, key: str) -> Prefix:
    pool = get_inventory().prefix_by_network(CORE_LINK_V6)
    if pool is None:
        raise InventoryNotFound(f"The inventory has no prefix {CORE_LINK_V6}; run the task Netbox Bootstrap and retry")
    return get_inventory().allocate_prefix(
        pool.id,
        {
            "prefix_length": LINK_PREFIX_LENGTH,
            "description": ims.core_link_name(subscription.core_link),
            "is_pool": False,
        },
        idempotency_key=key,
    )


def release_side_a_ipv6_address(subscription: CoreLinkProvisioning) -> State:
    return _release_address(subscription, 0)


def release_side_b_ipv6_address(subscription: CoreLinkProvisioning) -> State:
    return _release_address(subscription, 1)


def _release_address(subscription: CoreLinkProvisioning, side: int) -> State:
    port = subscription.core_link.ports[side]
    address_id = port.ipv6_ipam_id
    if address_id is None:
        address = ims.made_before(lambda: _allocate_address(subscription, side, ims.undone_key("address")))
        address_id = address.id if address else None
    if address_id is not None:
        get_inventory().delete_ip_address(address_id)
    port.ipv6_ipam_id = None
    return {"subscription": subscription}


@step("Assign side A IPv6 address", undo=release_side_a_ipv6_address)
def assign_side_a_ipv6_address(subscription: CoreLinkProvisioning) -> State:
    return _assign_address(subscription, 0)


@step("Assign side B IPv6 address", undo=release_side_b_ipv6_address)
def assign_side_b_ipv6_address(subscription: CoreLinkProvisioning) -> State:
    return _assign_address(subscription, 1)


def _assign_address(subscription: CoreLinkProvisioning, side: int) -> State:
    subscription.core_link.ports[side].ipv6_ipam_id = _allocate_address(subscription, side, ims.key("address")).id
    return {"subscription": subscription}


def _allocate_address(subscription: CoreLinkProvisioning, side: int, key: str) -> IPAddress:
    link = subscription.core_link
    port, other = link.ports[side], link.ports[1 - side]
    assert link.ipv6_prefix_ipam_id is not None
    assert port.ims_id is not None
    return get_inventory().allocate_address(
        link.ipv6_prefix_ipam_id,
        ims.address_payload(port.ims_id, f"{port.node.node_name} {port.port_name} to {other.node.node_name}"),
        idempotency_key=key,
    )


def disconnect_ports_in_ims(subscription: CoreLinkProvisioning) -> State:
    link = subscription.core_link
    cable_id = link.ims_id
    if cable_id is None:
        cable = ims.made_before(lambda: _create_cable(subscription, ims.undone_key("cable")))
        cable_id = cable.id if cable else None
    if cable_id is not None:
        get_inventory().delete_cable(cable_id)
    link.ims_id = None
    return {"subscription": subscription}


@step("Connect ports in IMS", undo=disconnect_ports_in_ims)
def connect_ports_in_ims(subscription: CoreLinkProvisioning) -> State:
    subscription.core_link.ims_id = _create_cable(subscription, ims.key("cable")).id
    return {"subscription": subscription}


def _create_cable(subscription: CoreLinkProvisioning, key: str) -> Cable:
    link = subscription.core_link
    a, b = (port.ims_id for port in link.ports)
    assert a is not None
    assert b is not None
    return get_inventory().create_cable(ims.cable_payload(link, a, b), idempotency_key=key)


def disable_ports_in_ims(subscription: CoreLinkProvisioning) -> State:
    """Take both interfaces out of use, unless they are another's."""
    for port in subscription.core_link.ports:
        assert port.ims_id is not None
        ims.release_interface(port.ims_id, ims.undone_key(f"interface {port.ims_id}"))
        port.enabled = False
    return {"subscription": subscription}


@step("enable ports in IMS", undo=disable_ports_in_ims)
def enable_ports_in_ims(subscription: CoreLinkProvisioning) -> State:
    """Take both interfaces into use; fails if another subscription was faster."""
    inventory, name = get_inventory(), ims.core_link_name(subscription.core_link)
    for port in subscription.core_link.ports:
        assert port.ims_id is not None
        inventory.enable_interface(port.ims_id, idempotency_key=ims.key(f"interface {port.ims_id}"))
        inventory.update_interface(port.ims_id, {"description": name, "mode": "", "enabled": True})
        port.enabled = True
    return {"subscription": subscription}


def release_core_link_in_nrm(subscription: CoreLinkProvisioning) -> State:
    subscription.core_link.nrm_id = None
    for port in subscription.core_link.ports:
        port.nrm_id = None
    return {"subscription": subscription}


@step("Provision core link in NRM", undo=release_core_link_in_nrm)
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
