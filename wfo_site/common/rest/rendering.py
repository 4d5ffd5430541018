"""Answers as JSON, fast; moments are Unix timestamps in seconds as floats, which is what API clients expect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from http import HTTPStatus
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

from wfo_site.common.json import to_json

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_EMPTY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, date):
        return value.isoformat()
    return to_json(value)


def dumps(value: object) -> bytes:
    """Return `value` as JSON. Datetimes become epoch seconds, everything else what `to_json` makes of it."""
    try:
        return orjson.dumps(value, default=_plain, option=_OPTIONS)
    except TypeError:
        # Integers beyond 64 bits (an IPv6 address as a number) are valid JSON that orjson refuses.
        return json.dumps(value, default=_plain, separators=(",", ":")).encode()


class JsonRenderer(BaseRenderer):
    """The only renderer of the API: whatever the client says it accepts, it gets JSON. Bytes are JSON already."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,  # noqa: ARG002 - it is JSON in any case
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        response = (renderer_context or {}).get("response")
        if response is not None and response.status_code in _EMPTY:
            return b""
        return data if isinstance(data, bytes) else dumps(data)
