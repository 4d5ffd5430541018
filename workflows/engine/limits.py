"""How many processes of one workflow may be run at the same time, for workflows that say so.

What counts is a runner at work: a process that waits for input, a callback or its branches takes no place, and each
branch that is run takes one.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count
from django.db.models.functions import Now

from products import registry as catalogue
from products.models import Workflow as WorkflowRow
from workflows.engine.registry import Workflow
from workflows.enums import ProcessStatus
from workflows.models import Process, ProcessQuerySet


def by_workflow() -> dict[str, int]:
    """Return the limit of each workflow that has one, by name. No query."""
    return {
        name: spec.factory.max_running
        for name, spec in catalogue.workflows().items()
        if isinstance(spec.factory, Workflow) and spec.factory.max_running is not None
    }


def has_place(workflow_id: UUID, limit: int) -> bool:
    """Say whether one more may be run. Call it in the transaction of the claim.

    It locks the row of the workflow until then, so that of two that claim the last place one waits, and then counts
    the other. SQLite has one writer at a time anyway.
    """
    WorkflowRow.objects.select_for_update(no_key=True).only("pk").get(pk=workflow_id)
    return _running().filter(workflow_id=workflow_id).count() < limit


def full() -> list[str]:
    """Return the names of the workflows that have no place free. No query where no workflow has a limit."""
    limited = by_workflow()
    return [name for name, running in running_by_workflow(limited).items() if running >= limited[name]]


def running_by_workflow(names: dict[str, int]) -> dict[str, int]:
    """Count what is run of each of these workflows; those of which nothing runs are left out."""
    if not names:
        return {}
    counts = _running().filter(workflow__name__in=names).order_by().values_list("workflow__name")
    return dict(counts.annotate(number=Count("pk")))


def _running() -> ProcessQuerySet:
    return Process.every.filter(last_status=ProcessStatus.RUNNING, lease_until__gte=Now())
