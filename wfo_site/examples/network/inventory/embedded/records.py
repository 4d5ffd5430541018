"""From rows of the embedded inventory to the records that callers see."""

from __future__ import annotations

from wfo_site.examples.network.inventory import interface as records
from wfo_site.examples.network.inventory import models as tables


def site(row: tables.Site) -> records.Site:
    return records.Site(id=row.pk, name=row.name, slug=row.slug, status=row.status)


def device_role(row: tables.DeviceRole) -> records.DeviceRole:
    return records.DeviceRole(id=row.pk, name=row.name, slug=row.slug, color=row.color)


def manufacturer(row: tables.Manufacturer) -> records.Manufacturer:
    return records.Manufacturer(id=row.pk, name=row.name, slug=row.slug)


def device_type(row: tables.DeviceType) -> records.DeviceType:
    return records.DeviceType(
        id=row.pk, manufacturer=row.manufacturer.name, model=row.model, slug=row.slug, u_height=row.u_height
    )


def device(row: tables.Device) -> records.Device:
    return records.Device(
        id=row.pk,
        name=row.name,
        site=row.site_id,
        device_type=row.device_type_id,
        role=row.role_id,
        status=row.status,
        primary_ip4=row.primary_ip4_id,
        primary_ip6=row.primary_ip6_id,
    )


def interface(row: tables.Interface) -> records.Interface:
    """Two queries unless `tagged` and `cable_termination` are prefetched."""
    termination = getattr(row, "cable_termination", None)
    return records.Interface(
        id=row.pk,
        device=row.device_id,
        name=row.name,
        type=row.type,
        enabled=row.enabled,
        mode=row.mode,
        description=row.description,
        speed=row.speed,
        tagged_vlans=tuple(tagged.vlan_id for tagged in row.tagged.all()),
        cable=termination.cable_id if termination else None,
    )


def cable(row: tables.Cable) -> records.Cable:
    ends = list(row.terminations.all())
    return records.Cable(
        id=row.pk,
        type=row.type,
        status=row.status,
        description=row.description,
        a_terminations=tuple(end.interface_id for end in ends if end.cable_end == "A"),
        b_terminations=tuple(end.interface_id for end in ends if end.cable_end == "B"),
    )


def prefix(row: tables.Prefix) -> records.Prefix:
    return records.Prefix(
        id=row.pk, prefix=row.prefix, description=row.description, status=row.status, is_pool=row.is_pool
    )


def ip_address(row: tables.IPAddress) -> records.IPAddress:
    return records.IPAddress(
        id=row.pk,
        address=row.address,
        description=row.description,
        status=row.status,
        assigned_object_id=row.assigned_object_id,
    )


def vlan_group(row: tables.VLANGroup) -> records.VLANGroup:
    return records.VLANGroup(
        id=row.pk, name=row.name, slug=row.slug, vid_ranges=tuple((first, last) for first, last in row.vid_ranges)
    )


def vlan(row: tables.VLAN) -> records.VLAN:
    return records.VLAN(id=row.pk, vid=row.vid, name=row.name, group=row.group_id, status=row.status)


def l2vpn(row: tables.L2VPN) -> records.L2VPN:
    return records.L2VPN(id=row.pk, name=row.name, slug=row.slug, type=row.type)


def l2vpn_termination(row: tables.L2VPNTermination) -> records.L2VPNTermination:
    return records.L2VPNTermination(id=row.pk, l2vpn=row.l2vpn_id, assigned_object_id=row.assigned_object_id)
