"""The arithmetic of free addresses and prefixes."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfo_site.examples.network.inventory.addressing import first_free_subnet, first_gap, sortable, usable_range

NETWORK = ip_network("10.0.0.0/24")
START = int(NETWORK.network_address)


@settings(deadline=None)
@given(st.sets(st.integers(0, 300)))
def test_first_gap_is_the_lowest_number_that_is_free(used: set[int]) -> None:
    free = [number for number in range(256) if number not in used]
    assert first_gap(sorted(used), 0, 255) == (free[0] if free else None)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 255), st.integers(24, 32)), max_size=12), st.integers(25, 32))
def test_first_free_subnet_is_the_lowest_that_overlaps_none(blocks: list[tuple[int, int]], length: int) -> None:
    taken = [ip_network((START + start, size), strict=False) for start, size in blocks]
    ranges = sorted((int(each.network_address), int(each.broadcast_address)) for each in taken)
    expected = next(
        (subnet for subnet in NETWORK.subnets(new_prefix=length) if not any(subnet.overlaps(each) for each in taken)),
        None,
    )
    assert first_free_subnet(NETWORK, length, ranges) == expected


def test_a_link_prefix_out_of_a_64_needs_no_enumeration() -> None:
    assert str(first_free_subnet(ip_network("fc00:0:0:10::/64"), 127, [])) == "fc00:0:0:10::/127"


def test_a_subnet_as_large_as_its_parent_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        first_free_subnet(NETWORK, 24, [])


@pytest.mark.parametrize(
    ("prefix", "is_pool", "offsets"),
    [
        ("10.0.0.0/24", False, (1, 254)),
        ("10.0.0.0/24", True, (0, 255)),
        ("10.0.0.0/31", False, (0, 1)),
        ("fc00::/64", False, (1, 2**64 - 1)),
        ("fc00::/127", False, (0, 1)),
    ],
)
def test_usable_range_leaves_out_what_hosts_cannot_have(prefix: str, is_pool: bool, offsets: tuple[int, int]) -> None:
    network = ip_network(prefix)
    start = int(network.network_address)
    assert usable_range(network, is_pool=is_pool) == (start + offsets[0], start + offsets[1])


@settings(deadline=None)
@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_sortable_text_orders_as_numbers_do(left: int, right: int) -> None:
    assert (sortable(left) < sortable(right)) == (left < right)
