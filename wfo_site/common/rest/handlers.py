"""Errors raised before or after a view (by middleware, by rendering): JSON under /api, pages elsewhere."""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import is_valid_path
from django.views import defaults

from wfo_site.common.db.errors import may_work_later
from wfo_site.common.rest.paths import API_PREFIX
from wfo_site.common.rest.problems import (
    TRY_AGAIN,
    as_response,
    body_limit_sentence,
    database_away,
    problem_response,
    unforeseen_problem,
)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_PREFIX)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return _too_large(request)
    if _is_api(request):
        return problem_response(HTTPStatus.BAD_REQUEST, "The request is malformed")
    return defaults.bad_request(request, exception)


def _too_large(request: HttpRequest) -> HttpResponse:
    """Say how much may be sent; to a form's script in a way that leaves what was typed where it is."""
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if _is_api(request):
        return problem_response(status, body_limit_sentence())
    limit = filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    sentence = f"A form may hold up to {limit}, and this one holds more. Nothing was changed; enter less."
    if getattr(request, "htmx", None):
        return problem_response(status, sentence)
    return render(request, "413.html", {"sentence": sentence}, status=status)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return problem_response(HTTPStatus.FORBIDDEN, "You may not do this")
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return problem_response(HTTPStatus.NOT_FOUND, HTTPStatus.NOT_FOUND.phrase)
    if request.method in ("GET", "HEAD") and not request.path.endswith("/") and is_valid_path(f"{request.path_info}/"):
        # An address typed without its last slash. `APPEND_SLASH` would do so for the API too, which takes both.
        return HttpResponsePermanentRedirect(request.get_full_path(force_append_slash=True))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    if error is not None and may_work_later(error):
        return _database_away(request)
    if not _is_api(request):
        return defaults.server_error(request)
    return as_response(unforeseen_problem(error, request), HTTPStatus.INTERNAL_SERVER_ERROR)


def _database_away(request: HttpRequest) -> HttpResponse:
    """Say that it is the moment and not the request; to a form's script in a way that leaves what was typed."""
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if _is_api(request) or getattr(request, "htmx", None):
        response = as_response(database_away(), status)
    else:
        response = HttpResponse(render_to_string("503.html"), status=status)
    for name, value in TRY_AGAIN.items():
        response.headers[name] = value
    return response
