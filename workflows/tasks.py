"""The bells that Celery workers hear, under the names that orchestrator-core gave them.

The name and the argument tell people and dashboards why a bell was rung. A worker looks at the table, whichever it was.
They are acknowledged when the work is done, so that no bell waits at a worker that has its hands full.
"""

from __future__ import annotations

from celery import shared_task

from workflows.executors import celery as executor


@shared_task(name="tasks.new_workflow", acks_late=True)
def new_workflow(process_id: str, _user: str = "") -> str:
    executor.run_here()
    return process_id


@shared_task(name="tasks.new_task", acks_late=True)
def new_task(process_id: str, _user: str = "") -> str:
    executor.run_here()
    return process_id


@shared_task(name="tasks.resume_workflow", acks_late=True)
def resume_workflow(process_id: str, _user: str = "") -> str:
    executor.run_here()
    return process_id


@shared_task(name="tasks.resume_task", acks_late=True)
def resume_task(process_id: str, _user: str = "") -> str:
    executor.run_here()
    return process_id
