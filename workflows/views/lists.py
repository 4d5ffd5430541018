"""The lists of processes and tasks; each is its address, and rows change one by one as events tell of them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from products.enums import Target
from wfo_site.common.htmx import page
from workflows.enums import ProcessStatus
from workflows.page_selectors.lists import ProcessFilter, process_list, process_row

_TABS = (("active", "Active"), ("completed", "Completed"), ("all", "All"))


@require_safe
def workflow_processes(request: HttpRequest) -> HttpResponse:
    """List the processes that people started."""
    return _list(request, is_task=False)


@require_safe
def task_processes(request: HttpRequest) -> HttpResponse:
    """List the processes of tasks, which the system or a schedule starts."""
    return _list(request, is_task=True)


@require_safe
def row(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Draw one row anew; a process that was deleted takes its row away."""
    process = process_row(process_id)
    if process is None:
        return HttpResponse(headers={"HX-Reswap": "delete"})
    return render(request, "workflows/process_list.html#row", {"process": process})


def _list(request: HttpRequest, *, is_task: bool) -> HttpResponse:
    wanted = ProcessFilter.from_query(request.GET, is_task=is_task)
    context = {
        "wanted": wanted,
        "page": process_list(wanted, request.GET),
        "tabs": _TABS,
        "is_task": is_task,
        "statuses": [(status, ProcessStatus(status).label) for status in wanted.tab_statuses],
        "targets": Target.choices,
        # The links of the tabs keep the words and filters, which may have changed since the page came.
        "swap_tabs": bool(getattr(request, "htmx", None)) and not request.htmx.boosted,  # type: ignore[attr-defined]
    }
    return page(request, "workflows/process_list.html", context, partial="list")
