"""The plan of a workflow: the keys of its steps, stored once per version, to notice that the code has changed."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from workflows.engine.tree import Program
from workflows.models import WorkflowPlan

# Rows of this table are never deleted, but for a database that is emptied: see `forget`.
_known: dict[tuple[UUID, str], int] = {}


def plan_id_of(program: Program, workflow_id: UUID) -> int:
    """Return the stored plan of what a process runs, storing it if it is new. No statement once it is known here."""
    known = _known.get((workflow_id, program.digest))
    if known is None:
        plan, _ = WorkflowPlan.objects.get_or_create(
            workflow_id=workflow_id, digest=program.digest, defaults={"keys": program.keys}
        )
        known = plan.pk
        # A row that a transaction may still take back is not one to remember.
        if not connection.in_atomic_block:
            _known[workflow_id, program.digest] = known
    return known


def forget() -> None:
    """Ask the database again: it was migrated or emptied."""
    _known.clear()
