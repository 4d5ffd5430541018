"""VLAN groups, VLANs and layer 2 VPNs of the embedded inventory."""

from __future__ import annotations

from wfo_site.examples.network.inventory import interface as i
from wfo_site.examples.network.inventory import models as tables
from wfo_site.examples.network.inventory.embedded import records
from wfo_site.examples.network.inventory.embedded.calls import deleted, found, made, reading, writing


class Circuits:
    """The part of the inventory that holds VLANs and what they carry."""

    @reading
    def vlan_group(self, group_id: int) -> i.VLANGroup | None:
        row = tables.VLANGroup.objects.filter(pk=group_id).first()
        return records.vlan_group(row) if row else None

    @writing
    def create_vlan_group(self, payload: i.VLANGroupPayload, *, idempotency_key: str | None = None) -> i.VLANGroup:
        row = made(
            tables.VLANGroup,
            idempotency_key,
            conflict=f"A VLAN group named {payload['name']!r} exists in the inventory already",
            name=payload["name"],
            slug=payload["slug"],
            vid_ranges=[list(pair) for pair in payload["vid_ranges"]],
        )
        return records.vlan_group(row)

    @writing
    def delete_vlan_group(self, group_id: int) -> bool:
        if tables.VLAN.objects.filter(group=group_id).exists():
            raise i.InventoryConflict(f"VLAN group {group_id} still holds VLANs; delete those first", id=group_id)
        return deleted(tables.VLANGroup, group_id)

    @reading
    def vlans(self, *, groups: list[int]) -> list[i.VLAN]:
        return [records.vlan(row) for row in tables.VLAN.objects.filter(group__in=groups).order_by("group", "vid")]

    @writing
    def create_vlan(self, payload: i.VLANPayload, *, idempotency_key: str | None = None) -> i.VLAN:
        if not 1 <= payload["vid"] <= 4094:
            raise i.InventoryError(f"Vlan {payload['vid']} is outside 1-4094, which is all that a frame can name")
        group = found(tables.VLANGroup, payload["group"])
        row = made(
            tables.VLAN,
            idempotency_key,
            conflict=f"Vlan(s) {payload['vid']} already in use in VLAN group {group}",
            vid=payload["vid"],
            name=payload["name"],
            group=group,
            status=payload["status"],
        )
        return records.vlan(row)

    @writing
    def delete_vlan(self, vlan_id: int) -> bool:
        return deleted(tables.VLAN, vlan_id)

    @reading
    def l2vpn(self, l2vpn_id: int) -> i.L2VPN | None:
        row = tables.L2VPN.objects.filter(pk=l2vpn_id).first()
        return records.l2vpn(row) if row else None

    @reading
    def l2vpn_by_name(self, name: str) -> i.L2VPN | None:
        row = tables.L2VPN.objects.filter(name=name).first()
        return records.l2vpn(row) if row else None

    @writing
    def create_l2vpn(self, payload: i.L2VPNPayload, *, idempotency_key: str | None = None) -> i.L2VPN:
        conflict = f"An L2VPN named {payload['name']!r} exists in the inventory already"
        return records.l2vpn(made(tables.L2VPN, idempotency_key, conflict=conflict, **payload))

    @writing
    def delete_l2vpn(self, l2vpn_id: int) -> bool:
        return deleted(tables.L2VPN, l2vpn_id)

    @reading
    def l2vpn_terminations(self, *, l2vpn: int) -> list[i.L2VPNTermination]:
        return [records.l2vpn_termination(row) for row in tables.L2VPNTermination.objects.filter(l2vpn=l2vpn)]

    @writing
    def create_l2vpn_termination(
        self, payload: i.L2VPNTerminationPayload, *, idempotency_key: str | None = None
    ) -> i.L2VPNTermination:
        vlan = found(tables.VLAN, payload["assigned_object_id"])
        row = made(
            tables.L2VPNTermination,
            idempotency_key,
            conflict=f"VLAN {vlan} is carried by an L2VPN already",
            l2vpn=found(tables.L2VPN, payload["l2vpn"]),
            assigned_object=vlan,
        )
        return records.l2vpn_termination(row)
