"""Sets of VLAN ids, written the way network people write them: `5,10,15-20`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

# 0 means untagged by convention; 4096 is the largest number that inventories write for "all".
MIN_VLAN = 0
MAX_VLAN = 4096

_NUMBER = r"(?:[1-9]\d{0,2}|[1-4]\d{3})"
_RANGE = rf"{_NUMBER}(?:-{_NUMBER})?"
# What a browser may check before sending; it leaves out 0, which no form accepts.
PATTERN = rf"^{_RANGE}(?:,{_RANGE})*$"

VlanSource: TypeAlias = "VlanRanges | str | int | Iterable[int | tuple[int, int] | list[int]] | None"


class VlanRanges:
    """An immutable set of VLAN ids, kept as sorted ranges that neither overlap nor touch."""

    __slots__ = ("_ranges",)
    _ranges: tuple[tuple[int, int], ...]

    def __init__(self, source: VlanSource = None) -> None:
        """Accept text such as `20-23,45`, one id, ids, (first, last) pairs or another VlanRanges; None is empty.

        Raises ValueError for anything else, for ids outside 0..4096 and for ranges that run backwards.
        """
        self._ranges = source._ranges if isinstance(source, VlanRanges) else _merged(_pairs(source))

    def __iter__(self) -> Iterator[int]:
        return (vlan for first, last in self._ranges for vlan in range(first, last + 1))

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self._ranges)

    def __contains__(self, vlan: object) -> bool:
        return isinstance(vlan, int) and any(first <= vlan <= last for first, last in self._ranges)

    def __eq__(self, other: object) -> bool:
        return self._ranges == other._ranges if isinstance(other, VlanRanges) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._ranges)

    def __str__(self) -> str:
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in self._ranges)

    def __repr__(self) -> str:
        return f"VlanRanges({str(self)!r})"

    def __json__(self) -> str:
        return str(self)

    def __or__(self, other: VlanSource) -> VlanRanges:
        return VlanRanges([*self._ranges, *VlanRanges(other)._ranges])

    def __and__(self, other: VlanSource) -> VlanRanges:
        return VlanRanges(set(self) & set(VlanRanges(other)))

    def __sub__(self, other: VlanSource) -> VlanRanges:
        return VlanRanges(set(self) - set(VlanRanges(other)))

    def __xor__(self, other: VlanSource) -> VlanRanges:
        return VlanRanges(set(self) ^ set(VlanRanges(other)))

    def __le__(self, other: VlanSource) -> bool:
        return not self - other

    def union(self, *others: VlanSource) -> VlanRanges:
        """Return the ids of this set and of all others."""
        return VlanRanges([pair for each in (self, *others) for pair in VlanRanges(each)._ranges])

    def isdisjoint(self, other: VlanSource) -> bool:
        """Say whether no id is in both sets."""
        return not self & other

    def issubset(self, other: VlanSource) -> bool:
        """Say whether every id is in the other set too."""
        return self <= other

    @property
    def is_single_vlan(self) -> bool:
        """Whether the set holds exactly one id."""
        return len(self) == 1

    def to_list_of_tuples(self) -> list[tuple[int, int]]:
        """Return the ranges as (first, last), both included, in order."""
        return list(self._ranges)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls,
            serialization=core_schema.plain_serializer_function_ser_schema(
                str, return_schema=core_schema.str_schema(), when_used="json-unless-none"
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "type": "string",
            "format": "vlan",
            "pattern": PATTERN,
            "examples": ["345", "20-23,45,50-100"],
        }


def _pairs(source: Any) -> list[tuple[int, int]]:
    """Take any accepted source apart into (first, last) pairs."""
    match source:
        case None:
            return []
        case bool():
            raise _unreadable(source)
        case int():
            return [(source, source)]
        case str():
            return [_parsed(part, source) for part in source.split(",")] if source.strip() else []
        case Iterable():
            return [_pair(item, source) for item in source]
    raise _unreadable(source)


def _parsed(part: str, source: str) -> tuple[int, int]:
    match = re.fullmatch(r"\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?", part)
    if not match:
        raise _unreadable(source)
    return int(match[1]), int(match[2] or match[1])


def _pair(item: Any, source: object) -> tuple[int, int]:
    match item:
        case bool():
            raise _unreadable(source)
        case int():
            return item, item
        case (int(first), int(last)):
            return first, last
        case (int(only),):
            return only, only
    raise _unreadable(source)


def _merged(pairs: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    result: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if first > last:
            raise ValueError(f"VLAN range {first}-{last} runs backwards; write {last}-{first}")
        if first < MIN_VLAN or last > MAX_VLAN:
            raise ValueError(f"VLAN {first if first < MIN_VLAN else last} is outside {MIN_VLAN}-{MAX_VLAN}")
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return tuple(result)


def _unreadable(source: object) -> ValueError:
    return ValueError(f"{source!r} could not be converted to a VlanRanges object.")
