"""One boundary between Python values and stored JSON, so that what is read back is what was written."""

from __future__ import annotations

import dataclasses
import ipaddress
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TypeAlias
from uuid import UUID

from pydantic import BaseModel

JsonValue: TypeAlias = "None | bool | int | float | str | list[JsonValue] | dict[str, JsonValue]"

# jsonb refuses NUL; a visible mark is better than a refusal long after the work was done.
NUL_MARK = "\N{SYMBOL FOR NULL}"


class NotJson(ValueError):
    """A value cannot be stored as JSON; the message names where it stands."""


def to_json(value: object, *, path: str = "") -> JsonValue:
    """Return `value` as plain JSON types.

    Models become dicts, UUID, IP and path-like objects text, datetimes ISO text, sets sorted lists, enums their values.
    NUL characters become a visible mark. Raises NotJson for NaN, infinity and unknown objects, naming the key.
    """
    match value:
        case None | bool():
            return value
        case Enum():
            return to_json(value.value, path=path)
        case str():
            return str(value).replace("\0", NUL_MARK)
        case int():
            return int(value)
        case float():
            if not math.isfinite(value):
                raise NotJson(f"{path or 'value'} is {value}, which JSON cannot hold; store None or text instead")
            return float(value)
        case BaseModel():
            return to_json(value.model_dump(mode="python"), path=path)
        case Mapping():
            return {
                _key(key, path): to_json(item, path=f"{path}.{key}" if path else str(key))
                for key, item in value.items()
            }
        case set() | frozenset():
            return [to_json(item, path=f"{path}[]") for item in sorted(value, key=str)]
        case list() | tuple():
            return [to_json(item, path=f"{path}[{index}]") for index, item in enumerate(value)]
        case datetime():
            return value.isoformat(timespec="seconds")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case UUID() | Decimal():
            return str(value)
        case (
            ipaddress.IPv4Address()
            | ipaddress.IPv6Address()
            | ipaddress.IPv4Network()
            | ipaddress.IPv6Network()
            | ipaddress.IPv4Interface()
            | ipaddress.IPv6Interface()
        ):
            return str(value)
        case bytes():
            return to_json(value.decode(errors="replace"), path=path)
    if callable(unwrap := getattr(value, "unwrap", None)):
        return to_json(unwrap(), path=path)
    if callable(as_dict := getattr(value, "to_dict", None)):
        return to_json(as_dict(), path=path)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_json({f.name: getattr(value, f.name) for f in dataclasses.fields(value)}, path=path)
    if callable(text := getattr(type(value), "__json__", None)):
        return to_json(text(value), path=path)
    raise NotJson(
        f"{path or 'value'} is a {type(value).__name__}, which cannot be stored; return text, numbers, lists or dicts"
    )


def _key(key: object, path: str) -> str:
    result = to_json(key, path=path)
    return result if isinstance(result, str) else str(result)
