"""Turns what a browser posts, text under names such as `ports.0.vlan`, into the JSON that the page's schema asks for.

Nothing is judged here: what does not fit stays as it was typed, so that the form's own validation says what is wrong
and the page shows it again.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.utils import timezone

from workflows.forms.errors import JsonSchema
from workflows.forms.limits import MAX_VALUES
from workflows.forms.names import child_keys, join
from workflows.forms.parsing import MISSING, Field, parse_page

_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
# Formats whose text never begins or ends with a blank; pasted ones often do.
_TRIMMED = frozenset({"uuid", "email", "ipv4", "ipv6", "date", "uri", "ipvanyaddress"}) | {
    f"{kind}Id" for kind in ("subscription", "product", "customer", "organisation")
}


class Posted(Protocol):
    """What is needed of a QueryDict."""

    def keys(self) -> Any: ...

    def getlist(self, key: str) -> list[str]: ...


class Ticks(str):
    """The value of a checklist that also remembers which of its boxes were ticked, for showing the page again."""

    __slots__ = ("ticked",)
    ticked: frozenset[int]

    @classmethod
    def of(cls, value: str, ticked: frozenset[int]) -> Ticks:
        ticks = cls(value)
        ticks.ticked = ticked
        return ticks


def decode(schema: JsonSchema, posted: Posted) -> dict[str, Any]:
    """Return the input of one page from posted fields.

    A field that was not posted is left out, so its default holds; an emptied one is None where null is allowed, ""
    where it has a default, and left out where it is required, which makes the error "Field required". Frozen and
    read-only fields are never taken.
    """
    return decode_fields(parse_page(schema), posted)


def decode_fields(fields: Sequence[Field], posted: Posted) -> dict[str, Any]:
    names = child_keys(posted.keys())
    return _object(fields, "", posted, names)


Names = Mapping[str, Sequence[str]]


def _object(fields: Sequence[Field], prefix: str, posted: Posted, names: Names) -> dict[str, Any]:
    values = ((field.key, _value(field, join(prefix, field.key), posted, names)) for field in fields)
    return {key: value for key, value in values if value is not MISSING}


def _value(field: Field, name: str, posted: Posted, names: Names) -> Any:
    if field.is_display or field.read_only:
        # A constant without a default leaves nothing to choose, but the form wants to be told.
        return field.const if field.required else MISSING
    if field.format == "accept":
        return _accept(field, name, posted, names)
    match field.type:
        case "object":
            return _nested(field, name, posted, names)
        case "array":
            return _list(field, name, posted, names)
        case "any":
            return _json(field, name, posted)
    return _plain(field, name, posted)


def _nested(field: Field, name: str, posted: Posted, names: Names) -> Any:
    # An optional model has a box that says whether it is there; it carries the name of the model itself.
    if field.nullable and "1" not in posted.getlist(name):
        return None if "" in posted.getlist(name) else MISSING
    if not field.nullable and name not in names and not posted.getlist(name):
        return MISSING
    return _object(field.properties, name, posted, names)


def _list(field: Field, name: str, posted: Posted, names: Names) -> Any:
    item = field.item
    if item is None:
        return MISSING
    if field.is_choice_list:
        texts = [text for text in posted.getlist(name) if text]
        if not texts and not posted.getlist(name):
            return MISSING
        return [_of_option(item, text) for text in texts] or _nothing(field)
    indices = sorted({int(key) for key in names.get(name, ()) if key.isascii() and key.isdigit() and len(key) < 9})
    if not indices:
        return _nothing(field) if posted.getlist(name) else MISSING
    values = (_value(item, join(name, str(index)), posted, names) for index in indices[: MAX_VALUES + 1])
    # A row that was added and left empty is no row, unless it is a model: that shows what is missing in it.
    return [value for value in values if value is not MISSING and value != ""] or _nothing(field)


def _nothing(field: Field) -> list[Any] | None:
    return None if field.nullable else []


def _accept(field: Field, name: str, posted: Posted, names: Names) -> Any:
    if not posted.getlist(name):
        return MISSING
    ticked = frozenset(int(key) for key in names.get(name, ()) if key.isascii() and key.isdigit() and len(key) < 6)
    return Ticks.of("ACCEPTED" if is_accepted(field, ticked) else "INCOMPLETE", ticked)


def is_accepted(field: Field, ticked: frozenset[int]) -> bool:
    """Whether every box of a checklist that must be ticked is; a ticked "skip" takes the place of all."""
    kinds = [str(entry[1]) for entry in field.schema.get("data") or [["", "checkbox"]]]
    if any(kind == "skip" and index in ticked for index, kind in enumerate(kinds)):
        return True
    return all(index in ticked for index, kind in enumerate(kinds) if kind in {"checkbox", ">checkbox"})


def _json(field: Field, name: str, posted: Posted) -> Any:
    text = _last(posted, name)
    if text is None:
        return MISSING
    if not text.strip():
        return None if field.nullable else MISSING
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _plain(field: Field, name: str, posted: Posted) -> Any:
    text = _last(posted, name)
    if text is None:
        return MISSING
    if field.format in _TRIMMED or field.type in {"integer", "number"}:
        text = text.strip()
    if text == "":
        return _emptied(field)
    if field.options:
        return _of_option(field, text)
    for kind in field.types:
        read = _READ[kind](field, text) if kind in _READ else text
        if read is not MISSING:
            return read
    return text


def _emptied(field: Field) -> Any:
    if field.nullable:
        return None
    if field.type == "boolean":
        # The empty value beside a box: the page had it, and it is not ticked.
        return False
    return MISSING if field.required else ""


def _last(posted: Posted, name: str) -> str | None:
    texts = posted.getlist(name)
    return texts[-1] if texts else None


def _of_option(field: Field, text: str) -> Any:
    return next((option.value for option in field.options if option.text == text), text)


def _integer(_field: Field, text: str) -> Any:
    return int(text) if _INTEGER.fullmatch(text) else MISSING


def _number(field: Field, text: str) -> Any:
    if field.format == "timestamp":
        return _timestamp(text)
    if _INTEGER.fullmatch(text):
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return MISSING
    return number if math.isfinite(number) else MISSING


def _timestamp(text: str) -> Any:
    """Read seconds since 1970, or a local date and time in the current time zone."""
    if _INTEGER.fullmatch(text):
        return int(text)
    moment = _moment(text)
    return MISSING if moment is None else int(moment.timestamp())


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.get_current_timezone())


def _boolean(_field: Field, text: str) -> Any:
    return {"true": True, "on": True, "1": True, "false": False, "0": False}.get(text.lower(), MISSING)


def _string(field: Field, text: str) -> Any:
    # Browsers end lines with CR LF in what they post.
    text = text.replace("\r\n", "\n")
    if field.format == "date-time" and (moment := _moment(text)) is not None:
        return moment.isoformat()
    return text


_READ: dict[str, Callable[[Field, str], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "string": _string,
}
