"""Undoing an order that failed leaves the inventory as it was, wherever it stopped."""

from __future__ import annotations

from typing import Any

import pytest

from subscriptions.domain import SubscriptionModel
from subscriptions.enums import SubscriptionLifecycle
from tests.examples.network.conftest import Network
from tests.examples.network.ordering import (
    again,
    core_link_pages,
    delivered,
    fail,
    l2vpn_pages,
    node_page,
    nsip2p_pages,
    order_l2vpn,
    order_nsistp,
    port_pages,
    product,
    run,
    subscription_id,
)
from wfo_site.examples.network import models
from wfo_site.examples.network.allocations import find_allocated_vlans
from workflows.models import Process
from workflows.services import resume_process, undo_process
from workflows.testing import run_until_idle

pytestmark = pytest.mark.django_db

# What an order may leave in the inventory, and what of it says whether it did.
TABLES = {
    models.Device: ["name", "primary_ip4_id", "primary_ip6_id"],
    models.Interface: ["device_id", "name", "enabled", "mode", "description"],
    models.Cable: ["description"],
    models.Prefix: ["prefix"],
    models.IPAddress: ["address"],
    models.VLANGroup: ["name"],
    models.VLAN: ["vid", "name"],
    models.L2VPN: ["name"],
    models.L2VPNTermination: ["l2vpn_id"],
    models.TaggedVLAN: ["interface_id", "vid"],
}


def inventory_now() -> dict[str, list[Any]]:
    found = {
        model.__name__: sorted(model._default_manager.values_list(*columns), key=str)
        for model, columns in TABLES.items()
    }
    # The network address of a pool is set aside for good when the pool is first used.
    found["IPAddress"] = [row for row in found["IPAddress"] if not row[0].endswith(("10.0.127.0/24", "::/64"))]
    return found


def undone(process: Process) -> Process:
    undo = Process.every.get(pk=undo_process(process.process_id, user="noc"))
    run_until_idle(undo.process_id)
    undo.refresh_from_db()
    assert undo.last_status == "completed", f"{undo.last_step}: {undo.failed_reason} {undo.traceback}"
    return undo


def assert_given_up(process: Process) -> None:
    """The subscription has ended and is free: nothing of it holds anything."""
    subscription = SubscriptionModel.from_subscription(subscription_id(process))
    assert (subscription.status, subscription.insync) == (SubscriptionLifecycle.TERMINATED, True)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "operation",
    ["create_vlan_group", "create_vlan", "create_l2vpn", "create_l2vpn_termination", "add_tagged_vlans"],
)
def test_an_l2vpn_that_failed_leaves_nothing(network: Network, operation: str, when: str) -> None:
    before = inventory_now()
    fail(operation, when)
    process = run("create_l2vpn", product("l2vpn"), *l2vpn_pages(network.ports, "10,20"))
    assert process.last_status == "failed"
    undone(process)
    assert inventory_now() == before
    assert_given_up(process)
    assert not find_allocated_vlans(network.ports[0].subscription_id)
    assert order_l2vpn(network.ports, "10,20").last_status == "completed"


@pytest.mark.parametrize("operation", ["create_vlan", "create_l2vpn", "add_tagged_vlans"])
def test_an_nsip2p_that_failed_leaves_nothing(network: Network, operation: str) -> None:
    for port in network.ports:
        delivered(order_nsistp(port, "10,20", f"stp-{port.port.node.node_name}"))
    before = inventory_now()
    fail(operation, "after")
    process = run("create_nsip2p", product("nsip2p"), *nsip2p_pages(network.ports, "10"))
    assert process.last_status == "failed"
    undone(process)
    assert inventory_now() == before
    assert_given_up(process)


def test_an_undo_that_fails_goes_on_where_it_stopped(network: Network) -> None:
    before = inventory_now()
    fail("add_tagged_vlans", "before")
    process = run("create_l2vpn", product("l2vpn"), *l2vpn_pages(network.ports, "10,20"))
    fail("delete_l2vpn", "after")
    undo = Process.every.get(pk=undo_process(process.process_id))
    run_until_idle(undo.process_id)
    undo.refresh_from_db()
    assert (undo.last_status, undo.last_step) == ("failed", "Undo: Create L2VPN in IMS")
    resume_process(undo.process_id)
    assert again(undo).last_status == "completed"
    assert inventory_now() == before
    assert_given_up(process)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["create_device", "allocate_address", "update_device", "create_interface"])
def test_a_node_that_failed_leaves_nothing(network: Network, operation: str, when: str) -> None:
    before = inventory_now()
    fail(operation, when)
    process = run("create_node", product("node Nokia"), node_page("rtm-pe"), {})
    assert process.last_status == "failed"
    undone(process)
    assert inventory_now() == before
    assert_given_up(process)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["enable_interface", "update_interface"])
def test_a_port_that_failed_frees_its_interface(network: Network, operation: str, when: str) -> None:
    before = inventory_now()
    fail(operation, when)
    process = run("create_port", product("port 10G"), *port_pages(network.nodes[0], "ethernet-1/2"))
    assert process.last_status == "failed"
    undone(process)
    assert inventory_now() == before
    assert_given_up(process)


def test_a_port_that_another_took_is_left_to_that(network: Network) -> None:
    fail("enable_interface", "before")
    process = run("create_port", product("port 10G"), *port_pages(network.nodes[0], "ethernet-1/2"))
    models.Interface.objects.filter(device=network.nodes[0].node.ims_id, name="ethernet-1/2").update(
        enabled=True, description="another's"
    )
    before = inventory_now()
    undone(process)
    assert inventory_now() == before


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["allocate_prefix", "allocate_address", "create_cable", "enable_interface"])
def test_a_core_link_that_failed_leaves_nothing(network: Network, operation: str, when: str) -> None:
    before = inventory_now()
    fail(operation, when)
    pages = core_link_pages(*network.nodes, "ethernet-1/2", "ethernet-1/2")
    process = run("create_core_link", product("core link 10G"), *pages)
    assert process.last_status == "failed"
    undone(process)
    assert inventory_now() == before
    assert_given_up(process)
