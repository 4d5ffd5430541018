"""What happens when the inventory fails in the middle of a workflow (EX-18)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from subscriptions.domain import SubscriptionModel
from tests.examples.network.ordering import (
    again,
    core_link_pages,
    delivered,
    l2vpn_pages,
    node_page,
    order_node,
    order_port,
    port_pages,
    product,
    run,
    subscription_id,
)
from wfo_site.examples.network import models
from wfo_site.examples.network.allocations import find_allocated_vlans
from wfo_site.examples.network.vlans import VlanRanges
from wfo_site.examples.network.wfo_seed import seed
from workflows.models import Process, ProcessStep
from workflows.services import abort_process, resume_process, start_process
from workflows.testing import run_until_idle

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def bootstrapped() -> None:
    seed()
    run("task_bootstrap_netbox", {})


def fail(operation: str, when: str, message: str = "connection lost") -> None:
    models.FailureRule.objects.create(operation=operation, when=when, message=message)


def two_at_once(workflow: str, *pages: dict[str, Any]) -> tuple[Process, Process]:
    """Start the same order twice before either runs, and run both: the one that was delivered, the one that failed."""
    with transaction.atomic():
        ids = [start_process(workflow, list(pages)) for _ in range(2)]
    run_until_idle()
    processes = {process.last_status: process for process in Process.objects.filter(pk__in=ids)}
    return processes["completed"], processes["failed"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("operation", "step"),
    [
        ("create_device", "Create node in IMS"),
        ("create_interface", "Reserve loopback addresses"),
        ("allocate_address", "Reserve loopback addresses"),
        ("update_device", "Update node in IMS"),
    ],
)
def test_retry_of_a_node_makes_nothing_twice(operation: str, step: str, when: str) -> None:
    fail(operation, when)
    process = order_node("ams-pe")
    assert (process.last_status, process.last_step) == ("failed", step)
    assert process.failed_reason == "connection lost"
    resume_process(process.process_id, [{}], user="noc")
    node = delivered(again(process)).node
    device = models.Device.objects.get()
    assert device.pk == node.ims_id
    assert (device.primary_ip4_id, device.primary_ip6_id) == (node.ipv4_ipam_id, node.ipv6_ipam_id)
    assert models.Interface.objects.filter(name="Loopback0").count() == 1
    assert sorted(models.IPAddress.objects.values_list("address", flat=True)) == [
        "10.0.127.0/24",
        "10.0.127.1/24",
        "fc00:0:0:127::/64",
        "fc00:0:0:127::1/64",
    ]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "operation",
    ["create_vlan_group", "create_vlan", "create_l2vpn", "create_l2vpn_termination", "add_tagged_vlans"],
)
def test_retry_of_an_l2vpn_makes_nothing_twice(operation: str, when: str) -> None:
    ports = [delivered(order_port(delivered(order_node(name)), "ethernet-1/1")) for name in ("ams-pe", "par-pe")]
    fail(operation, when)
    process = run("create_l2vpn", product("l2vpn"), *l2vpn_pages(ports, "10,20"))
    assert process.last_status == "failed"
    resume_process(process.process_id, [{}], user="noc")
    assert delivered(again(process)).insync
    counts = [model.objects.count() for model in (models.VLANGroup, models.VLAN, models.L2VPN, models.L2VPNTermination)]
    assert counts == [2, 4, 1, 4]
    assert models.TaggedVLAN.objects.count() == 4


def test_name_taken_between_form_and_step_fails_with_a_clear_sentence() -> None:
    _, failed = two_at_once("create_node", product("node Nokia"), node_page("ams-pe"), {})
    assert failed.last_step == "Create node in IMS"
    assert "A node named 'ams-pe' exists in the inventory already" in str(failed.failed_reason)
    assert models.Device.objects.count() == 1


def test_two_orders_for_one_interface_give_one_port() -> None:
    node = delivered(order_node("ams-pe"))
    _, failed = two_at_once("create_port", product("port 10G"), *port_pages(node, "ethernet-1/1"))
    assert failed.last_step == "Construct Subscription model"
    assert "Interface ethernet-1/1 is in use by now" in str(failed.failed_reason)


def test_core_link_over_an_interface_in_use_makes_nothing() -> None:
    nodes = [delivered(order_node(name)) for name in ("ams-pe", "par-pe")]
    pages = core_link_pages(*nodes, "ethernet-1/1", "ethernet-1/1")
    with transaction.atomic():
        link = start_process("create_core_link", [product("core link 10G"), *pages])
        models.Interface.objects.filter(device=nodes[1].node.ims_id, name="ethernet-1/1").update(enabled=True)
    run_until_idle()
    failed = Process.objects.get(pk=link)
    assert (failed.last_status, failed.last_step) == ("failed", "Construct Subscription model")
    assert models.Cable.objects.count() == 0
    assert models.Prefix.objects.count() == 4


def test_two_orders_for_one_vlan_give_one_service() -> None:
    """EX-11"""
    ports = [delivered(order_port(delivered(order_node(name)), "ethernet-1/1")) for name in ("ams-pe", "par-pe")]
    _, failed = two_at_once("create_l2vpn", product("l2vpn"), *l2vpn_pages(ports, "10"))
    assert failed.last_step == "Construct Subscription model"
    assert "Vlan(s) 10 already in use" in str(failed.failed_reason)
    assert models.TaggedVLAN.objects.count() == 2


def test_aborted_order_keeps_what_was_made_and_says_where_it_stopped() -> None:
    fail("allocate_address", "before")
    process = order_node("ams-pe")
    abort_process(process.process_id, user="noc")
    process.refresh_from_db()
    assert process.last_status == "aborted"
    assert ProcessStep.objects.filter(process=process).order_by("seq").last().name == "User Aborted"  # type: ignore[union-attr]
    model: Any = SubscriptionModel.from_subscription(subscription_id(process))
    assert (model.status, model.insync) == ("provisioning", False)
    assert model.node.ims_id == models.Device.objects.get().pk


def test_vlans_of_an_order_that_was_given_up_stay_taken_until_it_is_terminated() -> None:
    """EX-11"""
    ports = [delivered(order_port(delivered(order_node(name)), "ethernet-1/1")) for name in ("ams-pe", "par-pe")]
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
