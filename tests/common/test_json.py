"""What Python values are stored as."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv6Network
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from wfo_site.common.json import NotJson, to_json

SOME = UUID("e7597014-6b59-4478-b67a-12e4f616f3fe")


class Colour(StrEnum):
    RED = "red"


class Speed(IntEnum):
    FAST = 10


class Owner(Enum):
    ID = SOME


@dataclass
class Leg:
    vlan: int
    address: IPv4Address


class Port(BaseModel):
    name: str
    seen: datetime
    legs: list[Leg]


class Wrapped:
    def __init__(self, value: object) -> None:
        self.value = value

    def unwrap(self) -> object:
        return self.value


class Described:
    def to_dict(self) -> dict[str, Any]:
        return {"owner": Owner.ID, "inner": Wrapped(Leg(1, IPv4Address("10.0.0.1")))}


AT = datetime(2026, 3, 1, 9, 0, 30, 123_456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (AT, "2026-03-01T09:00:30+00:00"),
        (AT.astimezone(timezone(timedelta(hours=1))), "2026-03-01T10:00:30+01:00"),
        (date(2026, 3, 1), "2026-03-01"),
        (time(9, 30), "09:30:00"),
        (timedelta(minutes=1), 60.0),
        (SOME, str(SOME)),
        (Decimal("1.10"), "1.10"),
        (IPv4Interface("10.0.0.1/24"), "10.0.0.1/24"),
        (IPv6Network("2001:db8::/32"), "2001:db8::/32"),
        (Colour.RED, "red"),
        (Speed.FAST, 10),
        (Owner.ID, str(SOME)),
        ({3, 1, 2}, [1, 2, 3]),
        ((1, (2, None)), [1, [2, None]]),
        ({SOME: 1, 2: True, Colour.RED: MappingProxyType({"a": b"x"})}, {str(SOME): 1, "2": True, "red": {"a": "x"}}),
        (
            [Port(name="1/1", seen=AT, legs=[Leg(7, IPv4Address("10.0.0.1"))])],
            [{"name": "1/1", "seen": "2026-03-01T09:00:30+00:00", "legs": [{"vlan": 7, "address": "10.0.0.1"}]}],
        ),
        (Described(), {"owner": str(SOME), "inner": {"vlan": 1, "address": "10.0.0.1"}}),
    ],
)
def test_values_become_plain_json_however_deep_they_stand(value: object, stored: object) -> None:
    """Conformance 205."""
    found = to_json({"at": [value]})
    assert json.loads(json.dumps(found)) == found == {"at": [stored]}


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (float("inf"), r"^port\.legs\[1\] is inf, which JSON cannot hold"),
        (object(), r"^port\.legs\[1\] is a object, which cannot be stored"),
    ],
)
def test_what_json_cannot_hold_is_named_with_its_place(value: object, complaint: str) -> None:
    with pytest.raises(NotJson, match=complaint):
        to_json({"port": {"legs": [1, value]}})
