"""What happens on a network in service when the inventory fails, or when two orders want the same (EX-11, EX-18)."""

from __future__ import annotations

import pytest
from django.db import transaction

from subscriptions.domain import SubscriptionModel
from tests.examples.network.conftest import Network
from tests.examples.network.ordering import (
    again,
    core_link_pages,
    delivered,
    fail,
    l2vpn_pages,
    port_pages,
    product,
    run,
    subscription_id,
    two_at_once,
)
from wfo_site.examples.network import models
from wfo_site.examples.network.allocations import find_allocated_vlans
from wfo_site.examples.network.vlans import VlanRanges
from workflows.models import Process
from workflows.services import abort_process, resume_process, start_process
from workflows.testing import run_until_idle

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "operation",
    ["create_vlan_group", "create_vlan", "create_l2vpn", "create_l2vpn_termination", "add_tagged_vlans"],
)
def test_retry_of_an_l2vpn_makes_nothing_twice(network: Network, operation: str, when: str) -> None:
    ports = network.ports
    fail(operation, when)
    process = run("create_l2vpn", product("l2vpn"), *l2vpn_pages(ports, "10,20"))
    assert process.last_status == "failed"
    resume_process(process.process_id, [{}], user="noc")
    assert delivered(again(process)).insync
    counts = [model.objects.count() for model in (models.VLANGroup, models.VLAN, models.L2VPN, models.L2VPNTermination)]
    assert counts == [2, 4, 1, 4]
    assert models.TaggedVLAN.objects.count() == 4


def test_two_orders_for_one_interface_give_one_port(network: Network) -> None:
    node = network.nodes[0]
    _, failed = two_at_once("create_port", product("port 10G"), *port_pages(node, "ethernet-1/2"))
    assert failed.last_step == "Construct Subscription model"
    assert "Interface ethernet-1/2 is in use by now" in str(failed.failed_reason)


def test_core_link_over_an_interface_in_use_makes_nothing(network: Network) -> None:
    nodes = network.nodes
    pages = core_link_pages(*nodes, "ethernet-1/2", "ethernet-1/2")
    with transaction.atomic():
        link = start_process("create_core_link", [product("core link 10G"), *pages])
        models.Interface.objects.filter(device=nodes[1].node.ims_id, name="ethernet-1/2").update(enabled=True)
    run_until_idle()
    failed = Process.objects.get(pk=link)
    assert (failed.last_status, failed.last_step) == ("failed", "Construct Subscription model")
    assert models.Cable.objects.count() == 0
    assert models.Prefix.objects.count() == 4


def test_two_orders_for_one_vlan_give_one_service(network: Network) -> None:
    """EX-11"""
    ports = network.ports
    _, failed = two_at_once("create_l2vpn", product("l2vpn"), *l2vpn_pages(ports, "10"))
    assert failed.last_step == "Construct Subscription model"
    assert "Vlan(s) 10 already in use" in str(failed.failed_reason)
    assert models.TaggedVLAN.objects.count() == 2


def test_vlans_of_an_order_that_was_given_up_stay_taken_until_it_is_terminated(network: Network) -> None:
    """EX-11"""
    ports = network.ports
    fail("create_l2vpn", "before")
    process = run("create_l2vpn", product("l2vpn"), *l2vpn_pages(ports, "10,20"))
    abort_process(process.process_id, user="noc")
    port = ports[0].subscription_id
    assert find_allocated_vlans(port) == VlanRanges("10,20")
    assert find_allocated_vlans(port, current=VlanRanges(10)) == VlanRanges(20)
    assert find_allocated_vlans(port, product_types=["L2vpn"]) == VlanRanges("10,20")
    assert find_allocated_vlans(port, product_types=["Nsistp"]) == VlanRanges()
    circuit = SubscriptionModel.from_subscription(subscription_id(process))
    SubscriptionModel.from_other_lifecycle(circuit, "terminated").save()  # type: ignore[arg-type]
    assert find_allocated_vlans(port) == VlanRanges()
