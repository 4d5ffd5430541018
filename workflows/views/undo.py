"""Undo a process: the page shows first what that would do, and starts it when it is sent."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from wfo_site.common.errors import DomainError, NotFound
from wfo_site.common.htmx import page
from workflows import selectors, services
from workflows.states import ENDED
from workflows.views.feedback import go_to, sentence


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Show what undoing a process does, and start it."""
    try:
        if request.method == "POST":
            return _start(request, process_id)
        plan = selectors.undo_plan(process_id)
    except NotFound as error:
        raise Http404(error.message) from error
    context = {"plan": plan, "process": plan.process, "is_ended": plan.process.last_status in ENDED}
    return page(request, "workflows/process_undo.html", context)


def _start(request: HttpRequest, process_id: UUID) -> HttpResponse:
    detail = "workflows:process-detail"
    try:
        undo_id = services.undo_process(process_id, user=request.user.get_username(), user_model=request.user)
    except NotFound:
        raise
    except DomainError as error:
        return go_to(request, reverse(detail, args=[process_id]), level="error", text=sentence(error))
    return go_to(request, reverse(detail, args=[undo_id]), text="The undo has begun.")
