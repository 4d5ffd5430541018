"""Tables of the example network: its customers, and those of the embedded inventory."""

from __future__ import annotations

from uuid import uuid4

from django.db import models

from wfo_site.examples.network.inventory.models import (
    L2VPN,
    VLAN,
    Cable,
    CableTermination,
    Device,
    DeviceRole,
    DeviceType,
    FailureRule,
    Interface,
    IPAddress,
    L2VPNTermination,
    Manufacturer,
    Prefix,
    Site,
    TaggedVLAN,
    VLANGroup,
)

__all__ = [
    "L2VPN",
    "VLAN",
    "Cable",
    "CableTermination",
    "Customer",
    "Device",
    "DeviceRole",
    "DeviceType",
    "FailureRule",
    "IPAddress",
    "Interface",
    "L2VPNTermination",
    "Manufacturer",
    "Prefix",
    "Site",
    "TaggedVLAN",
    "VLANGroup",
]


def new_customer_id() -> str:
    """Return an id for a customer; the framework treats it as text."""
    return str(uuid4())


class Customer(models.Model):
    """Who subscriptions are delivered to. The framework knows only the id."""

    customer_id = models.CharField(primary_key=True, max_length=255, default=new_customer_id)
    fullname = models.CharField(max_length=255)
    shortcode = models.CharField(max_length=255, db_index=True)

    class Meta:
        ordering = ["fullname"]

    def __str__(self) -> str:
        return self.fullname
