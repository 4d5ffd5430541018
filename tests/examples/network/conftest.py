"""An inventory with the initial objects, and one node in it."""

from __future__ import annotations

import pytest

from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.inventory.bootstrap import create_initial_objects, create_prefixes
from wfo_site.examples.network.inventory.interface import Device, DevicePayload, Interface, Inventory


@pytest.fixture
def inventory(db: None) -> Inventory:
    """The embedded inventory with sites, roles, device types and pools."""
    inventory = get_inventory()
    create_initial_objects(inventory)
    create_prefixes(inventory)
    return inventory


def device_payload(inventory: Inventory, name: str) -> DevicePayload:
    """What creates a node of that name at the first site."""
    return DevicePayload(
        name=name,
        site=inventory.sites()[0].id,
        device_type=inventory.device_types(manufacturer="Nokia")[0].id,
        role=inventory.device_roles()[0].id,
        status="planned",
    )


@pytest.fixture
def device(inventory: Inventory) -> Device:
    return inventory.create_device(device_payload(inventory, "ams-pe"))


@pytest.fixture
def interface(inventory: Inventory, device: Device) -> Interface:
    return inventory.create_interface(
        {"device": device.id, "name": "ethernet-1/1", "type": "10gbase-x-xfp", "enabled": False, "speed": 10_000_000}
    )
