"""NUL characters become a visible mark where they come in: PostgreSQL's text cannot hold one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from wfo_site.common.json import NUL_MARK


def visible(value: Any) -> Any:
    """Return a JSON value in which each NUL is visible, in texts and in keys."""
    match value:
        case str():
            return value.replace("\0", NUL_MARK) if "\0" in value else value
        case list():
            return [visible(item) for item in value]
        case dict():
            return {visible(key): visible(item) for key, item in value.items()}
    return value


class VisibleNulMiddleware:
    """Make them visible in the path and the query of an address; bodies are the matter of whoever reads them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", ""):
            request.META["QUERY_STRING"] = request.META["QUERY_STRING"].replace("%00", quote(NUL_MARK))
        request.path = visible(request.path)
        request.path_info = visible(request.path_info)
        return self.get_response(request)
