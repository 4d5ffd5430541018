"""What a person does with a process: each is a POST, one service call and a word about how it went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from wfo_site.common.errors import DomainError
from workflows import services
from workflows.models import Process
from workflows.page_selectors.live import live_context
from workflows.page_selectors.timeline import process_view
from workflows.views.feedback import go_to, sentence, toasted


@require_POST
def retry(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Run the step that failed again."""
    return _act(
        request,
        process_id,
        "The step runs again.",
        lambda: services.resume_process(process_id, [{}], user=request.user.get_username(), user_model=request.user),
    )


@require_POST
def retry_all_tasks(request: HttpRequest) -> HttpResponse:
    """Run the step of every task again that failed or waits for another try."""
    level = "success"
    try:
        number = services.resume_all_tasks(user=request.user.get_username(), user_model=request.user)
    except DomainError as error:
        level, text = "error", sentence(error)
    else:
        text = "No task has failed."
        if number:
            text = f"{number} tasks are tried again." if number > 1 else "The task is tried again."
    return go_to(request, reverse("workflows:task-list"), level=level, text=text)


@require_POST
def proceed(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Let a process go on that waits for something other than a form."""
    return _act(
        request,
        process_id,
        "The process goes on.",
        lambda: services.resume_process(process_id, [{}], user=request.user.get_username(), user_model=request.user),
    )


@require_POST
def abort(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """End a process where it stands."""
    return _act(
        request,
        process_id,
        "Aborted. What it had done stays as it is.",
        lambda: services.abort_process(process_id, user=request.user.get_username()),
    )


@require_POST
def release(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Let a process try once more that is held because it took its worker down."""
    return _act(
        request,
        process_id,
        "Released. It runs alone on a worker.",
        lambda: services.release_process(process_id, user=request.user.get_username(), user_model=request.user),
    )


@require_POST
def delete(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Delete a task; for staff."""
    detail = reverse("workflows:process-detail", args=[process_id])
    try:
        services.delete_process(process_id, user_model=request.user)
    except DomainError as error:
        return go_to(request, detail, level="error", text=sentence(error))
    return go_to(request, reverse("workflows:task-list"), text="The task is deleted.")


@require_POST
def note(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Set the note of a process; an empty one takes it away."""
    text = request.POST.get("note", "").strip()
    return _act(request, process_id, "Note saved.", lambda: services.set_process_note(process_id, text or None))


def _act(request: HttpRequest, process_id: UUID, done: str, act: Callable[[], Any]) -> HttpResponse:
    level, text = "success", done
    try:
        act()
    except DomainError as error:
        level, text = "error", sentence(error)
    if not getattr(request, "htmx", None):
        return go_to(request, reverse("workflows:process-detail", args=[process_id]), level=level, text=text)
    if not Process.every.filter(pk=process_id).exists():
        return go_to(request, reverse("workflows:process-list"), level=level, text=text)
    context = live_context(process_view(process_id), user=request.user)
    return toasted(render(request, "workflows/process_detail.html#live", context), level, text)
