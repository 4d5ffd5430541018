"""ETags as existing clients send them: verbatim, quoted, weak, or the bare value."""

from __future__ import annotations

from http import HTTPStatus

from rest_framework.request import Request
from rest_framework.response import Response


def _bare(tag: str) -> str:
    return tag.strip().removeprefix("W/").strip('"')


def is_unchanged(request: Request, etag: str) -> bool:
    """Say whether If-None-Match names `etag` in any of the forms in use."""
    header = request.headers.get("If-None-Match", "")
    wanted = [_bare(tag) for tag in header.split(",") if tag.strip()]
    return "*" in wanted or _bare(etag) in wanted


def weak(value: str) -> str:
    return f'W/"{value}"'


def not_modified(etag: str) -> Response:
    return Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
