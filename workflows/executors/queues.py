"""Which queue of the broker the bells of a process go to, and with which priority."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from django.conf import settings
from django.db.models import Q

from workflows.enums import ProcessStatus

# Names that orchestrator-core users have given to their workers.
NEW_WORKFLOWS: Final = "new_workflows"
NEW_TASKS: Final = "new_tasks"
RESUME_WORKFLOWS: Final = "resume_workflows"
RESUME_TASKS: Final = "resume_tasks"
STANDARD_QUEUES: Final = (NEW_WORKFLOWS, NEW_TASKS, RESUME_WORKFLOWS, RESUME_TASKS)

# Priorities of processes beyond these are as urgent as these.
MOST_URGENT: Final = 0
LEAST_URGENT: Final = 9


def all_queues(target_queues: Iterable[str]) -> list[str]:
    """Return the names of all queues, given those that CELERY_TARGET_QUEUES names."""
    return list(dict.fromkeys([*STANDARD_QUEUES, *target_queues]))


def standard_queue(*, is_task: bool, is_new: bool) -> str:
    if is_new:
        return NEW_TASKS if is_task else NEW_WORKFLOWS
    return RESUME_TASKS if is_task else RESUME_WORKFLOWS


def queue_of(target: str, *, is_task: bool, is_new: bool) -> str:
    """Return the queue of a process: that of its target if CELERY_TARGET_QUEUES names one."""
    own: str | None = settings.CELERY_TARGET_QUEUES.get(target)
    return own or standard_queue(is_task=is_task, is_new=is_new)


def processes_of(queues: Collection[str]) -> Q:
    """Return the condition for the processes whose bells go to one of these queues; none if that is all of them."""
    own: dict[str, str] = settings.CELERY_TARGET_QUEUES
    if set(all_queues(own.values())) <= set(queues):
        return Q()
    condition = Q(workflow__target__in=[target for target, queue in own.items() if queue in queues])
    for is_task in (False, True):
        for is_new in (False, True):
            if standard_queue(is_task=is_task, is_new=is_new) in queues:
                new = Q(last_status=ProcessStatus.CREATED)
                condition |= Q(is_task=is_task) & (new if is_new else ~new) & ~Q(workflow__target__in=list(own))
    return condition


def speaks_amqp() -> bool:
    """Say whether the broker is RabbitMQ."""
    return str(settings.CELERY_BROKER_URL).startswith(("amqp", "pyamqp"))


def message_priority(priority: int) -> int:
    """Return the priority of a process as its broker counts: for Redis 0 comes first, for RabbitMQ the highest."""
    level = max(MOST_URGENT, min(LEAST_URGENT, priority))
    return LEAST_URGENT - level if speaks_amqp() else level
