"""One boundary between Python values and stored JSON, so that what is read back is what was written."""

from __future__ import annotations

import dataclasses
import ipaddress
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

from pydantic import BaseModel

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

# jsonb refuses NUL; a visible mark is better than a refusal long after the work was done.
NUL_MARK = "\N{SYMBOL FOR NULL}"


class NotJson(ValueError):
    """A value cannot be stored as JSON; the message names where it stands."""


def to_json(value: object, *, path: str = "") -> Any:
    """Return `value` as plain JSON types (JsonValue).

    Models become dicts; UUIDs, decimals and IP objects text; datetimes ISO text in seconds; sets sorted lists; enums
    their values; objects with `unwrap()`, `to_dict()` or dataclass fields what these hold. NUL characters become a
    visible mark. Raises NotJson for NaN, infinity and objects it does not know, naming the key.
    """
    for types, convert in _CONVERTERS:
        if isinstance(value, types):
            return convert(value, path)
    for method in ("unwrap", "to_dict", "__json__"):
        if callable(plain := getattr(value, method, None)):
            return to_json(plain(), path=path)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_json({f.name: getattr(value, f.name) for f in dataclasses.fields(value)}, path=path)
    raise NotJson(
        f"{path or 'value'} is a {type(value).__name__}, which cannot be stored; return text, numbers, lists or dicts"
    )


def _text(value: str) -> str:
    if value.isascii():
        return str(value).replace("\0", NUL_MARK) if "\0" in value else str(value)
    # Half of a surrogate pair is no Unicode text; no database takes it.
    return value.replace("\0", NUL_MARK).encode("utf-8", "replace").decode()


def _float(value: Any, path: str) -> float:
    if not math.isfinite(value):
        raise NotJson(f"{path or 'value'} is {value}, which JSON cannot hold; store None or text instead")
    return float(value)


def _mapping(value: Any, path: str) -> dict[str, Any]:
    return {
        key if type(key) is str else str(to_json(key, path=path)): to_json(
            item, path=f"{path}.{key}" if path else str(key)
        )
        for key, item in value.items()
    }


def _sequence(value: Any, path: str) -> list[Any]:
    return [to_json(item, path=f"{path}[{index}]") for index, item in enumerate(value)]


_IP = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
)
# In this order: an enum may also be a str, a bool is an int, a datetime is a date.
_CONVERTERS: tuple[tuple[Any, Callable[[Any, str], Any]], ...] = (
    (Enum, lambda value, path: to_json(value.value, path=path)),
    (str, lambda value, _: _text(value)),
    ((bool, type(None)), lambda value, _: value),
    (int, lambda value, _: int(value)),
    (float, _float),
    (BaseModel, lambda value, path: to_json(value.model_dump(mode="python"), path=path)),
    (Mapping, _mapping),
    ((set, frozenset), lambda value, path: _sequence(sorted(value, key=str), path)),
    ((list, tuple), _sequence),
    (datetime, lambda value, _: value.isoformat(timespec="seconds")),
    ((date, time), lambda value, _: value.isoformat()),
    (timedelta, lambda value, _: value.total_seconds()),
    ((UUID, Decimal, *_IP), lambda value, _: str(value)),
    (bytes, lambda value, path: to_json(value.decode(errors="replace"), path=path)),
)
