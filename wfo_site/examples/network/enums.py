"""Values that the example's products, forms and inventory share."""

from __future__ import annotations

from enum import StrEnum

from django.db.models import TextChoices


class NodeStatus(TextChoices):
    """Operational status of a device, as the inventory knows it."""

    OFFLINE = "offline", "Offline"
    ACTIVE = "active", "Active"
    PLANNED = "planned", "Planned"
    STAGED = "staged", "Staged"
    FAILED = "failed", "Failed"
    INVENTORY = "inventory", "Inventory"
    DECOMMISSIONING = "decommissioning", "Decommissioning"


class InterfaceMode(TextChoices):
    ACCESS = "access", "Access"
    TAGGED = "tagged", "Tagged"


class PortMode(StrEnum):
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    LINK_MEMBER = "link member"
