"""Tables of the embedded inventory. Integer keys and names of fields are as in NetBox.

`idempotency_key` is what the caller gave when the object was made; see `interface`.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from wfo_site.examples.network.enums import InterfaceMode, NodeStatus


class Created(models.Model):
    """An object that a keyed call may have made."""

    idempotency_key = models.CharField(max_length=255, null=True, blank=True, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class Site(Created):
    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=100, unique=True)
    status = models.CharField(
        max_length=50, default="active", choices=[(s, s.capitalize()) for s in ("planned", "active", "retired")]
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class DeviceRole(Created):
    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=100, unique=True)
    color = models.CharField(max_length=6, default="9e9e9e")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Manufacturer(Created):
    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=100, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class DeviceType(Created):
    manufacturer = models.ForeignKey(Manufacturer, on_delete=models.PROTECT, related_name="device_types")
    model = models.CharField(max_length=100)
    slug = models.SlugField(max_length=100)
    u_height = models.FloatField(default=1.0)

    class Meta:
        ordering = ["manufacturer__name", "model"]
        constraints = [
            models.UniqueConstraint(fields=["manufacturer", "model"], name="network_device_type_model_once"),
            models.UniqueConstraint(fields=["manufacturer", "slug"], name="network_device_type_slug_once"),
        ]

    def __str__(self) -> str:
        return f"{self.manufacturer} {self.model}"


class Device(Created):
    name = models.CharField(max_length=64, unique=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="devices")
    device_type = models.ForeignKey(DeviceType, on_delete=models.PROTECT, related_name="devices")
    role = models.ForeignKey(DeviceRole, on_delete=models.PROTECT, related_name="devices")
    status = models.CharField(max_length=50, choices=NodeStatus, default=NodeStatus.ACTIVE)
    primary_ip4 = models.OneToOneField(
        "IPAddress", null=True, blank=True, on_delete=models.SET_NULL, related_name="primary_ip4_for"
    )
    primary_ip6 = models.OneToOneField(
        "IPAddress", null=True, blank=True, on_delete=models.SET_NULL, related_name="primary_ip6_for"
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=NodeStatus.values), name="network_device_status_known")
        ]

    def __str__(self) -> str:
        return self.name


class Interface(Created):
    """`enabled_key`: the idempotency key of the call that took the interface into use."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="interfaces")
    name = models.CharField(max_length=64)
    type = models.CharField(max_length=50)
    enabled = models.BooleanField(default=True)
    enabled_key = models.CharField(max_length=255, null=True, blank=True, editable=False)  # noqa: DJ001 - no key
    mode = models.CharField(max_length=50, choices=InterfaceMode, blank=True, default="")
    description = models.CharField(max_length=200, blank=True, default="")
    speed = models.PositiveBigIntegerField(null=True, blank=True, help_text="kbit/s")
    tagged_vlans: models.ManyToManyField[VLAN, TaggedVLAN] = models.ManyToManyField(
        "VLAN", through="TaggedVLAN", related_name="interfaces_as_tagged", blank=True
    )

    class Meta:
        ordering = ["device__name", "name"]
        constraints = [models.UniqueConstraint(fields=["device", "name"], name="network_interface_once_per_device")]
        indexes = [models.Index(fields=["device", "speed", "enabled"], name="network_interface_free")]

    def __str__(self) -> str:
        return f"{self.device} {self.name}"


class Cable(Created):
    type = models.CharField(max_length=50, default="smf")
    status = models.CharField(
        max_length=50,
        default="connected",
        choices=[(s, s.capitalize()) for s in ("connected", "planned", "decommissioning")],
    )
    description = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.description or f"#{self.pk}"


class CableTermination(models.Model):
    """One end of a cable; an interface holds at most one."""

    cable = models.ForeignKey(Cable, on_delete=models.CASCADE, related_name="terminations")
    interface = models.OneToOneField(Interface, on_delete=models.CASCADE, related_name="cable_termination")
    cable_end = models.CharField(max_length=1, choices=[("A", "A"), ("B", "B")])

    class Meta:
        ordering = ["cable", "cable_end", "id"]
        constraints = [models.CheckConstraint(condition=Q(cable_end__in=["A", "B"]), name="network_cable_end_known")]

    def __str__(self) -> str:
        return f"{self.cable} {self.cable_end}: {self.interface}"


class Prefix(Created):
    """`first` and `last` are the bounds as sortable hexadecimal text, see `addressing.sortable`."""

    prefix = models.CharField(max_length=43, unique=True)
    family = models.PositiveSmallIntegerField(editable=False, choices=[(4, "IPv4"), (6, "IPv6")])
    first = models.CharField(max_length=32, editable=False)
    last = models.CharField(max_length=32, editable=False)
    description = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=50, default="active")
    is_pool = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "prefixes"
        ordering = ["family", "first", "-last"]
        indexes = [models.Index(fields=["family", "first"], name="network_prefix_order")]

    def __str__(self) -> str:
        return self.prefix


class IPAddress(Created):
    """`address` carries the length of the prefix it was taken from; `host` is the address as sortable text."""

    address = models.CharField("IP address", max_length=43)
    family = models.PositiveSmallIntegerField(editable=False, choices=[(4, "IPv4"), (6, "IPv6")])
    host = models.CharField(max_length=32, editable=False)
    description = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=50, default="active")
    assigned_object = models.ForeignKey(
        Interface, null=True, blank=True, on_delete=models.CASCADE, related_name="ip_addresses"
    )

    class Meta:
        verbose_name = "IP address"
        verbose_name_plural = "IP addresses"
        ordering = ["family", "host"]
        constraints = [models.UniqueConstraint(fields=["family", "host"], name="network_ip_address_once")]

    def __str__(self) -> str:
        return self.address


class VLANGroup(Created):
    """The VLANs of one service attachment point. `vid_ranges`: list of [first, last]."""

    name = models.CharField(max_length=200, unique=True)
    slug = models.SlugField(max_length=200)
    vid_ranges = models.JSONField(default=list)

    class Meta:
        verbose_name = "VLAN group"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class VLAN(Created):
    vid = models.PositiveSmallIntegerField("VLAN ID")
    name = models.CharField(max_length=64)
    group = models.ForeignKey(VLANGroup, on_delete=models.PROTECT, related_name="vlans")
    status = models.CharField(max_length=50, default="active")

    class Meta:
        verbose_name = "VLAN"
        ordering = ["group__name", "vid"]
        constraints = [
            models.UniqueConstraint(fields=["group", "vid"], name="network_vlan_vid_once_per_group"),
            models.CheckConstraint(condition=Q(vid__gte=1, vid__lte=4094), name="network_vlan_vid_valid"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.vid})"


class TaggedVLAN(models.Model):
    """A VLAN that an interface carries. `vid` repeats the VLAN's, so that no two services share one on an interface."""

    interface = models.ForeignKey(Interface, on_delete=models.CASCADE, related_name="tagged")
    vlan = models.ForeignKey(VLAN, on_delete=models.CASCADE, related_name="tagged")
    vid = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = "tagged VLAN"
        ordering = ["interface", "vid"]
        constraints = [
            models.UniqueConstraint(fields=["interface", "vid"], name="network_vid_once_per_interface"),
        ]

    def __str__(self) -> str:
        return f"{self.interface}: {self.vid}"


class L2VPN(Created):
    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=100, unique=True)
    type = models.CharField(max_length=50, default="mpls-evpn")

    class Meta:
        verbose_name = "L2VPN"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class L2VPNTermination(Created):
    l2vpn = models.ForeignKey(L2VPN, on_delete=models.CASCADE, related_name="terminations")
    assigned_object = models.OneToOneField(VLAN, on_delete=models.CASCADE, related_name="l2vpn_termination")

    class Meta:
        verbose_name = "L2VPN termination"
        ordering = ["l2vpn", "id"]

    def __str__(self) -> str:
        return f"{self.assigned_object} <> {self.l2vpn}"


class FailureRule(models.Model):
    """A fault to order: the next `times_left` calls of an operation fail, before or after their work is committed.

    `operation` is a method of the inventory, such as create_device, or * for every call.
    """

    BEFORE = "before"
    AFTER = "after"

    operation = models.CharField(max_length=50, help_text="A method of the inventory such as create_device, or *")
    when = models.CharField(
        max_length=10,
        choices=[(BEFORE, "before the work is done"), (AFTER, "after the work is committed")],
        default=BEFORE,
    )
    times_left = models.PositiveIntegerField(default=1)
    message = models.CharField(max_length=500, default="The inventory does not answer")

    class Meta:
        ordering = ["operation", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(when__in=["before", "after"]), name="network_failure_when_known")
        ]

    def __str__(self) -> str:
        return f"{self.operation}: fail {self.when}, {self.times_left} left"
