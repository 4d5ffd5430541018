"""The state of the engine and of tasks, as the header of every page shows it, and the switch that pauses the engine."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from wfo_site.common.errors import DomainError
from workflows import selectors, services
from workflows.page_selectors.panels import failed_task_counts
from workflows.views.feedback import go_to, sentence, toasted


@require_safe
def engine_badge(request: HttpRequest) -> HttpResponse:
    """Show whether the engine runs; staff can pause it here."""
    return _engine_badge(request)


@require_safe
def failed_tasks_badge(request: HttpRequest) -> HttpResponse:
    """Show how many tasks failed."""
    counts = failed_task_counts()
    return render(
        request, "workflows/failed_tasks_badge.html", {"counts": sorted(counts.items()), "total": sum(counts.values())}
    )


@require_POST
def pause_engine(request: HttpRequest) -> HttpResponse:
    """Let no process begin another step; for staff."""
    return _switch(request, pause=True)


@require_POST
def unpause_engine(request: HttpRequest) -> HttpResponse:
    """Let processes go on; for staff."""
    return _switch(request, pause=False)


def _switch(request: HttpRequest, *, pause: bool) -> HttpResponse:
    level, text = "success", "The engine pauses: running steps end, no new ones begin." if pause else "The engine runs."
    try:
        if pause:
            services.pause_engine(user_model=request.user)
        else:
            services.unpause_engine(user_model=request.user)
    except DomainError as error:
        level, text = "error", sentence(error)
    if getattr(request, "htmx", None):
        return toasted(_engine_badge(request), level, text)
    back = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return go_to(request, back if safe else reverse("home"), level=level, text=text)


def _engine_badge(request: HttpRequest) -> HttpResponse:
    return render(request, "workflows/engine_badge.html", {"engine": selectors.engine_status()})
