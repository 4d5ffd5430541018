"""The plan of a workflow: the keys of its steps, stored once per version, to notice that the code has changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import transaction

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
        # Not before the commit: a row that was rolled back, as in a test, would be remembered for good.
        transaction.on_commit(partial(_known.__setitem__, (workflow_id, program.digest), known))
    return known


def name_of(key: str) -> str:
    """Return the name of a step that the code may no longer have: its key without the number."""
    name, mark, number = key.rpartition("#")
    return name if mark and number.isdecimal() else key


def stored_rest(plan: WorkflowPlan | None, done: Sequence[str]) -> list[str]:
    """Return the keys that the stored plan of a process has after those that are done."""
    keys: list[str] = plan.keys if plan is not None else []
    return keys[len(done) :]


def forget() -> None:
    """Ask the database again: it was migrated or emptied."""
    _known.clear()
