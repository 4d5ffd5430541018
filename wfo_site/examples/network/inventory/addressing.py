"""Which address or prefix is the next free one. Pure arithmetic; the caller holds the lock."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network

# Wide enough for IPv6, so that text compares as the number does.
_HEX_DIGITS = 32


def sortable(number: int) -> str:
    """Return an address as 32 hexadecimal digits, which sort in a database as the number does."""
    return f"{number:0{_HEX_DIGITS}x}"


def usable_range(network: Network, *, is_pool: bool) -> tuple[int, int]:
    """Return first and last address that may be handed out.

    All of a pool and of a link prefix (/31, /127 and longer); else not the network address, and in IPv4 not the
    broadcast address.
    """
    first, last = int(network.network_address), int(network.broadcast_address)
    if is_pool or network.num_addresses <= 2:
        return first, last
    return first + 1, last - 1 if network.version == 4 else last


def first_gap(used: Iterable[int], first: int, last: int) -> int | None:
    """Return the lowest number from `first` to `last` that `used` (ascending) leaves free, None if there is none."""
    candidate = first
    for number in used:
        if number > candidate:
            break
        candidate = max(candidate, number + 1)
    return candidate if candidate <= last else None


def first_free_subnet(network: Network, length: int, taken: Iterable[tuple[int, int]]) -> Network | None:
    """Return the lowest subnet of `length` that meets no taken range, None if there is none.

    `taken`: (first, last) of the prefixes inside `network`, ascending by first; they may nest.
    """
    if not network.prefixlen < length <= network.max_prefixlen:
        raise ValueError(f"A prefix of length {length} does not fit in {network}")
    size = 1 << (network.max_prefixlen - length)
    candidate, end = int(network.network_address), int(network.broadcast_address)
    for first, last in taken:
        if candidate + size <= first:
            break
        if last >= candidate:
            # The next multiple of the size after what is taken: subnets are aligned.
            candidate = (last // size + 1) * size
    return type(network)((candidate, length)) if candidate + size - 1 <= end else None
