"""Choose where a process goes on whose workflow has changed under it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from wfo_site.common.errors import Conflict, DomainError, NotFound
from workflows import selectors, services
from workflows.services.continue_at import NoSuchStep
from workflows.views.feedback import go_to, sentence

_TEMPLATE: Final = "workflows/process_continue.html"


@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Show the old plan beside the new one, and let the process go on at the step that is chosen."""
    error, status = "", 200
    try:
        if request.method == "POST":
            services.continue_at(
                process_id,
                request.POST.get("step", ""),
                plan=request.POST.get("plan", ""),
                version=_number(request.POST.get("version", "")),
                user=request.user.get_username(),
                user_model=request.user,
            )
            detail = reverse("workflows:process-detail", args=[process_id])
            return go_to(request, detail, text="The process goes on there.")
    except NotFound as missing:
        raise Http404(missing.message) from missing
    except NoSuchStep:
        error, status = "Choose a step.", 422
    except Conflict as conflict:
        error, status = sentence(conflict), 409
    except DomainError as refused:
        detail = reverse("workflows:process-detail", args=[process_id])
        return go_to(request, detail, level="error", text=sentence(refused))
    try:
        choices = selectors.continue_choices(process_id)
    except NotFound as missing:
        raise Http404(missing.message) from missing
    context = {"choices": choices, "process": choices.process, "error": error}
    return render(request, _TEMPLATE, context, status=status)


def _number(text: str) -> int:
    """Return the version that a form carries; one that no process has for anything else."""
    return int(text) if text.isdecimal() else -1
