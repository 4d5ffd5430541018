"""VlanRanges behaves as a set of ids and reads and writes the notation of network people."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from wfo_site.common.json import to_json
from wfo_site.examples.network.vlans import PATTERN, VlanRanges

ids = st.sets(st.integers(min_value=0, max_value=4096), max_size=40)


class Service(BaseModel):
    vlan: VlanRanges = VlanRanges(0)


@settings(deadline=None)
@given(ids, ids)
def test_operations_equal_those_of_sets(left: set[int], right: set[int]) -> None:
    a, b = VlanRanges(left), VlanRanges(right)
    assert set(a | b) == left | right
    assert set(a & b) == left & right
    assert set(a - b) == left - right
    assert set(a ^ b) == left ^ right
    assert set(a.union(b, [7])) == left | right | {7}
    assert a.isdisjoint(b) == left.isdisjoint(right)
    assert a.issubset(b) == left.issubset(right)
    assert len(a) == len(left)
    assert bool(a) == bool(left)
    assert (a == b) == (left == right)


@settings(deadline=None)
@given(ids)
def test_text_reads_back_to_an_equal_value(members: set[int]) -> None:
    value = VlanRanges(members)
    again = VlanRanges(str(value))
    assert again == value
    assert hash(again) == hash(value)
    assert VlanRanges(value.to_list_of_tuples()) == value
    assert Service.model_validate_json(Service(vlan=value).model_dump_json()).vlan == value
    assert list(value) == sorted(members)


@settings(deadline=None)
@given(ids)
def test_ranges_neither_overlap_nor_touch(members: set[int]) -> None:
    ranges = VlanRanges(members).to_list_of_tuples()
    assert all(left[1] + 1 < right[0] for left, right in pairwise(ranges))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("345", "345"),
        ("20-23,45,50-100", "20-23,45,50-100"),
        ("45, 20 - 23", "20-23,45"),
        ("5,6,7,6-9", "5-9"),
        (0, "0"),
        ([10, (20, 21), [30, 31]], "10,20-21,30-31"),
        ("", ""),
        (None, ""),
        (VlanRanges("4"), "4"),
    ],
)
def test_accepts(source: object, text: str) -> None:
    assert str(VlanRanges(source)) == text  # type: ignore[arg-type]


@pytest.mark.parametrize("source", ["5-", "a", "1;2", ",", 1.5, True, ["x"], object()])
def test_names_what_it_cannot_read(source: object) -> None:
    with pytest.raises(ValueError, match="could not be converted to a VlanRanges object"):
        VlanRanges(source)  # type: ignore[arg-type]


@pytest.mark.parametrize("source", ["4097", -1, "30-20", "999999999"])
def test_refuses_ids_out_of_range_and_backward_ranges(source: str | int) -> None:
    with pytest.raises(ValueError, match=r"outside 0-4096|runs backwards"):
        VlanRanges(source)


def test_is_a_value_that_cannot_be_changed_and_is_stored_as_text() -> None:
    value = VlanRanges("5,10,15-20")
    assert not hasattr(value, "__dict__")
    assert repr(value) == "VlanRanges('5,10,15-20')"
    assert to_json({"vlan": value}) == {"vlan": "5,10,15-20"}
    assert to_json(Service(vlan=value)) == {"vlan": "5,10,15-20"}
    assert 16 in value
    assert "16" not in value
    assert VlanRanges(5).is_single_vlan
    assert not value.is_single_vlan


def test_json_schema_tells_forms_the_format() -> None:
    schema = Service.model_json_schema()["properties"]["vlan"]
    assert schema == {
        "type": "string",
        "format": "vlan",
        "pattern": PATTERN,
        "examples": ["345", "20-23,45,50-100"],
        "default": "0",
        "title": "Vlan",
    }


def test_pydantic_reports_the_sentence() -> None:
    with pytest.raises(ValidationError, match="'5-' could not be converted to a VlanRanges object"):
        Service(vlan="5-")  # type: ignore[arg-type]
