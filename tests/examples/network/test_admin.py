"""The inventory in the admin: pages cost the same however much is in them, and what workflows decide is only shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.sites import site
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.examples.network.conftest import device_payload
from wfo_site.examples.network import models
from wfo_site.examples.network.inventory import bootstrap
from wfo_site.examples.network.inventory.interface import Inventory
from wfo_site.examples.network.wfo_seed import seed

pytestmark = pytest.mark.django_db

TABLES = sorted(
    (table for table in site._registry if table._meta.app_label == "network"), key=lambda table: table.__name__
)
ALLOCATED = [models.Cable, models.IPAddress, models.Prefix]


def address(table: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:network_{table._meta.model_name}_{page}", args=args)


def furnish(inventory: Inventory, number: int) -> None:
    """Make one object of every kind, each hanging on others as in a network."""
    device = inventory.create_device(device_payload(inventory, f"node-{number}"))
    ends = [
        inventory.create_interface(
            {"device": device.id, "name": f"e{end}", "type": "10gbase-x-xfp", "enabled": False, "speed": 10_000_000}
        )
        for end in range(2)
    ]
    terminations: list[Any] = [[{"object_id": end.id, "object_type": "dcim.interface"}] for end in ends]
    inventory.create_cable(
        {
            "type": "smf",
            "status": "connected",
            "description": f"cable {number}",
            "a_terminations": terminations[0],
            "b_terminations": terminations[1],
        }
    )
    for pool, field in ((bootstrap.LOOPBACK_V4, "primary_ip4"), (bootstrap.LOOPBACK_V6, "primary_ip6")):
        prefix = inventory.prefix_by_network(pool)
        assert prefix is not None
        given = inventory.allocate_address(
            prefix.id,
            {
                "description": "loopback",
                "assigned_object_id": ends[0].id,
                "assigned_object_type": "dcim.interface",
                "status": "active",
            },
        )
        inventory.update_device(device.id, {field: given.id})  # type: ignore[misc]
    group = inventory.create_vlan_group({"name": f"group {number}", "slug": f"g{number}", "vid_ranges": [(5, 5)]})
    vlan = inventory.create_vlan({"vid": 5, "name": f"vlan {number}", "group": group.id, "status": "active"})
    inventory.add_tagged_vlans(ends[0].id, [vlan.id])
    l2vpn = inventory.create_l2vpn({"name": f"l2vpn {number}", "slug": f"l{number}", "type": "mpls-evpn"})
    inventory.create_l2vpn_termination(
        {"l2vpn": l2vpn.id, "assigned_object_id": vlan.id, "assigned_object_type": "ipam.vlan"}
    )
    # Not one of any call: it must not strike the next furnishing.
    models.FailureRule.objects.create(operation="delete_site", message=f"rule {number}")
    models.Customer.objects.create(fullname=f"customer {number}", shortcode=f"c{number}")


def hang_more_on_each(inventory: Inventory) -> None:
    """Give the first objects more of what their pages list."""
    device, interface = models.Device.objects.earliest("pk"), models.Interface.objects.earliest("pk")
    group, l2vpn = models.VLANGroup.objects.earliest("pk"), models.L2VPN.objects.earliest("pk")
    pool = inventory.prefix_by_network(bootstrap.LOOPBACK_V4)
    assert pool is not None
    for number in range(4):
        inventory.create_interface(
            {"device": device.pk, "name": f"more {number}", "type": "virtual", "enabled": False, "speed": None}
        )
        vlan = inventory.create_vlan(
            {"vid": 100 + number, "name": f"more {number}", "group": group.pk, "status": "active"}
        )
        inventory.add_tagged_vlans(interface.pk, [vlan.id])
        inventory.create_l2vpn_termination(
            {"l2vpn": l2vpn.pk, "assigned_object_id": vlan.id, "assigned_object_type": "ipam.vlan"}
        )
        inventory.allocate_address(
            pool.id,
            {
                "description": "more",
                "assigned_object_id": interface.pk,
                "assigned_object_type": "dcim.interface",
                "status": "active",
            },
        )


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(path)
    assert response.status_code == 200, path
    return len(captured)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_pages_cost_the_same_for_one_object_and_for_many(
    inventory: Inventory, admin_client: Client, table: type[Model]
) -> None:
    furnish(inventory, 0)
    row = table._default_manager.earliest("pk")
    pages = [address(table, "changelist"), f"{address(table, 'changelist')}?q=1", address(table, "change", row.pk)]
    for path in pages:
        queries(admin_client, path)
    few = [queries(admin_client, path) for path in pages]
    for number in range(1, 5):
        furnish(inventory, number)
    hang_more_on_each(inventory)
    assert [queries(admin_client, path) for path in pages] == few


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_only_workflows_allocate(inventory: Inventory, admin_client: Client, table: type[Model]) -> None:
    expected = 403 if table in ALLOCATED else 200
    assert admin_client.get(address(table, "add")).status_code == expected


def test_a_device_shows_its_interfaces_and_an_interface_what_it_carries(
    inventory: Inventory, admin_client: Client
) -> None:
    furnish(inventory, 0)
    device = models.Device.objects.get()
    page = admin_client.get(address(models.Device, "change", device.pk)).content.decode()
    for interface in device.interfaces.all():
        assert address(models.Interface, "change", interface.pk) in page
    tagged = models.Interface.objects.get(tagged__isnull=False)
    carried = admin_client.get(address(models.Interface, "change", tagged.pk)).content.decode()
    assert all(part in carried for part in ("vlan 0 (5)", "cable 0", "10.0.127."))
    cable = models.Cable.objects.get()
    assert "node-0 e1" in admin_client.get(address(models.Cable, "change", cable.pk)).content.decode()
    found = admin_client.get(address(models.Cable, "changelist"), {"q": "node-0"}).content.decode()
    assert "cable 0" in found


def test_a_fault_is_ordered_for_an_operation_that_there_is(admin_client: Client) -> None:
    """A name with a typing error would never strike."""
    rule = {"when": "before", "times_left": 1, "message": "The inventory is on holiday"}
    path = address(models.FailureRule, "add")
    offered = admin_client.get(path).content.decode()
    assert 'value="create_device"' in offered
    assert 'value="*"' in offered
    assert admin_client.post(path, {**rule, "operation": "create_devise"}).status_code == 200
    assert not models.FailureRule.objects.exists()
    assert admin_client.post(path, {**rule, "operation": "create_device"}).status_code == 302
    assert models.FailureRule.objects.get().operation == "create_device"


def test_lists_are_searched(admin_client: Client) -> None:
    seed()
    page = admin_client.get(address(models.Customer, "changelist"), {"q": "surf"}).content.decode()
    assert "SURF" in page
    assert "ESnet" not in page
