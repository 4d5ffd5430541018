"""Answer a process that asks: the form of the step that it stands at, page by page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from wfo_site.common.errors import DomainError
from wfo_site.common.htmx import page
from workflows import selectors
from workflows.engine.tree import ref_of
from workflows.enums import ProcessStatus
from workflows.forms.wizard import Step, Wizard
from workflows.models import Process
from workflows.page_selectors.live import live_context
from workflows.page_selectors.timeline import process_view
from workflows.selectors.position import position_of
from workflows.services import resume_process
from workflows.views.feedback import go_to, toasted

_TEMPLATE = "workflows/process_resume.html"


@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Show the form of a suspended process, and let it go on after the last page."""
    process = Process.every.select_related("workflow").filter(pk=process_id).first()
    if process is None:
        raise Http404(f"There is no process {process_id}")
    detail = reverse("workflows:process-detail", args=[process_id])
    if process.last_status != ProcessStatus.SUSPENDED:
        text = "This process does not wait for input any more; somebody else may have been faster."
        return go_to(request, detail, level="warning", text=text)
    ref = ref_of(process)
    if misfit := position_of(ref).misfit:
        return go_to(request, detail, level="warning", text=misfit)
    permissions = selectors.process_permissions(process_id, request.user, ref=ref)
    if refusal := permissions.refusal(process.last_status):
        return go_to(request, detail, level="error", text=f"{refusal}.")
    wizard = _wizard(request, process)
    step = wizard.step()
    if step.kind == "complete":
        try:
            resume_process(process_id, step.inputs, user=request.user.get_username(), user_model=request.user)
        except DomainError as error:
            step = wizard.refused(error)
        else:
            return _resumed(request, process_id, "Thank you. The process goes on.")
    context = _context(process, step)
    return page(request, _TEMPLATE, context, partial="form", status=step.status)


def _resumed(request: HttpRequest, process_id: UUID, text: str) -> HttpResponse:
    """Go to the process's page or, on it already, draw its moving part anew: what was opened there stays open."""
    names = ("workflows:process-detail", "workflows:task-detail")
    pages = [reverse(name, args=[process_id]) for name in names]
    htmx = getattr(request, "htmx", None)
    if not htmx or htmx.current_url_abs_path is None or htmx.current_url_abs_path.partition("?")[0] not in pages:
        return go_to(request, pages[0], text=text)
    context = live_context(process_view(process_id), user=request.user)
    response = render(request, "workflows/process_detail.html#live", context)
    response["HX-Retarget"] = "#process-live"
    response["HX-Reswap"] = "morph:outerHTML"
    return toasted(response, "success", text)


def resume_form(request: HttpRequest, process: Process) -> SafeString:
    """Return the first page of a suspended process's form, for its page."""
    step = _wizard(request, process).step()
    return render_to_string(f"{_TEMPLATE}#form", _context(process, step), request)


def _wizard(request: HttpRequest, process: Process) -> Wizard:
    form, state = selectors.process_form(process.process_id)
    return Wizard(
        form,
        state,
        # With the row: a page of an earlier question is not taken for an answer to a later one.
        purpose=f"resume:{process.process_id}:{process.last_seq}:{request.user.pk}",
        posted=request.POST if request.method == "POST" else None,
        confirm=False,
    )


def _context(process: Process, step: Step) -> dict[str, Any]:
    url = reverse("workflows:process-resume", args=[process.process_id])
    return {"process": process, "step": step, "resume_url": url}
