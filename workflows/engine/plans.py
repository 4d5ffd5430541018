"""The plan of a workflow: the keys of its steps, stored once per version, to notice that the code has changed."""

from __future__ import annotations

from uuid import UUID

from workflows.engine.registry import Workflow
from workflows.models import WorkflowPlan


def plan_id_of(workflow: Workflow, workflow_id: UUID) -> int:
    """Return the stored plan of the code's steps, storing it if it is new. One statement once it is known."""
    plan, _ = WorkflowPlan.objects.get_or_create(
        workflow_id=workflow_id, digest=workflow.digest, defaults={"keys": workflow.keys}
    )
    return plan.pk
