"""The inventory that needs no other system: tables of our own, used through calls like those to a remote one."""

from __future__ import annotations

from wfo_site.examples.network.inventory.embedded.dcim import Devices
from wfo_site.examples.network.inventory.embedded.ipam import Addresses
from wfo_site.examples.network.inventory.embedded.vpn import Circuits


class EmbeddedInventory(Devices, Addresses, Circuits):
    """Implements `inventory.interface.Inventory`; stateless, safe to share between threads."""
