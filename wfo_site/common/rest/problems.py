"""One shape for every error of the API, whatever raised it; no answer ever shows a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol, runtime_checkable

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from wfo_site.common.db.errors import may_work_later
from wfo_site.common.errors import DomainError
from wfo_site.common.json import NotJson, to_json
from wfo_site.common.rest.rendering import dumps
from wfo_site.common.uuid7 import uuid7

logger = logging.getLogger(__name__)

NOT_AUTHENTICATED = "Not authenticated"
DATABASE_AWAY = (
    "The database does not answer, or takes no changes, just now. Nothing that was stored is lost. "
    "Try again in a moment; a start that has an Idempotency-Key is not made twice."
)
TRY_AGAIN: Final[Mapping[str, str]] = {"Retry-After": "5"}


@runtime_checkable
class SelfDescribed(Protocol):
    """An exception that knows its whole answer, as those of forms do."""

    status: int

    def body(self) -> Mapping[str, object]: ...


class RequestInvalid(Exception):
    """Something of the request itself is wrong: answered with 422 and a list of what, where and why.

    Each item is {"type", "loc", "msg", "input"?, "ctx"?}; `loc` begins with body, query, path or header.
    """

    def __init__(self, errors: Sequence[Mapping[str, object]]) -> None:
        super().__init__("; ".join(f"{error.get('loc')}: {error.get('msg')}" for error in errors))
        self.errors = list(errors)


class BadRequest(DomainError):
    """The request was understood and refused; the message says why."""

    code = "bad_request"


class BodyTooLarge(DomainError):
    """The body has more bytes than DATA_UPLOAD_MAX_MEMORY_SIZE."""

    code = "body_too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self) -> None:
        super().__init__(body_limit_sentence())


def body_limit_sentence() -> str:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return f"The request body is larger than {limit} bytes, which is the limit of this server. Send less at a time."


def problem(status: int, detail: str, extra: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return the body of an error: `detail`, `status` and the phrase of the status, and what is said beyond that."""
    more = {key: _sayable(value) for key, value in (extra or {}).items()}
    return {**more, "detail": detail, "status": int(status), "title": HTTPStatus(status).phrase}


def _sayable(value: object) -> object:
    try:
        return to_json(value)
    except NotJson:
        return str(value)


def database_away() -> dict[str, object]:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, DATABASE_AWAY)


def problem_response(status: int, detail: str) -> HttpResponse:
    """Return an error outside of a REST view."""
    return as_response(problem(status, detail), status)


def as_response(body: Mapping[str, object], status: int) -> HttpResponse:
    return HttpResponse(dumps(body), status=status, content_type="application/json")


def answer_to_error(error: Exception, context: Mapping[str, Any]) -> Response:
    """Turn whatever a view raised into the API's answer. What nobody foresaw becomes a 500 with a logged reference."""
    response = _answer_to(error, context)
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # Django would log these as errors of the server. A form that asks for its next page (510) and a paused engine
        # (503) are none, and what nobody foresaw has been logged with its cause.
        response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _answer_to(error: Exception, context: Mapping[str, Any]) -> Response:
    if isinstance(error, RequestInvalid):
        return Response({"detail": error.errors}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    # Errors of other systems may have a body too, one that is not for our clients.
    if isinstance(error, SelfDescribed) and callable(error.body):
        return Response(dict(error.body()), status=error.status)
    if isinstance(error, DomainError):
        extra = error.details if error.field is None else {"field": error.field, **error.details}
        return _answer(error.status, error.message, extra=extra)
    if isinstance(error, exceptions.APIException):
        return _answer_to_framework_error(error)
    for kind, status, sentence in _OTHERS:
        if isinstance(error, kind):
            return _answer(status, sentence())
    return _answer_to_unforeseen(error, context)


# In this order: a body that is too big is a suspicious operation too.
_OTHERS: Sequence[tuple[type[Exception], HTTPStatus, Callable[[], str]]] = (
    (Http404, HTTPStatus.NOT_FOUND, lambda: HTTPStatus.NOT_FOUND.phrase),
    (PermissionDenied, HTTPStatus.FORBIDDEN, lambda: "You may not do this"),
    (RequestDataTooBig, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, body_limit_sentence),
    (SuspiciousOperation, HTTPStatus.BAD_REQUEST, lambda: "The request is malformed"),
)


def _answer(status: int, detail: str, *, extra: Mapping[str, object] | None = None) -> Response:
    return Response(problem(status, detail, extra), status=status)


def _answer_to_framework_error(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.NotAuthenticated):
        return _answer(HTTPStatus.FORBIDDEN, NOT_AUTHENTICATED)
    return _answer(error.status_code, str(error.detail))


def _answer_to_unforeseen(error: Exception, context: Mapping[str, Any]) -> Response:
    if may_work_later(error):
        logger.warning("the database is away: %s", error)
        return Response(database_away(), status=HTTPStatus.SERVICE_UNAVAILABLE, headers=dict(TRY_AGAIN))
    request: HttpRequest | None = getattr(context.get("request"), "_request", None)
    body = unforeseen_problem(error, request)
    # Error trackers and the test client listen to this signal.
    got_request_exception.send(sender=None, request=request)
    return Response(body, status=HTTPStatus.INTERNAL_SERVER_ERROR)


def unforeseen_problem(error: BaseException | None, request: HttpRequest | None) -> dict[str, object]:
    """Log an error that nobody foresaw under a reference, and return the problem that names the reference only."""
    reference = str(uuid7())
    logger.error(
        "unhandled %s in %s %s, reference %s",
        type(error).__name__,
        request.method if request else "?",
        request.path if request else "?",
        reference,
        exc_info=error,
    )
    sentence = "Something went wrong that nobody foresaw. Its cause is in the log of the server under reference"
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"{sentence} {reference}.", {"reference": reference})
