"""The page of the engine as a whole."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from wfo_site.common.htmx import page
from workflows.page_selectors.engine import engine_page


@require_safe
def engine(request: HttpRequest) -> HttpResponse:
    """Show who runs processes, what they run, what waits, and what is held."""
    return page(request, "workflows/engine.html", {"engine": engine_page()}, partial="live")
