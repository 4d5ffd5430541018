"""Prefixes and addresses of the embedded inventory, with allocation that is correct under concurrency."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from wfo_site.examples.network.inventory import interface as i
from wfo_site.examples.network.inventory import models as tables
from wfo_site.examples.network.inventory.addressing import first_free_subnet, first_gap, sortable, usable_range
from wfo_site.examples.network.inventory.embedded import records
from wfo_site.examples.network.inventory.embedded.calls import deleted, found, made, made_with, reading, writing

PLACEHOLDER = "placeholder"


class Addresses:
    """The part of the inventory that NetBox calls IPAM, without VLANs."""

    @reading
    def prefix(self, prefix_id: int) -> i.Prefix | None:
        row = tables.Prefix.objects.filter(pk=prefix_id).first()
        return records.prefix(row) if row else None

    @reading
    def prefix_by_network(self, prefix: str) -> i.Prefix | None:
        row = tables.Prefix.objects.filter(prefix=str(ip_network(prefix))).first()
        return records.prefix(row) if row else None

    @writing
    def create_prefix(self, payload: i.PrefixPayload, *, idempotency_key: str | None = None) -> i.Prefix:
        row = _stored_prefix(
            payload["prefix"],
            idempotency_key,
            description=payload["description"],
            status=payload["status"],
            is_pool=payload["is_pool"],
        )
        return records.prefix(row)

    @writing
    def allocate_prefix(
        self, parent_id: int, payload: i.AvailablePrefixPayload, *, idempotency_key: str | None = None
    ) -> i.Prefix:
        # The lock makes allocations from one parent queue up; the unique prefix is the last line.
        parent = found(tables.Prefix, parent_id, lock=True)
        if row := made_with(tables.Prefix, idempotency_key):
            return records.prefix(row)
        network = ip_network(parent.prefix)
        taken = (
            tables.Prefix.objects.filter(family=parent.family, first__gte=parent.first, last__lte=parent.last)
            .exclude(pk=parent.pk)
            .order_by("first")
            .values_list("first", "last")
        )
        try:
            free = first_free_subnet(
                network, payload["prefix_length"], ((int(first, 16), int(last, 16)) for first, last in taken.iterator())
            )
        except ValueError as error:
            raise i.InventoryError(str(error)) from error
        if free is None:
            raise i.InventoryConflict(f"Prefix {parent} has no free /{payload['prefix_length']} left")
        row = _stored_prefix(
            str(free),
            idempotency_key,
            description=payload["description"],
            status="active",
            is_pool=payload["is_pool"],
        )
        return records.prefix(row)

    @writing
    def delete_prefix(self, prefix_id: int) -> bool:
        return deleted(tables.Prefix, prefix_id)

    @reading
    def ip_address(self, address_id: int) -> i.IPAddress | None:
        row = tables.IPAddress.objects.filter(pk=address_id).first()
        return records.ip_address(row) if row else None

    @reading
    def ip_addresses(self, *, interface: int) -> list[i.IPAddress]:
        return [records.ip_address(row) for row in tables.IPAddress.objects.filter(assigned_object=interface)]

    @writing
    def allocate_address(
        self,
        prefix_id: int,
        payload: i.AvailableIPPayload,
        *,
        skip_network: bool = False,
        idempotency_key: str | None = None,
    ) -> i.IPAddress:
        prefix = found(tables.Prefix, prefix_id, lock=True)
        if row := made_with(tables.IPAddress, idempotency_key):
            return records.ip_address(row)
        network = ip_network(prefix.prefix)
        first, last = usable_range(network, is_pool=prefix.is_pool)
        number = first_gap(_hosts(prefix), first, last)
        if skip_network and number == int(network.network_address):
            _stored_address(prefix, number, None, description=PLACEHOLDER, status="active")
            number = first_gap(_hosts(prefix), first, last)
        if number is None:
            raise i.InventoryConflict(f"Prefix {prefix} has no free address left")
        row = _stored_address(
            prefix,
            number,
            idempotency_key,
            description=payload["description"],
            status=payload["status"],
            assigned_object=found(tables.Interface, payload["assigned_object_id"]),
        )
        return records.ip_address(row)

    @writing
    def delete_ip_address(self, address_id: int) -> bool:
        return deleted(tables.IPAddress, address_id)


def _hosts(prefix: tables.Prefix) -> Iterator[int]:
    hosts = (
        tables.IPAddress.objects.filter(family=prefix.family, host__gte=prefix.first, host__lte=prefix.last)
        .order_by("host")
        .values_list("host", flat=True)
    )
    return (int(host, 16) for host in hosts.iterator())


def _stored_prefix(text: str, key: str | None, **values: object) -> tables.Prefix:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise i.InventoryError(f"{text!r} is not a prefix: {error}") from error
    return made(
        tables.Prefix,
        key,
        conflict=f"Prefix {network} exists in the inventory already",
        prefix=str(network),
        family=network.version,
        first=sortable(int(network.network_address)),
        last=sortable(int(network.broadcast_address)),
        **values,
    )


def _stored_address(prefix: tables.Prefix, number: int, key: str | None, **values: object) -> tables.IPAddress:
    network = ip_network(prefix.prefix)
    # By class, not by size: a small IPv6 number would be taken for IPv4.
    address = type(network.network_address)(number)
    return made(
        tables.IPAddress,
        key,
        conflict=f"Address {address} exists in the inventory already",
        address=f"{address}/{network.prefixlen}",
        family=network.version,
        host=sortable(number),
        **values,
    )
