"""Start a workflow: its form page by page, then the process."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from products.models import Workflow
from wfo_site.common.errors import DomainError, NotFound
from wfo_site.common.htmx import page
from workflows.forms.wizard import Wizard
from workflows.page_selectors.start_form import start_form
from workflows.page_selectors.timeline import planned_cards
from workflows.selectors.durations import workflow_durations
from workflows.services import start_process
from workflows.views.feedback import go_to, sentence

_TEMPLATE = "workflows/process_start.html"
# What the address may say about the first page, and the field of that page.
_FIXED = {"productId": "product", "subscriptionId": "subscription_id"}


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, workflow_name: str) -> HttpResponse:
    """Lead through the form of a workflow and start it after the last page.

    `?productId=` or `?subscriptionId=` answer the first page. Nothing is stored before the last submit, and a double
    click on it starts one process.
    """
    user = request.user.get_username()
    try:
        found = start_form(workflow_name, user=user, user_model=request.user)
    except DomainError as error:
        return _refusal(request, workflow_name, error)
    if request.method != "POST":
        try:
            found.check()
        except DomainError as error:
            return _refusal(request, workflow_name, error, found.workflow)
    fixed = _fixed_inputs(request)
    wizard = Wizard(
        found.form,
        found.state,
        purpose=f"start:{workflow_name}:{fixed}:{request.user.pk}",
        fixed_inputs=fixed,
        posted=request.POST if request.method == "POST" else None,
    )
    step = wizard.step()
    if step.kind == "complete":
        try:
            process_id = start_process(
                workflow_name,
                step.inputs,
                user=user,
                user_model=request.user,
                idempotency_key=step.idempotency_key,
            )
        except DomainError as error:
            step = wizard.refused(error)
        else:
            name = "workflows:task-detail" if found.workflow.is_task else "workflows:process-detail"
            return go_to(request, reverse(name, args=[process_id]))
    context: dict[str, Any] = {
        "step": step,
        "workflow": found.workflow,
        "cards": planned_cards(workflow_name),
        "durations": workflow_durations(found.workflow.pk),
        "back_url": _back_url(fixed, is_task=found.workflow.is_task),
        "submit_label": "Start task" if found.workflow.is_task else "Start workflow",
    }
    return page(request, _TEMPLATE, context, partial="wizard", status=step.status)


def _fixed_inputs(request: HttpRequest) -> list[dict[str, Any]]:
    for parameter, field in _FIXED.items():
        try:
            return [{field: str(UUID(request.GET[parameter]))}]
        except (KeyError, ValueError):
            # Not given, or no id: then the first page asks.
            continue
    return []


def _back_url(fixed: list[dict[str, Any]], *, is_task: bool) -> str:
    if fixed and "subscription_id" in fixed[0]:
        return reverse("subscriptions:subscription-detail", args=[fixed[0]["subscription_id"]])
    return reverse("workflows:task-new" if is_task else "workflows:process-new")


def _refusal(
    request: HttpRequest, workflow_name: str, error: DomainError, workflow: Workflow | None = None
) -> HttpResponse:
    message = (
        f"There is no workflow {workflow_name}; the product package that brings it may have been removed."
        if isinstance(error, NotFound)
        else sentence(error)
    )
    context = {
        "refusal": message,
        "workflow_name": workflow_name,
        "workflow": workflow,
        "back_url": _back_url([], is_task=workflow is not None and workflow.is_task),
    }
    return render(request, _TEMPLATE, context, status=int(error.status))
