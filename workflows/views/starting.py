"""What can be started: products to order, tasks to run."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from products.enums import ProductLifecycle
from wfo_site.common.htmx import page
from workflows.page_selectors.starting import STATUSES, orderable_products, startable_tasks


@require_safe
def new_subscription(request: HttpRequest) -> HttpResponse:
    """Choose a product to order."""
    text = request.GET.get("q", "").strip()
    status = request.GET.get("status", "")
    status = status if status in STATUSES else ProductLifecycle.ACTIVE.value
    context = {
        "title": "New subscription",
        "groups": orderable_products(text, status),
        "text": text,
        "status": status,
        "statuses": ProductLifecycle.choices,
        "placeholder": "Product, type, tag or workflow",
        "list_url": "workflows:process-list",
        "list_name": "Workflows",
    }
    return page(request, "workflows/process_new.html", context, partial="offers")


@require_safe
def new_task(request: HttpRequest) -> HttpResponse:
    """Choose a task to run."""
    text = request.GET.get("q", "").strip()
    context = {
        "title": "New task",
        "groups": startable_tasks(text),
        "text": text,
        "placeholder": "Task",
        "list_url": "workflows:task-list",
        "list_name": "Tasks",
    }
    return page(request, "workflows/process_new.html", context, partial="offers")
