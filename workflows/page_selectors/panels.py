"""Short lists that other pages show: of the start page and of a subscription, and the counts of the header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count

from products.enums import Target
from workflows.enums import ProcessStatus
from workflows.models import Process, ProcessQuerySet
from workflows.page_selectors.lists import count_text, newest
from workflows.states import ENDED, FAILED

# Neither over nor failed, in the order in which the enumeration names them: addresses list these.
UNDER_WAY: Final = tuple(status.value for status in ProcessStatus if status not in ENDED | FAILED)

PANEL_ROWS = 5
TIMELINE_ROWS = 100


@dataclass(frozen=True, kw_only=True)
class ProcessPanel:
    """The newest few of some processes, and how many there are in all ("10,000+" where counting stopped)."""

    rows: list[Process]
    total: str


def active_processes() -> ProcessPanel:
    """Processes that people started and that are neither over nor failed, in 3 queries."""
    return _panel(Process.objects.filter(is_task=False, last_status__in=UNDER_WAY))


def failed_processes() -> ProcessPanel:
    """Failed processes that people started, in 3 queries."""
    return _panel(Process.objects.filter(is_task=False, last_status__in=FAILED))


def failed_tasks() -> ProcessPanel:
    """Failed tasks, in 3 queries."""
    return _panel(Process.objects.filter(is_task=True, last_status__in=FAILED))


def processes_of(username: str) -> ProcessPanel:
    """What one person started, in 3 queries."""
    return _panel(Process.objects.filter(is_task=False, created_by=username))


def processes_of_subscription(
    subscription_id: UUID, *, with_tasks: bool, oldest_first: bool
) -> tuple[list[Process], bool]:
    """Return what worked on a subscription, at most TIMELINE_ROWS, in 1 query; the second value: there are more."""
    processes = Process.objects.filter(process_subscriptions__subscription_id=subscription_id)
    if not with_tasks:
        processes = processes.filter(is_task=False).exclude(workflow__target=Target.VALIDATE)
    order = ("started_at", "process_id") if oldest_first else ("-started_at", "-process_id")
    found = list(processes.select_related("workflow").defer("traceback").order_by(*order)[: TIMELINE_ROWS + 1])
    return found[:TIMELINE_ROWS], len(found) > TIMELINE_ROWS


def failed_task_counts() -> dict[str, int]:
    """Return how many tasks failed, by status, in 1 query; statuses without any are left out."""
    rows = Process.objects.filter(is_task=True, last_status__in=FAILED).order_by().values_list("last_status")
    return dict(rows.annotate(Count("pk")))


def _panel(processes: ProcessQuerySet) -> ProcessPanel:
    return ProcessPanel(rows=newest(processes, PANEL_ROWS), total=count_text(processes))
