"""Paths of the API: with and without trailing slash alike, and a UUID that is none is a 422, not an unknown path."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.urls.converters import StringConverter, register_converter

API_PREFIX = "/api/"
_twins: set[str] = set()


@dataclass(frozen=True)
class NoUUID:
    """Stands for a path segment that should have been a UUID; the view answers 422."""

    text: str


class LooseUUIDConverter(StringConverter):
    """Matches any segment; gives a UUID, or NoUUID so that the view can say what is wrong."""

    def to_python(self, value: str) -> UUID | NoUUID:  # type: ignore[override]
        try:
            return UUID(value)
        except ValueError:
            return NoUUID(value)

    def to_url(self, value: object) -> str:
        return str(value)


register_converter(LooseUUIDConverter, "loose_uuid")


def both(route: str, view: Callable[..., HttpResponseBase], name: str | None = None) -> list[URLPattern]:
    """Return `route` as documented and its twin with or without trailing slash; a redirect would lose the body."""
    twin = route[:-1] if route.endswith("/") else route + "/"
    _twins.add(API_PREFIX + twin)
    return [path(route, view, name=name), path(twin, view)]


def without_twins(endpoints: list[tuple[str, str, str, Any]], **_: object) -> list[tuple[str, str, str, Any]]:
    """Leave the undocumented twins out of the OpenAPI schema (a preprocessing hook of drf-spectacular)."""
    hidden = {_as_template(twin) for twin in _twins}
    return [endpoint for endpoint in endpoints if endpoint[0] not in hidden]


def _as_template(route: str) -> str:
    """`processes/<loose_uuid:process_id>` as OpenAPI writes it: `processes/{process_id}`."""
    return re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", route)
