"""Sites, device types, devices, interfaces and cables of the embedded inventory."""

from __future__ import annotations

import re

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from wfo_site.examples.network.inventory import interface as i
from wfo_site.examples.network.inventory import models as tables
from wfo_site.examples.network.inventory.embedded import records
from wfo_site.examples.network.inventory.embedded.calls import (
    changed,
    deleted,
    found,
    made,
    made_with,
    reading,
    writing,
)


class Devices:
    """The part of the inventory that NetBox calls DCIM."""

    @reading
    def sites(self, *, status: str | None = None) -> list[i.Site]:
        rows = tables.Site.objects.filter(status=status) if status else tables.Site.objects.all()
        return [records.site(row) for row in rows]

    @writing
    def create_site(self, payload: i.SitePayload, *, idempotency_key: str | None = None) -> i.Site:
        conflict = f"A site named {payload['name']!r} exists in the inventory already"
        return records.site(made(tables.Site, idempotency_key, conflict=conflict, **payload))

    @reading
    def device_roles(self) -> list[i.DeviceRole]:
        return [records.device_role(row) for row in tables.DeviceRole.objects.all()]

    @writing
    def create_device_role(self, payload: i.DeviceRolePayload, *, idempotency_key: str | None = None) -> i.DeviceRole:
        conflict = f"A device role named {payload['name']!r} exists in the inventory already"
        return records.device_role(made(tables.DeviceRole, idempotency_key, conflict=conflict, **payload))

    @reading
    def manufacturers(self) -> list[i.Manufacturer]:
        return [records.manufacturer(row) for row in tables.Manufacturer.objects.all()]

    @writing
    def create_manufacturer(
        self, payload: i.ManufacturerPayload, *, idempotency_key: str | None = None
    ) -> i.Manufacturer:
        conflict = f"A manufacturer named {payload['name']!r} exists in the inventory already"
        return records.manufacturer(made(tables.Manufacturer, idempotency_key, conflict=conflict, **payload))

    @reading
    def device_types(self, *, manufacturer: str | None = None) -> list[i.DeviceType]:
        rows = tables.DeviceType.objects.select_related("manufacturer")
        if manufacturer:
            rows = rows.filter(manufacturer__name=manufacturer)
        return [records.device_type(row) for row in rows]

    @writing
    def create_device_type(self, payload: i.DeviceTypePayload, *, idempotency_key: str | None = None) -> i.DeviceType:
        slug = payload["manufacturer"]["slug"]
        manufacturer = tables.Manufacturer.objects.filter(slug=slug).first()
        if manufacturer is None:
            raise i.InventoryNotFound(f"The inventory has no manufacturer {slug!r}; create it first")
        row = made(
            tables.DeviceType,
            idempotency_key,
            conflict=f"{manufacturer} {payload['model']} exists in the inventory already",
            manufacturer=manufacturer,
            model=payload["model"],
            slug=payload["slug"],
            u_height=payload["u_height"],
        )
        return records.device_type(row)

    @reading
    def device(self, device_id: int) -> i.Device | None:
        row = tables.Device.objects.filter(pk=device_id).first()
        return records.device(row) if row else None

    @reading
    def device_by_name(self, name: str) -> i.Device | None:
        row = tables.Device.objects.filter(name=name).first()
        return records.device(row) if row else None

    @writing
    def create_device(self, payload: i.DevicePayload, *, idempotency_key: str | None = None) -> i.Device:
        row = made(
            tables.Device,
            idempotency_key,
            conflict=_device_name_taken(payload["name"]),
            name=payload["name"],
            site=found(tables.Site, payload["site"]),
            device_type=found(tables.DeviceType, payload["device_type"]),
            role=found(tables.DeviceRole, payload["role"]),
            status=payload["status"],
            primary_ip4_id=payload.get("primary_ip4"),
            primary_ip6_id=payload.get("primary_ip6"),
        )
        return records.device(row)

    @writing
    def update_device(self, device_id: int, changes: i.DeviceChanges) -> i.Device:
        row = found(tables.Device, device_id, lock=True)
        values: dict[str, object] = {name: changes[name] for name in ("name", "status") if name in changes}
        if "site" in changes:
            values["site"] = found(tables.Site, changes["site"])
        if "device_type" in changes:
            values["device_type"] = found(tables.DeviceType, changes["device_type"])
        if "role" in changes:
            values["role"] = found(tables.DeviceRole, changes["role"])
        if "primary_ip4" in changes:
            values["primary_ip4"] = _address(changes["primary_ip4"])
        if "primary_ip6" in changes:
            values["primary_ip6"] = _address(changes["primary_ip6"])
        return records.device(changed(row, conflict=_device_name_taken(changes.get("name", row.name)), **values))

    @writing
    def delete_device(self, device_id: int) -> bool:
        # A cable without this end is no cable; its other end becomes free.
        tables.Cable.objects.filter(terminations__interface__device=device_id).delete()
        return deleted(tables.Device, device_id)

    @reading
    def interface(self, interface_id: int) -> i.Interface | None:
        row = _interfaces().filter(pk=interface_id).first()
        return records.interface(row) if row else None

    @reading
    def interfaces(self, *, device: int, speed: int | None = None, enabled: bool | None = None) -> list[i.Interface]:
        rows = _interfaces().filter(device=device)
        if speed is not None:
            rows = rows.filter(speed=speed)
        if enabled is not None:
            rows = rows.filter(enabled=enabled)
        return sorted((records.interface(row) for row in rows), key=lambda each: natural(each.name))

    @writing
    def create_interface(self, payload: i.InterfacePayload, *, idempotency_key: str | None = None) -> i.Interface:
        device = found(tables.Device, payload["device"])
        row = made(
            tables.Interface,
            idempotency_key,
            conflict=f"Node {device} has an interface {payload['name']} in the inventory already",
            device=device,
            name=payload["name"],
            type=payload["type"],
            enabled=payload["enabled"],
            speed=payload["speed"],
            mode=payload.get("mode", ""),
            description=payload.get("description", ""),
        )
        _tag(row, payload.get("tagged_vlans", []))
        return records.interface(row)

    @writing
    def update_interface(self, interface_id: int, changes: i.InterfaceChanges) -> i.Interface:
        row = found(tables.Interface, interface_id, lock=True)
        values: dict[str, object] = {name: value for name, value in changes.items() if name != "tagged_vlans"}
        if changes.get("enabled") is False:
            values["enabled_key"] = None
        if values:
            changed(row, conflict=f"An interface with that name exists on node {row.device} already", **values)
        if "tagged_vlans" in changes:
            row.tagged.exclude(vlan__in=changes["tagged_vlans"]).delete()
            _tag(row, changes["tagged_vlans"])
        return records.interface(row)

    @writing
    def enable_interface(self, interface_id: int, *, idempotency_key: str | None = None) -> i.Interface:
        row = found(tables.Interface, interface_id, lock=True)
        if not row.enabled:
            changed(row, conflict="", enabled=True, enabled_key=idempotency_key)
        elif idempotency_key is None or row.enabled_key != idempotency_key:
            raise i.InventoryConflict(
                f"Interface {row.name} of node {row.device} is in use already; choose a free one", id=interface_id
            )
        return records.interface(row)

    @writing
    def add_tagged_vlans(self, interface_id: int, vlan_ids: list[int]) -> i.Interface:
        row = found(tables.Interface, interface_id, lock=True)
        _tag(row, vlan_ids)
        return records.interface(row)

    @writing
    def delete_interface(self, interface_id: int) -> bool:
        tables.Cable.objects.filter(terminations__interface=interface_id).delete()
        return deleted(tables.Interface, interface_id)

    @reading
    def cable(self, cable_id: int) -> i.Cable | None:
        row = tables.Cable.objects.prefetch_related("terminations").filter(pk=cable_id).first()
        return records.cable(row) if row else None

    @writing
    def create_cable(self, payload: i.CablePayload, *, idempotency_key: str | None = None) -> i.Cable:
        if row := made_with(tables.Cable, idempotency_key):
            return records.cable(row)
        ends = [("A", end["object_id"]) for end in payload["a_terminations"]]
        ends += [("B", end["object_id"]) for end in payload["b_terminations"]]
        # Locks in id order: two cables that share interfaces never wait for each other in a circle.
        for interface_id in sorted(interface_id for _, interface_id in ends):
            interface = found(tables.Interface, interface_id, lock=True)
            if tables.CableTermination.objects.filter(interface=interface).exists():
                raise i.InventoryConflict(f"Interface {interface.name} of node {interface.device} has a cable already")
        cable = made(
            tables.Cable,
            idempotency_key,
            conflict="The cable exists already",
            type=payload["type"],
            status=payload["status"],
            description=payload["description"],
        )
        tables.CableTermination.objects.bulk_create(
            tables.CableTermination(cable=cable, interface_id=interface_id, cable_end=end) for end, interface_id in ends
        )
        return records.cable(cable)

    @writing
    def delete_cable(self, cable_id: int) -> bool:
        return deleted(tables.Cable, cable_id)


def natural(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts ethernet-1/2 before ethernet-1/10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _interfaces() -> QuerySet[tables.Interface]:
    return tables.Interface.objects.select_related("cable_termination").prefetch_related("tagged")


def _address(address_id: int | None) -> tables.IPAddress | None:
    return None if address_id is None else found(tables.IPAddress, address_id)


def _device_name_taken(name: str) -> str:
    return f"A node named {name!r} exists in the inventory already; choose another name"


def _tag(interface: tables.Interface, vlan_ids: list[int]) -> None:
    """Make the interface carry these VLANs too. Raises InventoryConflict if two have the same vid."""
    wanted = {vlan.pk: vlan for vlan in tables.VLAN.objects.filter(pk__in=vlan_ids)}
    if missing := sorted(set(vlan_ids) - set(wanted)):
        raise i.InventoryNotFound(f"The inventory has no VLAN with id {missing[0]}", id=missing[0])
    present = set(interface.tagged.values_list("vlan_id", flat=True))
    try:
        with transaction.atomic():
            tables.TaggedVLAN.objects.bulk_create(
                tables.TaggedVLAN(interface=interface, vlan=vlan, vid=vlan.vid)
                for pk, vlan in wanted.items()
                if pk not in present
            )
    except IntegrityError as error:
        vids = ", ".join(str(vid) for vid in sorted(vlan.vid for pk, vlan in wanted.items() if pk not in present))
        raise i.InventoryConflict(
            f"Vlan(s) {vids} already in use on interface {interface.name} of node {interface.device}"
        ) from error
