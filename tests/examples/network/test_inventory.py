"""The embedded inventory answers as a NetBox would, and a call repeated with its key does nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.examples.network.conftest import device_payload
from wfo_site.common.db.outside import OutsideInTransaction, step_transaction, writes_refused
from wfo_site.examples.network.inventory import bootstrap
from wfo_site.examples.network.inventory.interface import (
    AvailableIPPayload,
    CablePayload,
    CableTermination,
    Device,
    Interface,
    Inventory,
    InventoryConflict,
    InventoryError,
    InventoryNotFound,
)
from wfo_site.examples.network.models import Device as DeviceRow
from wfo_site.examples.network.models import FailureRule, IPAddress

pytestmark = pytest.mark.django_db


def address_for(interface: Interface, description: str = "loopback") -> AvailableIPPayload:
    return AvailableIPPayload(
        description=description,
        assigned_object_id=interface.id,
        assigned_object_type="dcim.interface",
        status="active",
    )


def cable_between(a: Interface, b: Interface) -> CablePayload:
    def end(interface: Interface) -> list[CableTermination]:
        return [CableTermination(object_id=interface.id, object_type="dcim.interface")]

    return CablePayload(
        type="smf", status="connected", description="a <-> b", a_terminations=end(a), b_terminations=end(b)
    )


def another_interface(inventory: Inventory, device: Device, name: str) -> Interface:
    return inventory.create_interface(
        {"device": device.id, "name": name, "type": "10gbase-x-xfp", "enabled": False, "speed": 10_000_000}
    )


def test_initial_objects_twice_are_there_once(inventory: Inventory) -> None:
    """EX-13: bootstrapping again creates nothing."""
    assert set(bootstrap.create_initial_objects(inventory).values()) == {0}
    assert bootstrap.create_prefixes(inventory) == 0
    assert [site.name for site in inventory.sites(status="active")] == sorted(bootstrap.SITES)
    assert len(inventory.device_types()) == 8
    assert [each.model for each in inventory.device_types(manufacturer="Cisco")] == ["8812", "ASR 903"]


def test_name_of_a_device_is_taken_once(inventory: Inventory, device: Device) -> None:
    with pytest.raises(InventoryConflict, match="'ams-pe' exists in the inventory already"):
        inventory.create_device(device_payload(inventory, "ams-pe"))
    assert inventory.device_by_name("ams-pe") == device
    assert inventory.device_by_name("par-p") is None


def test_same_key_returns_the_object_made_before(inventory: Inventory) -> None:
    payload = device_payload(inventory, "ams-pe")
    first = inventory.create_device(payload, idempotency_key="step-1")
    assert inventory.create_device(payload, idempotency_key="step-1") == first
    assert DeviceRow.objects.count() == 1


def test_update_changes_only_what_is_named(inventory: Inventory, device: Device) -> None:
    changed = inventory.update_device(device.id, {"status": "active"})
    assert (changed.status, changed.name, changed.site) == ("active", "ams-pe", device.site)
    with pytest.raises(InventoryNotFound, match="no device with id 999"):
        inventory.update_device(999, {"status": "active"})


def test_interfaces_are_found_by_speed_and_use_in_natural_order(inventory: Inventory, device: Device) -> None:
    for number in (10, 2, 1):
        another_interface(inventory, device, f"ethernet-1/{number}")
    free = inventory.interfaces(device=device.id, speed=10_000_000, enabled=False)
    assert [each.name for each in free] == ["ethernet-1/1", "ethernet-1/2", "ethernet-1/10"]
    assert inventory.interfaces(device=device.id, speed=100_000_000) == []


def test_interface_is_taken_into_use_once(inventory: Inventory, interface: Interface) -> None:
    assert inventory.enable_interface(interface.id, idempotency_key="mine").enabled
    assert inventory.enable_interface(interface.id, idempotency_key="mine").enabled
    with pytest.raises(InventoryConflict, match="ethernet-1/1 of node ams-pe is in use already"):
        inventory.enable_interface(interface.id, idempotency_key="another")
    inventory.update_interface(interface.id, {"enabled": False})
    assert inventory.enable_interface(interface.id, idempotency_key="another").enabled


def test_interface_has_one_cable(inventory: Inventory, device: Device, interface: Interface) -> None:
    other, third = (another_interface(inventory, device, f"ethernet-1/{n}") for n in (2, 3))
    cable = inventory.create_cable(cable_between(interface, other), idempotency_key="c")
    assert inventory.create_cable(cable_between(interface, other), idempotency_key="c") == cable
    assert cable.a_terminations == (interface.id,)
    with pytest.raises(InventoryConflict, match="ethernet-1/1 of node ams-pe has a cable already"):
        inventory.create_cable(cable_between(third, interface))
    assert inventory.delete_cable(cable.id)
    assert not inventory.delete_cable(cable.id)
    freed = inventory.interface(interface.id)
    assert freed is not None
    assert freed.cable is None


def test_loopbacks_leave_the_network_address_of_a_pool_alone(inventory: Inventory, interface: Interface) -> None:
    v4 = inventory.prefix_by_network(bootstrap.LOOPBACK_V4)
    v6 = inventory.prefix_by_network("fc00:0:0:127:0:0:0:0/64")
    assert v4
    assert v6
    given = [inventory.allocate_address(v4.id, address_for(interface), skip_network=True) for _ in range(2)]
    given.append(inventory.allocate_address(v6.id, address_for(interface), skip_network=True))
    assert [each.address for each in given] == ["10.0.127.1/24", "10.0.127.2/24", "fc00:0:0:127::1/64"]
    assert list(IPAddress.objects.filter(description="placeholder").values_list("address", flat=True)) == [
        "10.0.127.0/24",
        "fc00:0:0:127::/64",
    ]
    assert len(inventory.ip_addresses(interface=interface.id)) == 3


def test_freed_address_is_given_again(inventory: Inventory, interface: Interface) -> None:
    pool = inventory.prefix_by_network(bootstrap.CORE_LINK_V4)
    assert pool
    first, _ = (inventory.allocate_address(pool.id, address_for(interface)) for _ in range(2))
    inventory.delete_ip_address(first.id)
    assert inventory.allocate_address(pool.id, address_for(interface)).address == first.address


def test_link_prefix_and_its_two_addresses(inventory: Inventory, interface: Interface) -> None:
    pool = inventory.prefix_by_network(bootstrap.CORE_LINK_V6)
    assert pool
    payload: Any = {"prefix_length": 127, "description": "link", "is_pool": False}
    link = inventory.allocate_prefix(pool.id, payload, idempotency_key="p")
    assert inventory.allocate_prefix(pool.id, payload, idempotency_key="p") == link
    assert link.prefix == "fc00:0:0:10::/127"
    assert inventory.allocate_prefix(pool.id, payload).prefix == "fc00:0:0:10::2/127"
    addresses = [inventory.allocate_address(link.id, address_for(interface)).address for _ in range(2)]
    assert addresses == ["fc00:0:0:10::/127", "fc00:0:0:10::1/127"]
    with pytest.raises(InventoryConflict, match="no free address left"):
        inventory.allocate_address(link.id, address_for(interface))
    with pytest.raises(InventoryError, match="does not fit"):
        inventory.allocate_prefix(link.id, payload)


def test_vlans_are_unique_in_their_group_and_on_an_interface(inventory: Inventory, interface: Interface) -> None:
    """EX-11: the last line of defence when two orders for one VLAN pass the form at the same time."""
    groups = [
        inventory.create_vlan_group({"name": name, "slug": name, "vid_ranges": [(10, 10), (20, 21)]})
        for name in ("a", "b")
    ]
    assert groups[0].vid_ranges == ((10, 10), (20, 21))
    vlans = [inventory.create_vlan({"vid": 10, "name": "x", "group": group.id, "status": "active"}) for group in groups]
    with pytest.raises(InventoryConflict, match="already in use"):
        inventory.create_vlan({"vid": 10, "name": "y", "group": groups[0].id, "status": "active"})
    with pytest.raises(InventoryError, match="outside 1-4094"):
        inventory.create_vlan({"vid": 4095, "name": "y", "group": groups[0].id, "status": "active"})
    assert inventory.update_interface(interface.id, {"tagged_vlans": [vlans[0].id]}).tagged_vlans == (vlans[0].id,)
    with pytest.raises(InventoryConflict, match=r"Vlan\(s\) 10 already in use on interface ethernet-1/1"):
        inventory.update_interface(interface.id, {"tagged_vlans": [vlan.id for vlan in vlans]})
    other = inventory.create_vlan({"vid": 20, "name": "z", "group": groups[1].id, "status": "active"})
    carried = inventory.add_tagged_vlans(interface.id, [other.id])
    assert set(carried.tagged_vlans) == {vlans[0].id, other.id}
    with pytest.raises(InventoryConflict, match=r"Vlan\(s\) 10 already in use on interface ethernet-1/1"):
        inventory.add_tagged_vlans(interface.id, [vlans[1].id])
    assert inventory.vlans(groups=[groups[0].id, groups[1].id]) == [*vlans, other]
    assert inventory.update_interface(interface.id, {"tagged_vlans": []}).tagged_vlans == ()


def test_group_that_holds_vlans_is_not_deleted(inventory: Inventory) -> None:
    group = inventory.create_vlan_group({"name": "g", "slug": "g", "vid_ranges": [(5, 5)]})
    vlan = inventory.create_vlan({"vid": 5, "name": "x", "group": group.id, "status": "active"})
    with pytest.raises(InventoryConflict, match="still holds VLANs"):
        inventory.delete_vlan_group(group.id)
    assert inventory.delete_vlan(vlan.id)
    assert inventory.delete_vlan_group(group.id)


def test_terminations_go_with_their_l2vpn(inventory: Inventory) -> None:
    group = inventory.create_vlan_group({"name": "g", "slug": "g", "vid_ranges": [(5, 5)]})
    vlan = inventory.create_vlan({"vid": 5, "name": "x", "group": group.id, "status": "active"})
    l2vpn = inventory.create_l2vpn({"name": "n", "slug": "n", "type": "mpls-evpn"})
    inventory.create_l2vpn_termination(
        {"l2vpn": l2vpn.id, "assigned_object_id": vlan.id, "assigned_object_type": "ipam.vlan"}
    )
    with pytest.raises(InventoryConflict, match="carried by an L2VPN already"):
        inventory.create_l2vpn_termination(
            {"l2vpn": l2vpn.id, "assigned_object_id": vlan.id, "assigned_object_type": "ipam.vlan"}
        )
    assert inventory.l2vpn_by_name("n") == l2vpn
    assert inventory.delete_l2vpn(l2vpn.id)
    assert inventory.l2vpn_terminations(l2vpn=l2vpn.id) == []


def test_deleting_a_device_takes_what_hangs_on_it(inventory: Inventory, device: Device, interface: Interface) -> None:
    pool = inventory.prefix_by_network(bootstrap.LOOPBACK_V4)
    assert pool
    address = inventory.allocate_address(pool.id, address_for(interface))
    inventory.update_device(device.id, {"primary_ip4": address.id})
    assert inventory.delete_device(device.id)
    assert inventory.interface(interface.id) is None
    assert inventory.ip_address(address.id) is None


def test_calls_pass_the_guard_of_default_steps_and_are_refused_in_atomic_ones(inventory: Inventory) -> None:
    with writes_refused("Create node in IMS"):
        device = inventory.create_device(device_payload(inventory, "lon-pe"))
    assert device.name == "lon-pe"
    with step_transaction("Start another"), pytest.raises(OutsideInTransaction):
        inventory.sites()


def test_fault_before_leaves_nothing(inventory: Inventory) -> None:
    FailureRule.objects.create(operation="create_device", when="before", message="NetBox is down")
    with pytest.raises(InventoryError, match="NetBox is down"):
        inventory.create_device(device_payload(inventory, "ams-pe"), idempotency_key="k")
    assert inventory.device_by_name("ams-pe") is None
    assert inventory.create_device(device_payload(inventory, "ams-pe"), idempotency_key="k").name == "ams-pe"


def test_fault_after_leaves_the_object_which_the_retry_finds(inventory: Inventory) -> None:
    FailureRule.objects.create(operation="create_device", when="after", message="connection lost")
    with pytest.raises(InventoryError, match="connection lost"):
        inventory.create_device(device_payload(inventory, "ams-pe"), idempotency_key="k")
    made = inventory.device_by_name("ams-pe")
    assert made is not None
    assert inventory.create_device(device_payload(inventory, "ams-pe"), idempotency_key="k") == made
    assert FailureRule.objects.get().times_left == 0


def test_fault_of_any_operation_strikes_reads_too(inventory: Inventory) -> None:
    FailureRule.objects.create(operation="*", times_left=2)
    for _ in range(2):
        with pytest.raises(InventoryError, match="does not answer"):
            inventory.sites()
    assert inventory.sites()
