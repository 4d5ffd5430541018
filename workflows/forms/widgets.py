"""What a control says in HTML attributes: its limits, its links to help and errors, and its value as text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from workflows.forms.controls import Control
from workflows.forms.decoding import Ticks
from workflows.forms.parsing import Field, option_text

Attributes = dict[str, str | bool]


def attributes(control: Control, **more: str | bool) -> Attributes:
    """Return the attributes of an input, select or textarea; False leaves one out, True stands without a value."""
    found: Attributes = {
        "id": control.id,
        "name": control.name,
        "required": control.required and not control.lenient,
        "disabled": control.disabled,
        "aria-describedby": control.described_by or False,
        "aria-invalid": "true" if control.errors else False,
        "autocomplete": "off",
    }
    return {**found, **_limits(control), **more}


def _limits(control: Control) -> Attributes:
    if control.field.type in {"integer", "number"}:
        return _number_limits(control.field)
    if control.field.type == "string" and not control.field.options:
        return _text_limits(control.field)
    return {}


def _number_limits(field: Field) -> Attributes:
    whole = field.type == "integer"
    low, high = _bound(field, "inimum", 1), _bound(field, "aximum", -1)
    step = field.schema.get("multipleOf")
    if step and low is not None:
        # Browsers count steps from the lowest value, so that one has to be a multiple itself.
        low = math.ceil(low / step) * step
    found: Attributes = {"step": str(step or 1) if whole else str(step or "any")}
    found |= {name: _number_text(value) for name, value in (("min", low), ("max", high)) if value is not None}
    return found


def _bound(field: Field, name: str, inward: int) -> float | int | None:
    """Return the lowest or highest number allowed; zero is a limit like any other."""
    for key, exclusive in ((f"m{name}", False), (f"exclusiveM{name}", True)):
        limit = field.schema.get(key)
        if isinstance(limit, int | float):
            # Of whole numbers the next one is the limit; of others browsers cannot say "more than".
            return limit + inward if exclusive and field.type == "integer" else limit
    return None


def _number_text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)


def _text_limits(field: Field) -> Attributes:
    found: Attributes = {}
    for key, name in (("minLength", "minlength"), ("maxLength", "maxlength")):
        if isinstance(limit := field.schema.get(key), int):
            found[name] = str(limit)
    pattern = field.schema.get("pattern")
    # A browser matches the whole text; only a pattern that says so itself means the same there.
    if isinstance(pattern, str) and pattern.startswith("^") and pattern.endswith("$") and field.format != "long":
        found["pattern"] = pattern[1:-1]
    return found


def text_value(control: Control) -> str:
    """Return the value as the text of an input; what cannot be shown as the kind it should be stays as it was typed."""
    value = control.value
    match control.kind:
        case "datetime":
            return _local(_moment(value)) or _plain(value)
        case "timestamp":
            moment = _local(_from_epoch(value))
            return (moment if has_time(control) else moment[:10]) or _plain(value)
        case "json":
            return value if isinstance(value, str) else "" if value is None else json.dumps(value, indent=2)
        case _:
            return _plain(value)


def _plain(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else option_text(value)


def has_time(control: Control) -> bool:
    """Whether a timestamp is picked with its time of day."""
    return control.field.extra.get("showTimeSelect") is not False


def timestamp_limits(control: Control) -> Attributes:
    """Return the earliest and latest moment of a timestamp as its input wants them."""
    found: Attributes = {}
    for key, name in (("min", "minimum"), ("max", "maximum")):
        limit = control.field.extra.get(key) or control.field.schema.get(name)
        if text := _local(_from_epoch(limit)):
            found[key] = text if has_time(control) else text[:10]
    return found


def _from_epoch(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.get_current_timezone())


def _local(moment: datetime | None) -> str:
    if moment is None:
        return ""
    local = timezone.localtime(moment).replace(tzinfo=None)
    return local.isoformat(timespec="seconds" if local.second else "minutes")


def checklist(control: Control) -> list[dict[str, Any]]:
    """Return the lines of a list to work through: kind, text, and for a box its name and whether it is ticked.

    What was accepted once shows all boxes that must be ticked as ticked.
    """
    lines: list[dict[str, Any]] = []
    value = control.value
    for index, entry in enumerate(control.field.schema.get("data") or [["I have read this and agree", "checkbox"]]):
        text, kind = str(entry[0]), str(entry[1])
        more = entry[2] if len(entry) > 2 and isinstance(entry[2], Mapping) else {}
        is_box = "checkbox" in kind or kind == "skip"
        required = kind in {"checkbox", ">checkbox"}
        ticked = index in value.ticked if isinstance(value, Ticks) else value == "ACCEPTED" and required
        lines.append(
            {
                "kind": "box" if is_box else kind,
                "text": text,
                "id": f"{control.id}.{index}",
                "name": f"{control.name}.{index}",
                "ticked": is_box and ticked,
                "optional": is_box and not required,
                "is_skip": kind == "skip",
                "nested": kind.startswith(">"),
                "href": _safe_href(more.get("href") or (text if kind == "url" else "")),
                "value": more.get("value", ""),
            }
        )
    return lines


def _safe_href(href: object) -> str:
    """Return an address that a link may lead to: a page, a mail address, nothing that runs."""
    text = str(href or "").strip()
    try:
        scheme = urlsplit(text).scheme.lower()
    except ValueError:
        return ""
    return text if scheme in {"http", "https", "mailto"} or (not scheme and text.startswith(("/", "#", "?"))) else ""


def summary_table(control: Control) -> dict[str, Any]:
    """Return {"headers", "rows": [{"label", "cells", "changed"}]} of a summary, whose data stands in columns."""
    data = control.field.extra.get("data") or {}
    labels = [str(text) for text in data.get("labels") or ()]
    columns = [list(column) for column in data.get("columns") or ()]
    count = max([len(labels), *(len(column) for column in columns)], default=0)
    rows = []
    for index in range(count):
        cells = [column[index] if index < len(column) else "" for column in columns]
        rows.append(
            {
                "label": labels[index] if index < len(labels) else "",
                "cells": cells,
                "changed": len(cells) == 2 and bool(data.get("headers")) and cells[0] != cells[1],
            }
        )
    return {"headers": [str(text) for text in data.get("headers") or ()], "rows": rows}
