"""An inventory with the initial objects, and one node in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import DjangoDbBlocker

from tests.examples.network.ordering import delivered, order_node, order_port, run
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.inventory.bootstrap import create_initial_objects, create_prefixes
from wfo_site.examples.network.inventory.interface import Device, DevicePayload, Interface, Inventory
from wfo_site.examples.network.wfo_seed import seed


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


@dataclass(frozen=True)
class Network:
    """Subscriptions of nodes ams-pe and par-pe, and of port ethernet-1/1 of each."""

    nodes: list[Any]
    ports: list[Any]


@pytest.fixture(scope="module")
def network(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Network]:
    """A network that is delivered once for a module; what its tests add is rolled back after each."""
    with django_db_blocker.unblock():
        seed()
        run("task_bootstrap_netbox", {})
        nodes = [delivered(order_node(name)) for name in ("ams-pe", "par-pe")]
        yield Network(nodes, [delivered(order_port(node, "ethernet-1/1")) for node in nodes])
        call_command("flush", interactive=False, verbosity=0)
