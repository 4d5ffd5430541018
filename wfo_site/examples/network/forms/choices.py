"""Choices that are known only when a form is shown: customers, and what the inventory holds."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from products.models import FixedInput
from wfo_site.examples.network.enums import NodeStatus, PortMode
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.models import Customer
from workflows.forms import Choice

KBIT_PER_MBIT = 1_000


def choice(name: str, options: Iterable[tuple[object, str]]) -> type[Choice]:
    """Return a choice of (value, label) pairs; values are posted and stored as text."""
    made: type[Choice] = Choice.__call__(name, [(str(value), (str(value), label)) for value, label in options])  # type: ignore[assignment]
    return made


def customers() -> type[Choice]:
    """Return the customers by name."""
    rows = Customer.objects.order_by("fullname").values_list("customer_id", "fullname")
    return choice("CustomerChoice", rows)


def device_types(manufacturer: str) -> type[Choice]:
    """Return the device types of one manufacturer."""
    found = get_inventory().device_types(manufacturer=manufacturer)
    return choice("NodeTypeChoice", [(each.id, f"{each.manufacturer} {each.model}") for each in found])


def device_roles() -> type[Choice]:
    """Return all device roles."""
    return choice("NodeRoleChoice", [(role.id, role.name) for role in get_inventory().device_roles()])


def sites() -> type[Choice]:
    """Return the sites in service."""
    return choice("SiteChoice", [(site.id, site.name) for site in get_inventory().sites(status="active")])


def node_statuses() -> type[Choice]:
    """Return the operational statuses that a node may have."""
    return choice("NodeStatusChoice", [(status.value, status.value) for status in NodeStatus])


def port_modes() -> type[Choice]:
    """Return what a port may be used for."""
    return choice("PortModeChoice", [(mode.value, mode.value) for mode in PortMode])


def free_interfaces(device: int, speed: int) -> type[Choice]:
    """Return the interfaces of a device, of a speed in Mbit/s, that nobody has taken into use."""
    found = get_inventory().interfaces(device=device, speed=speed * KBIT_PER_MBIT, enabled=False)
    return choice("FreePortChoice", [(each.id, each.name) for each in found])


def fixed_input(product_id: UUID, name: str) -> str:
    """Return a fixed input of a product as stored, text."""
    return FixedInput.objects.get(product_id=product_id, name=name).value
