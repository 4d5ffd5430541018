"""Which queue of the broker the bells of a process go to, with which priority, and who listens to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import Q

from workflows.enums import ProcessStatus

if TYPE_CHECKING:
    # Celery reads the names of the queues before Django is set up.
    from workflows.models import Process

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


def queue_of(target: str, *, is_task: bool, is_new: bool, asked_for: str | None = None) -> str:
    """Return the queue of a process: the one that its next step asks for, else that of its target or of its kind."""
    own: str | None = asked_for or settings.CELERY_TARGET_QUEUES.get(target)
    return own or standard_queue(is_task=is_task, is_new=is_new)


def queue_of_process(process: Process) -> str:
    """Return the queue of a process that was read with its workflow."""
    return queue_of(
        process.workflow.target,
        is_task=process.is_task,
        is_new=process.last_status == ProcessStatus.CREATED,
        asked_for=process.queue,
    )


@dataclass(frozen=True)
class QueuesOfWorker:
    """The queues that one worker listens to."""

    names: frozenset[str]

    def takes(self, queue: str | None, *, target: str, is_task: bool) -> bool:
        """Say whether the next step of a process that it has may be done here, given the queue that it asks for."""
        return queue_of(target, is_task=is_task, is_new=False, asked_for=queue) in self.names

    @property
    def processes(self) -> Q:
        """The condition for the processes whose bells it hears."""
        return processes_of(self.names)


def processes_of(queues: Collection[str]) -> Q:
    """Return the condition for the processes whose bells go to one of these queues."""
    return Q(queue__in=queues) | Q(queue__isnull=True) & _processes_of_their_own(queues)


def _processes_of_their_own(queues: Collection[str]) -> Q:
    """Return the condition where no step asks for a queue; none if these are all of them."""
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
