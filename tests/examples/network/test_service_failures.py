"""What happens on a network in service when the inventory fails, or when two orders want the same (EX-11, EX-18)."""

from __future__ import annotations

from typing import Any

import pytest

from subscriptions.domain import SubscriptionModel
from tests.examples.network.conftest import Network
from tests.examples.network.ordering import core_link_pages, l2vpn_pages, port_pages, product
from wfo_site.examples.network import models
from wfo_site.examples.network.allocations import find_allocated_vlans
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.inventory.interface import InventoryError
from wfo_site.examples.network.vlans import VlanRanges
from workflows.testing import Engine, Run

pytestmark = pytest.mark.django_db


def l2vpn(network: Network, vlan: str) -> list[dict[str, Any]]:
    return [product("l2vpn"), *l2vpn_pages(network.ports, vlan)]


def run_both(engine: Engine, workflow: str, *pages: dict[str, Any]) -> tuple[Run, Run]:
    """Start the same order twice before either runs, and run both."""
    first, second = (engine.queue(workflow, *pages) for _ in range(2))
    engine.run_until_idle()
    return first.expect("completed"), second


@pytest.mark.parametrize("how", ["fail before", "fail after", "crash before", "crash after"])
@pytest.mark.parametrize(
    "operation",
    ["create_vlan_group", "create_vlan", "create_l2vpn", "create_l2vpn_termination", "add_tagged_vlans"],
)
def test_an_l2vpn_that_was_interrupted_is_made_once(engine: Engine, network: Network, operation: str, how: Any) -> None:
    calls = engine.intercept(get_inventory)
    kind, when = how.split()
    if kind == "fail":
        calls.fail(operation, InventoryError("connection lost", operation=operation), when=when)
        run = engine.start("create_l2vpn", *l2vpn(network, "10,20")).expect("failed", failure="connection lost")
        run.retry(user="noc")
    else:
        calls.crash(operation, when=when)
        run = engine.start("create_l2vpn", *l2vpn(network, "10,20")).expect("running")
        engine.recover()
    assert run.expect("completed").subscription.insync
    counts = [model.objects.count() for model in (models.VLANGroup, models.VLAN, models.L2VPN, models.L2VPNTermination)]
    assert counts == [2, 4, 1, 4]
    assert models.TaggedVLAN.objects.count() == 4


def test_two_orders_for_one_interface_give_one_port(engine: Engine, network: Network) -> None:
    pages = [product("port 10G"), *port_pages(network.nodes[0], "ethernet-1/2")]
    _, second = run_both(engine, "create_port", *pages)
    second.expect("failed", step="Construct Subscription model", failure="Interface ethernet-1/2 is in use by now")


def test_core_link_over_an_interface_in_use_makes_nothing(engine: Engine, network: Network) -> None:
    nodes = network.nodes
    pages = core_link_pages(*nodes, "ethernet-1/2", "ethernet-1/2")
    link = engine.queue("create_core_link", product("core link 10G"), *pages)
    models.Interface.objects.filter(device=nodes[1].node.ims_id, name="ethernet-1/2").update(enabled=True)
    engine.run_until_idle()
    link.expect("failed", step="Construct Subscription model")
    assert models.Cable.objects.count() == 0
    assert models.Prefix.objects.count() == 4


def test_two_orders_for_one_vlan_give_one_service(engine: Engine, network: Network) -> None:
    """EX-11"""
    _, second = run_both(engine, "create_l2vpn", *l2vpn(network, "10"))
    second.expect("failed", step="Construct Subscription model", failure="Vlan(s) 10 already in use")
    assert models.TaggedVLAN.objects.count() == 2


def test_vlans_of_an_order_that_was_given_up_stay_taken_until_it_is_terminated(
    engine: Engine, network: Network
) -> None:
    """EX-11"""
    calls = engine.intercept(get_inventory)
    calls.fail("create_l2vpn", InventoryError("connection lost", operation="create_l2vpn"))
    run = engine.start("create_l2vpn", *l2vpn(network, "10,20")).abort(user="noc")
    port = network.ports[0].subscription_id
    assert find_allocated_vlans(port) == VlanRanges("10,20")
    assert find_allocated_vlans(port, current=VlanRanges(10)) == VlanRanges(20)
    assert find_allocated_vlans(port, product_types=["L2vpn"]) == VlanRanges("10,20")
    assert find_allocated_vlans(port, product_types=["Nsistp"]) == VlanRanges()
    SubscriptionModel.from_other_lifecycle(run.subscription, "terminated").save()  # type: ignore[arg-type]
    assert find_allocated_vlans(port) == VlanRanges()
