"""What requests about processes carry beyond their path: who reports, a key against doubles, pages of input."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from pydantic import StringConstraints, TypeAdapter
from rest_framework.request import Request

from wfo_site.common.rest.access import user_name
from wfo_site.common.rest.body import read_json, read_query, validated
from wfo_site.common.rest.problems import BadRequest
from workflows.api.schemas import FormNotComplete
from workflows.engine.authorization import AuthUser

logger = logging.getLogger(__name__)

# No form asks for more; what sends more wants to keep us busy.
MAX_PAGES = 1_000

REPORTER = OpenApiParameter(
    "reporter",
    {"anyOf": [{"type": "string", "maxLength": 100}, {"type": "null"}]},
    description="Recorded as the one who did it, instead of the user who is logged in",
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 255},
    OpenApiParameter.HEADER,
    description="For 24 hours, the same key with the same inputs starts nothing more and gives the same id",
)
MORE_PAGES = {510: OpenApiResponse(FormNotComplete, description="A further page of input is needed")}

_reporter: TypeAdapter[str | None] = TypeAdapter(Annotated[str, StringConstraints(max_length=100)] | None)
_key: TypeAdapter[str | None] = TypeAdapter(Annotated[str, StringConstraints(min_length=1, max_length=255)] | None)
_start_input: TypeAdapter[list[dict[str, Any]] | None] = TypeAdapter(list[dict[str, Any]] | None)
_resume_input: TypeAdapter[list[dict[str, Any]] | dict[str, Any] | None] = TypeAdapter(
    list[dict[str, Any]] | dict[str, Any] | None
)


def reporter(request: Request) -> str:
    """Return the name that is recorded: `?reporter=` if given, else the user. Raises RequestInvalid if it is too long.

    Anybody who may call may name anybody, as clients rely on; that it happened is logged.
    """
    user = user_name(request)
    named = read_query(_reporter, request, "reporter")
    if named and named != user:
        logger.info("user %s reports as %r: %s %s", user, named, request.method, request.path)
    return named or user


def user_model(request: Request) -> AuthUser | None:
    """Return who is asked about in callbacks, whoever is named by `?reporter=`; None for a program without login."""
    user = request.user
    return user if user and user.is_authenticated else None


def idempotency_key(request: Request) -> str | None:
    return validated(_key, request.headers.get("Idempotency-Key"), loc=("header", "Idempotency-Key"))


def pages_to_start(request: Request) -> list[dict[str, Any]] | None:
    """Return the pages of input, or None for a body of null. Raises RequestInvalid for anything but a list or null."""
    return _bounded(validated(_start_input, read_json(request), loc=("body",)))


def pages_to_resume(request: Request) -> list[dict[str, Any]]:
    """Return the pages of input; an object is one page, null and what is empty are one empty page."""
    given = validated(_resume_input, read_json(request), loc=("body",))
    if not given:
        return [{}]
    return _bounded([given] if isinstance(given, dict) else given) or [{}]


def _bounded(pages: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    if pages is not None and len(pages) > MAX_PAGES:
        raise BadRequest(f"{len(pages)} pages of input were sent; the most that is accepted is {MAX_PAGES}")
    return pages
