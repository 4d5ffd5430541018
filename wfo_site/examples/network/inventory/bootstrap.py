"""The objects that an empty inventory needs before the first node can be made. Creating them twice is harmless."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.text import slugify

from wfo_site.examples.network.inventory.interface import (
    DeviceRolePayload,
    Inventory,
    ManufacturerPayload,
    PrefixPayload,
)

SITES: Final = ("Amsterdam", "Paris", "London", "Madrid", "Rome")
ROLES: Final = (("Provider", "9e9e9e"), ("Provider Edge", "ff9800"))
MANUFACTURERS: Final = ("Cisco", "Nokia", "Cumulus", "FRR")


@dataclass(frozen=True)
class DeviceModel:
    manufacturer: str
    model: str
    slug: str
    u_height: float


DEVICE_TYPES: Final = (
    DeviceModel("Cisco", "8812", "8812", 21.0),
    DeviceModel("Cisco", "ASR 903", "asr-903", 3.0),
    DeviceModel("Nokia", "7950 XRS-20", "7950-xrs-20", 44.0),
    DeviceModel("Nokia", "7210 SAS-R6", "7210-sas-r6", 3.0),
    DeviceModel("Nokia", "7220 IXR-D2", "7220-ixr-d2", 1.0),
    DeviceModel("Nokia", "7220 IXR-D3", "7220-ixr-d3", 1.0),
    DeviceModel("Cumulus", "cVX VM", "cvx", 1.0),
    DeviceModel("FRR", "FRR VM", "frr", 1.0),
)

LOOPBACK_V4: Final = "10.0.127.0/24"
LOOPBACK_V6: Final = "fc00:0:0:127::/64"
CORE_LINK_V4: Final = "10.0.10.0/24"
CORE_LINK_V6: Final = "fc00:0:0:10::/64"
PREFIXES: Final = (
    (LOOPBACK_V4, "IPv4 loopback"),
    (LOOPBACK_V6, "IPv6 loopback"),
    (CORE_LINK_V4, "IPv4 core link"),
    (CORE_LINK_V6, "IPv6 core link"),
)


def create_initial_objects(inventory: Inventory) -> dict[str, int]:
    """Create the sites, roles, manufacturers and device types that are missing. Return how many of each."""
    return {
        "sites": _create_sites(inventory),
        "device_roles": _create_roles(inventory),
        "manufacturers": _create_manufacturers(inventory),
        "device_types": _create_device_types(inventory),
    }


def create_prefixes(inventory: Inventory) -> int:
    """Create the pools for loopbacks and core links that are missing. Return how many."""
    missing = [each for each in PREFIXES if inventory.prefix_by_network(each[0]) is None]
    for prefix, description in missing:
        inventory.create_prefix(PrefixPayload(prefix=prefix, description=description, status="active", is_pool=True))
    return len(missing)


def _create_sites(inventory: Inventory) -> int:
    known = {site.name for site in inventory.sites()}
    missing = [name for name in SITES if name not in known]
    for name in missing:
        inventory.create_site({"name": name, "slug": slugify(name), "status": "active"})
    return len(missing)


def _create_roles(inventory: Inventory) -> int:
    known = {role.name for role in inventory.device_roles()}
    missing = [
        DeviceRolePayload(name=name, slug=slugify(name), color=color) for name, color in ROLES if name not in known
    ]
    for payload in missing:
        inventory.create_device_role(payload)
    return len(missing)


def _create_manufacturers(inventory: Inventory) -> int:
    known = {manufacturer.name for manufacturer in inventory.manufacturers()}
    missing = [name for name in MANUFACTURERS if name not in known]
    for name in missing:
        inventory.create_manufacturer({"name": name, "slug": slugify(name)})
    return len(missing)


def _create_device_types(inventory: Inventory) -> int:
    known = {(each.manufacturer, each.model) for each in inventory.device_types()}
    missing = [each for each in DEVICE_TYPES if (each.manufacturer, each.model) not in known]
    for each in missing:
        inventory.create_device_type(
            {
                "manufacturer": ManufacturerPayload(name=each.manufacturer, slug=slugify(each.manufacturer)),
                "model": each.model,
                "slug": each.slug,
                "u_height": each.u_height,
            }
        )
    return len(missing)
