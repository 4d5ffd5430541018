"""What somebody may do with one process, by the callbacks in force at the step where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from wfo_site.common.errors import NotFound
from workflows.engine.authorization import (
    RESUME_REFUSED,
    RETRY_REFUSED,
    THE_SYSTEM,
    Asker,
    AuthAction,
    Policy,
    allows,
    asks_nobody,
    policy_at,
)
from workflows.engine.registry import get_workflow
from workflows.engine.tree import Ref, ref_to
from workflows.enums import ProcessStatus
from workflows.selectors.position import Position, position_of
from workflows.states import FAILED

UNDO_REFUSED: Final = "User is not authorized to undo this process"
CHANGE_STATE: Final = "workflows.change_process_state"
CHANGE_STATE_REFUSED: Final = f"This needs the permission {CHANGE_STATE}, which an administrator gives"

# A step that asks or waits is resumed, one that failed is tried again.
_RESUMED: Final = frozenset({ProcessStatus.SUSPENDED, ProcessStatus.AWAITING_CALLBACK})
_RETRIED: Final = FAILED | {ProcessStatus.WAITING}


@dataclass(frozen=True)
class Permissions:
    """Whether somebody may resume and retry a process, whatever status it is in."""

    resume: bool
    retry: bool

    def refusal(self, status: str) -> str:
        """Return why a process in `status` may not be set going by this person; empty if it may."""
        if status in _RESUMED and not self.resume:
            return RESUME_REFUSED
        if status in _RETRIED and not self.retry:
            return RETRY_REFUSED
        return ""


EVERYTHING: Final = Permissions(resume=True, retry=True)
NOTHING: Final = Permissions(resume=False, retry=False)


def may_change_states(asker: Asker) -> bool:
    """Say whether somebody may change the state of processes at all; programs without login are asked nothing."""
    return asker is None or asker is THE_SYSTEM or asker.has_perm(CHANGE_STATE)


def permissions_at(position: Position, asker: Asker) -> Permissions:
    """Return what `asker` may do with a process that stands at `position`. No query; asks up to two callbacks."""
    program = position.program
    if program is None:
        return NOTHING
    row, workflow = position.history.open_row, program.workflow
    policy: Policy = policy_at(program, position.index, row.sub_step if row is not None else None)
    return Permissions(
        resume=allows(policy.resume, asker, AuthAction.RESUME, workflow, position.step),
        retry=allows(policy.retry, asker, AuthAction.RETRY, workflow, position.step),
    )


def process_permissions(process_id: UUID, asker: Asker, *, ref: Ref | None = None) -> Permissions:
    """Return what `asker` may do with a process: nothing where its workflow is no longer in code. Raises NotFound.

    One query, two more where callbacks are to be asked; `ref`, if known, saves the first.
    """
    ref = ref or ref_to(process_id)
    if ref is None:
        raise NotFound(f"Process with process_id {process_id} not found")
    workflow = get_workflow(ref.workflow_name)
    if workflow is None:
        return NOTHING
    return EVERYTHING if asks_nobody(workflow) else permissions_at(position_of(ref), asker)
