"""Errors raised before or after a view (by middleware, by rendering): JSON under /api, Django's own pages elsewhere."""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from wfo_site.common.rest.paths import API_PREFIX
from wfo_site.common.rest.problems import as_response, problem_response, unforeseen_problem


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_PREFIX)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return problem_response(HTTPStatus.BAD_REQUEST, "The request is malformed")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return problem_response(HTTPStatus.FORBIDDEN, "You may not do this")
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return problem_response(HTTPStatus.NOT_FOUND, HTTPStatus.NOT_FOUND.phrase)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if not _is_api(request):
        return defaults.server_error(request)
    return as_response(unforeseen_problem(sys.exc_info()[1], request), HTTPStatus.INTERNAL_SERVER_ERROR)
