"""Reading a request: a bounded body, JSON of bounded depth, and values checked by pydantic with the API's 422."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import orjson
from django.conf import settings
from django.http import RawPostDataException
from pydantic import TypeAdapter, ValidationError
from rest_framework.request import Request

from wfo_site.common.nul import visible
from wfo_site.common.rest.problems import BadRequest, BodyTooLarge, RequestInvalid

T = TypeVar("T")

# Far more than any form or callback nests, far less than what exhausts the stack of code that walks it.
MAX_DEPTH = 100
# A body of ten thousand wrong items needs no ten thousand sentences.
MAX_ERRORS = 50


def read_bytes(request: Request) -> bytes:
    """Return the body. Raises BodyTooLarge as soon as it is known to be; a chunked body is read no further than that.

    The framework's own parsers are not used: they take a body without Content-Length for an absent one, and do not
    tell absent, null and empty apart.
    """
    http = request._request
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    declared = http.META.get("CONTENT_LENGTH") or "0"
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge
    if hasattr(http, "_body"):
        body: bytes = http.body
    else:
        try:
            body = http.read(limit + 1)
        except RawPostDataException as error:
            raise BadRequest("The body was sent as a form; send JSON") from error
        # Kept, so that whoever reads it after us finds it.
        http._body = body
    if len(body) > limit:
        raise BodyTooLarge
    return body


def read_json(request: Request) -> Any:
    """Return the JSON of the body, whatever content type is claimed; NUL characters in it become a visible mark.

    Raises RequestInvalid if it is absent or no JSON, BadRequest if it nests deeper than MAX_DEPTH.
    """
    body = read_bytes(request)
    if not body.strip():
        raise RequestInvalid([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}])
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The parser's own limit is above ours.
        if "depth limit" in error.msg:
            raise _too_deep() from error
        raise RequestInvalid(
            [
                {
                    "type": "json_invalid",
                    "loc": ["body", error.pos],
                    "msg": "JSON decode error",
                    "input": {},
                    "ctx": {"error": error.msg},
                }
            ]
        ) from error
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_deeper_than(value, MAX_DEPTH):
        raise _too_deep()
    return visible(value) if b"\\u0000" in body else value


def _too_deep() -> BadRequest:
    return BadRequest(f"The JSON of the body is nested more than {MAX_DEPTH} levels deep")


def _is_deeper_than(value: object, levels: int) -> bool:
    containers = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        containers = [
            item
            for container in containers
            for item in (container.values() if type(container) is dict else container)
            if type(item) in (dict, list)
        ]
        if not containers:
            return False
    return True


def validated(adapter: TypeAdapter[T], value: object, *, loc: Sequence[str]) -> T:
    """Return `value` as the adapter's type. Raises RequestInvalid with `loc` put before each place that is wrong."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise RequestInvalid(
            [
                {**item, "loc": [*loc, *item["loc"]], **_plain_context(item)}
                for item in error.errors(include_url=False)[:MAX_ERRORS]
            ]
        ) from error


def _plain_context(item: Any) -> dict[str, Any]:
    return {"ctx": {key: str(value) for key, value in item["ctx"].items()}} if "ctx" in item else {}


def read_query(adapter: TypeAdapter[T], request: Request, name: str, default: str | None = None) -> T:
    """Return the query parameter `name` as the adapter's type. Raises RequestInvalid."""
    return validated(adapter, request.query_params.get(name, default), loc=("query", name))
