"""The page of one process, and the parts of it that are drawn anew while the process moves."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from wfo_site.common.errors import NotFound
from wfo_site.common.htmx import page
from workflows.page_selectors.live import live_context
from workflows.page_selectors.step_content import step_content
from workflows.page_selectors.subscription_changes import subscription_changes
from workflows.page_selectors.timeline import ProcessView, process_view
from workflows.views.resume import resume_form

_TEMPLATE = "workflows/process_detail.html"


@require_safe
def process_detail(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Show a process or task: where it stands, why it does not move, and every step."""
    view = _view_or_404(process_id)
    context = live_context(view, user=request.user)
    if context["asks"]:
        context["form_html"] = resume_form(request, view.process)
    return page(request, _TEMPLATE, context)


@require_safe
def live(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Draw the moving part anew; 204 while it would look as it did (`seen` is the version that the page has)."""
    view = _view_or_404(process_id)
    context = live_context(view, user=request.user)
    if request.GET.get("seen") == context["version"]:
        return HttpResponse(status=204)
    return render(request, f"{_TEMPLATE}#live", context)


@require_safe
def step(request: HttpRequest, process_id: UUID, seq: int) -> HttpResponse:
    """Show what one step changed or why it failed; with `state=1` the whole state after it, or that it failed with."""
    try:
        content = step_content(
            process_id,
            seq,
            with_state=request.GET.get("state") == "1",
            with_traceback=request.user.is_staff,
        )
    except NotFound as error:
        raise Http404(error.message) from error
    context = {"content": content, "process_id": process_id}
    return page(request, "workflows/step_content.html", context, partial="body")


@require_safe
def changes(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Show what the process changed in its subscriptions, before and after."""
    context = {"changes": subscription_changes(process_id), "process_id": process_id}
    return page(request, "workflows/subscription_changes.html", context, partial="body")


def _view_or_404(process_id: UUID) -> ProcessView:
    try:
        return process_view(process_id)
    except NotFound as error:
        raise Http404(error.message) from error
