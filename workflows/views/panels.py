"""Parts of other apps' pages that are about processes: fetched by URL name, so that no lower layer imports this one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from wfo_site.common.errors import NotFound
from workflows.page_selectors import panels
from workflows.page_selectors.subscription_actions import subscription_action_groups
from workflows.states import FAILED

_FAILED = "?" + urlencode({"status": sorted(FAILED)}, doseq=True)
_UNDER_WAY = "?" + urlencode({"status": panels.UNDER_WAY}, doseq=True)


@require_safe
def active(request: HttpRequest) -> HttpResponse:
    """Show the newest processes that are neither over nor failed."""
    panel = panels.active_processes()
    return _panel(request, "active", panel, title="Active workflows", empty="All is quiet.", query=_UNDER_WAY)


@require_safe
def failed(request: HttpRequest) -> HttpResponse:
    """Show the newest processes that failed."""
    panel = panels.failed_processes()
    return _panel(request, "failed", panel, title="Failed workflows", empty="Nothing has failed.", query=_FAILED)


@require_safe
def failed_tasks(request: HttpRequest) -> HttpResponse:
    """Show the newest tasks that failed."""
    context = {"title": "Failed tasks", "empty": "No task has failed.", "query": _FAILED, "tasks": True}
    return _panel(request, "failed-tasks", panels.failed_tasks(), **context)


@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """Show what the person who looks has started."""
    name = request.user.get_username()
    context = {"title": "My workflows", "empty": "You have not started anything yet.", "created_by": name}
    return _panel(request, "mine", panels.processes_of(name), **context)


def _panel(request: HttpRequest, name: str, panel: panels.ProcessPanel, **words: Any) -> HttpResponse:
    return render(request, "workflows/process_panel.html", {"name": name, "panel": panel, **words})


@require_safe
def subscription_processes(request: HttpRequest, subscription_id: UUID) -> HttpResponse:
    """Show what worked on a subscription, newest first; validation and other tasks only when asked for."""
    with_tasks = request.GET.get("tasks") == "1"
    oldest_first = request.GET.get("order") == "oldest"
    rows, has_more = panels.processes_of_subscription(subscription_id, with_tasks=with_tasks, oldest_first=oldest_first)
    context = {
        "subscription_id": subscription_id,
        "rows": rows,
        "has_more": has_more,
        "with_tasks": with_tasks,
        "oldest_first": oldest_first,
    }
    return render(request, "workflows/subscription_processes.html", context)


@require_safe
def subscription_actions(request: HttpRequest, subscription_id: UUID) -> HttpResponse:
    """Show what may be started on a subscription, and why the rest may not."""
    try:
        groups, locks = subscription_action_groups(subscription_id, request.user)
    except NotFound as error:
        raise Http404(error.message) from error
    context = {"subscription_id": subscription_id, "groups": groups, "locks": locks}
    return render(request, "workflows/subscription_actions.html", context)
