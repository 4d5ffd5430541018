"""Every page asks for a login; a part of a page must not become the login page."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase


class PageLoginRequiredMiddleware(LoginRequiredMiddleware):
    """Send strangers to the login page, and answer 401 to HTMX: its script goes there if somebody waits for it."""

    def process_view(self, request: HttpRequest, view_func: Callable[..., Any], *args: Any) -> HttpResponseBase | None:
        refusal: HttpResponseBase | None = super().process_view(request, view_func, *args)
        if refusal is not None and getattr(request, "htmx", None):
            return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
        return refusal
