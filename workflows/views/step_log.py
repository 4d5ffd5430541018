"""The log of a step: what it says while it runs, and what it has said."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from wfo_site.common.errors import NotFound
from wfo_site.common.htmx import page
from workflows.page_selectors import step_log as selectors

_TEMPLATE = "workflows/step_log.html"


@require_safe
def running(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Show how far the step (`step`, its key) is that runs now, and what it has said last."""
    try:
        panel = selectors.running_log(process_id, request.GET.get("step", ""))
    except NotFound as error:
        raise Http404(error.message) from error
    return render(request, f"{_TEMPLATE}#live", {"panel": panel, "process_id": process_id})


@require_safe
def of_step(request: HttpRequest, process_id: UUID, seq: int) -> HttpResponse:
    """Show all that the step of a row has said."""
    try:
        panel = selectors.step_log(process_id, seq)
    except NotFound as error:
        raise Http404(error.message) from error
    return page(request, _TEMPLATE, {"panel": panel, "process_id": process_id, "seq": seq}, partial="lines")
