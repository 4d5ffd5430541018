"""From an empty database to services of every kind, unattended; afterwards the inventory holds what it should."""

from __future__ import annotations

import pytest

from tests.examples.network.ordering import (
    delivered,
    order_core_link,
    order_l2vpn,
    order_node,
    order_nsip2p,
    order_nsistp,
    order_port,
    run,
)
from wfo_site.examples.network import models
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.vlans import VlanRanges
from wfo_site.examples.network.wfo_products.port import Port
from wfo_site.examples.network.wfo_seed import seed
from workflows.models import Process, ProcessStep

pytestmark = pytest.mark.django_db(transaction=True)


def steps(process: Process) -> list[tuple[str, str]]:
    return list(ProcessStep.objects.filter(process=process).values_list("name", "status"))


def test_chain_from_an_empty_database() -> None:
    """EX-08"""
    seed()
    bootstrap = run("task_bootstrap_netbox", {})
    assert bootstrap.last_status == "completed"
    assert [name for name, _ in steps(bootstrap)] == [
        "Start",
        "Create initial set of objects",
        "Create prefixes",
        "Done",
    ]

    node_process = order_node("ams-pe")
    ams, par = delivered(node_process), delivered(order_node("par-pe"))
    assert steps(node_process) == [
        ("Start", "success"),
        ("Construct Subscription model", "success"),
        ("Create Process Subscription relation", "success"),
        ("Create node in IMS", "success"),
        ("Reserve loopback addresses", "success"),
        ("Install node config", "skipped"),
        ("Provision node in NRM", "success"),
        ("Update node in IMS", "success"),
        ("Update interfaces", "success"),
        ("Set subscription to 'active'", "success"),
        ("Unlock subscription", "success"),
        ("Done", "complete"),
    ]
    assert (ams.status, ams.insync, ams.description) == ("active", True, "node ams-pe (active)")

    port_process = order_port(ams, "ethernet-1/1")
    port_a, port_b = delivered(port_process), delivered(order_port(par, "ethernet-1/1"))
    assert [name for name, _ in steps(port_process)][3:-3] == [
        "enable port in IMS",
        "Install port config",
        "Provision port in NRM",
        "Update port in IMS",
    ]
    assert port_a.description == "port 10G ams-pe ethernet-1/1 campus"

    link_process = order_core_link(ams, par, "ethernet-1/2", "ethernet-1/2")
    link = delivered(link_process)
    assert [name for name, _ in steps(link_process)][3:-3] == [
        "Assign IPv6 prefix",
        "Assign side A IPv6 address",
        "Assign side B IPv6 address",
        "Connect ports in IMS",
        "enable ports in IMS",
        "Provision core link in NRM",
        "Install core-link config",
    ]

    l2vpn_process = order_l2vpn([port_a, port_b], "10,20-21")
    l2vpn = delivered(l2vpn_process)
    assert [name for name, _ in steps(l2vpn_process)][3:-3] == [
        "Create VLANs in IMS",
        "Create L2VPN in IMS",
        "Create L2VPN terminations in IMS",
        "Provision L2VPN in NRM",
        "Update VLANs on connected ports in IMS",
    ]
    assert l2vpn.description == "L2VPN 1000 Mbit/s (ams-pe-par-pe)"

    assert_inventory_holds_the_devices()
    assert_inventory_holds_the_link(link)
    assert_inventory_holds_the_vlans(l2vpn)
    reloaded = Port.from_subscription(port_a.subscription_id).port
    assert reloaded.vlans == [VlanRanges("10,20-21")]
    assert reloaded.vlan_group_ims_ids == [l2vpn.virtual_circuit.saps[0].ims_id]

    point_process = order_nsistp(port_a, "100-110", "ams-1")
    point, _ = delivered(point_process), delivered(order_nsistp(port_b, "105-120", "par-1"))
    assert [name for name, _ in steps(point_process)][1:-3] == [
        "Construct Subscription model",
        "Create Process Subscription relation",
    ]
    assert (point.status, point.description) == ("active", "NSISTP ams-1 topology production ams-pe 10000 Mbit/s")
    assert point.nsistp.sap.ims_id == port_a.port.ims_id

    nsip2p_process = order_nsip2p([port_a, port_b], "107", speed_policer=True)
    nsip2p = delivered(nsip2p_process)
    assert [name for name, _ in steps(nsip2p_process)][3:-3] == [
        "Create VLANs in IMS",
        "Create NSIP2P in IMS",
        "Create NSIP2P terminations in IMS",
        "Provision NSIP2P in NRM",
        "Update VLANs on connected ports in IMS",
    ]
    assert nsip2p.description == "NSIP2P 500 Mbit/s(ams-pe-par-pe) (policer active)"
    assert_inventory_holds_the_circuit(nsip2p)


def assert_inventory_holds_the_devices() -> None:
    devices = list(models.Device.objects.order_by("id"))
    assert [device.name for device in devices] == ["ams-pe", "par-pe"]
    assert [str(device.primary_ip4) for device in devices] == ["10.0.127.1/24", "10.0.127.2/24"]
    assert [str(device.primary_ip6) for device in devices] == ["fc00:0:0:127::1/64", "fc00:0:0:127::2/64"]
    for device in devices:
        assert device.interfaces.count() == 15
        assert device.interfaces.filter(speed=10_000_000).count() == 10
        enabled = device.interfaces.filter(enabled=True).values_list("name", flat=True)
        assert set(enabled) == {"Loopback0", "ethernet-1/1", "ethernet-1/2"}
        customer_port = device.interfaces.get(name="ethernet-1/1")
        assert (customer_port.mode, customer_port.description) == ("tagged", "campus")
        assert sorted(customer_port.tagged.values_list("vid", flat=True)) == [10, 20, 21]


def assert_inventory_holds_the_link(link: object) -> None:
    inventory, block = get_inventory(), link.core_link  # type: ignore[attr-defined]
    prefix = inventory.prefix(block.ipv6_prefix_ipam_id)
    assert prefix is not None
    assert prefix.prefix == "fc00:0:0:10::/127"
    addresses = [inventory.ip_address(port.ipv6_ipam_id) for port in block.ports]
    assert [each.address for each in addresses if each] == ["fc00:0:0:10::/127", "fc00:0:0:10::1/127"]
    cable = inventory.cable(block.ims_id)
    assert cable is not None
    assert (cable.a_terminations, cable.b_terminations) == ((block.ports[0].ims_id,), (block.ports[1].ims_id,))
    assert models.Cable.objects.count() == 1
    assert models.Prefix.objects.count() == 5
    # Two loopbacks of each family with the network address set aside, and the two ends of the link.
    assert models.IPAddress.objects.count() == 2 * (2 + 1) + 2


def assert_inventory_holds_the_vlans(l2vpn: object) -> None:
    circuit = l2vpn.virtual_circuit  # type: ignore[attr-defined]
    assert models.L2VPN.objects.get().pk == circuit.ims_id
    groups = list(models.VLANGroup.objects.order_by("id"))
    assert [group.pk for group in groups] == [sap.ims_id for sap in circuit.saps]
    assert [group.vid_ranges for group in groups] == [[[10, 10], [20, 21]]] * 2
    assert [sorted(group.vlans.values_list("vid", flat=True)) for group in groups] == [[10, 20, 21]] * 2
    terminated = set(models.L2VPNTermination.objects.values_list("assigned_object", flat=True))
    assert terminated == set(models.VLAN.objects.values_list("id", flat=True))


def assert_inventory_holds_the_circuit(nsip2p: object) -> None:
    circuit = nsip2p.virtual_circuit  # type: ignore[attr-defined]
    l2vpn = models.L2VPN.objects.get(pk=circuit.ims_id)
    assert l2vpn.name == f"{nsip2p.subscription_id} nsip2p"  # type: ignore[attr-defined]
    assert models.L2VPN.objects.count() == 2
    groups = models.VLANGroup.objects.filter(pk__in=[sap.ims_id for sap in circuit.saps])
    assert [group.vid_ranges for group in groups] == [[[107, 107]]] * 2
    assert sorted(l2vpn.terminations.values_list("assigned_object__vid", flat=True)) == [107, 107]
    for interface in models.Interface.objects.filter(name="ethernet-1/1"):
        assert sorted(interface.tagged.values_list("vid", flat=True)) == [10, 20, 21, 107]


def test_bootstrap_twice_is_harmless() -> None:
    """EX-13"""
    assert run("task_bootstrap_netbox", {}).last_status == "completed"
    counts = [model.objects.count() for model in (models.Site, models.DeviceType, models.Prefix)]
    assert counts == [5, 8, 4]
    assert run("task_bootstrap_netbox", {}).last_status == "completed"
    assert [model.objects.count() for model in (models.Site, models.DeviceType, models.Prefix)] == counts


def test_interfaces_are_added_only_where_asked_for() -> None:
    seed()
    run("task_bootstrap_netbox", {})
    process = order_node("ams-pe", auto_add_interfaces=False)
    assert delivered(process).status == "active"
    assert ("Update interfaces", "skipped") in steps(process)
    assert list(models.Interface.objects.values_list("name", flat=True)) == ["Loopback0"]
