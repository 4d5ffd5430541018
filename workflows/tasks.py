"""What Celery workers are asked to do."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from workflows.executors import celery as executor


@shared_task(name="workflows.advance_process", ignore_result=True, acks_late=False)
def advance_process(process_id: str) -> None:
    """Run a process as far as it goes. Delivered twice, it does nothing the second time."""
    executor.run_here(UUID(process_id))
