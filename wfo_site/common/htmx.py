"""One view answers a whole page or, for HTMX, the part of it that changed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails


class HtmxHttpRequest(HttpRequest):
    htmx: HtmxDetails


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    partial: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render `template`, or only its partial of that name when HTMX asked for a part (not for a boosted page)."""
    htmx = getattr(request, "htmx", None)
    if partial and htmx and not htmx.boosted and not htmx.history_restore_request:
        template = f"{template}#{partial}"
    response = render(request, template, context, status=status)
    response.headers["Vary"] = "HX-Request"
    return response


def page_context(_request: HttpRequest) -> dict[str, Any]:
    """Give every template what the frame of the page shows."""
    return {"environment": settings.ENVIRONMENT}
