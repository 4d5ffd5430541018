"""The plan of a workflow: the keys of its steps, stored once per version, to notice that the code has changed."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.db import transaction

from workflows.engine.registry import Workflow
from workflows.models import WorkflowPlan

# Rows of this table are never deleted, but for a database that is emptied: see `forget`.
_known: dict[tuple[UUID, str], int] = {}


def plan_id_of(workflow: Workflow, workflow_id: UUID) -> int:
    """Return the stored plan of the code's steps, storing it if it is new. No statement once it is known here."""
    known = _known.get((workflow_id, workflow.digest))
    if known is None:
        plan, _ = WorkflowPlan.objects.get_or_create(
            workflow_id=workflow_id, digest=workflow.digest, defaults={"keys": workflow.keys}
        )
        known = plan.pk
        # Kept when it is certain to stay: a caller's transaction may be rolled back, in tests each is.
        transaction.on_commit(partial(_known.__setitem__, (workflow_id, workflow.digest), known))
    return known


def forget() -> None:
    """Ask the database again: it was migrated or emptied."""
    _known.clear()
