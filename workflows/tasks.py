"""The bells that Celery workers hear, under the names that orchestrator-core gave them.

The name and the argument tell people and dashboards why a bell was rung; the answer is the argument, or None where the
worker failed. A worker looks at the table, whichever it was.
No bell is to wait at a worker that has its hands full. RabbitMQ is told so by acknowledging only when the work is done;
for Redis a setting does it, and an acknowledgement still due when the server goes away would end the worker.
"""

from __future__ import annotations

import logging

from celery import shared_task

from workflows.executors import celery as executor
from workflows.executors.queues import speaks_amqp

logger = logging.getLogger(__name__)

ACKS_LATE = speaks_amqp()


@shared_task(name="tasks.new_workflow", acks_late=ACKS_LATE)
def new_workflow(process_id: str, _user: str = "") -> str | None:
    return _answered(process_id)


@shared_task(name="tasks.new_task", acks_late=ACKS_LATE)
def new_task(process_id: str, _user: str = "") -> str | None:
    return _answered(process_id)


@shared_task(name="tasks.resume_workflow", acks_late=ACKS_LATE)
def resume_workflow(process_id: str, _user: str = "") -> str | None:
    return _answered(process_id)


@shared_task(name="tasks.resume_task", acks_late=ACKS_LATE)
def resume_task(process_id: str, _user: str = "") -> str | None:
    return _answered(process_id)


def _answered(process_id: str) -> str | None:
    try:
        executor.run_here()
    except Exception:  # what a bell could not set going is found by the sweep
        logger.exception("process %s: its bell was heard in vain", process_id)
        return None
    return process_id
