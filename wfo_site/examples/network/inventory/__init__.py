"""The inventory of the example network: one interface, an embedded implementation in our own tables."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from wfo_site.examples.network.inventory.interface import Inventory

DEFAULT_INVENTORY = "wfo_site.examples.network.inventory.embedded.EmbeddedInventory"


def get_inventory() -> Inventory:
    """Return the inventory that the setting WFO_NETWORK_INVENTORY names (dotted path of a class without arguments)."""
    return _inventory(getattr(settings, "WFO_NETWORK_INVENTORY", DEFAULT_INVENTORY))


@cache
def _inventory(path: str) -> Inventory:
    inventory: Inventory = import_string(path)()
    return inventory
