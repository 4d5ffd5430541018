"""Let a process go on that is held because it took its worker down."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction

from wfo_site.common import broadcast
from wfo_site.common.context import SYSTEM_USER
from wfo_site.common.errors import Conflict, Forbidden, NotFound
from workflows.engine import losses
from workflows.engine.authorization import RETRY_REFUSED, Asker
from workflows.engine.errors import WorkflowRemoved
from workflows.engine.registry import get_workflow
from workflows.engine.tree import ref_of
from workflows.models import Process
from workflows.selectors.permissions import process_permissions
from workflows.services.bell import ring_after_commit
from workflows.services.engine import check_engine_takes_changes

logger = logging.getLogger(__name__)


def release_process(process_id: UUID, *, user: str = SYSTEM_USER, user_model: Asker = None) -> None:
    """Let a process that was held after its worker was lost try its step once more, alone on a worker.

    Whoever may retry may do this. `user` is the name that is recorded, `user_model` who the callbacks are asked about.
    Raises NotFound, Locked, Forbidden, and Conflict if it is not held, or for another reason.
    """
    check_engine_takes_changes()
    process = Process.every.filter(pk=process_id).select_related("workflow").first()
    if process is None:
        raise NotFound(f"Process with process_id {process_id} not found")
    if not losses.is_held_for_losses(process):
        raise Conflict(_refusal(process))
    if get_workflow(process.workflow.name) is None:
        raise WorkflowRemoved("This workflow cannot be released because it has been removed")
    if not process_permissions(process_id, user_model, ref=ref_of(process)).retry:
        raise Forbidden(RETRY_REFUSED)
    with transaction.atomic():
        if not losses.release(process):
            raise Conflict("Another was faster: this process has been released or aborted meanwhile")
        broadcast.processes_changed(process_id)
        ring_after_commit([process_id])
    logger.info("process %s was released by %s", process_id, user)


def _refusal(process: Process) -> str:
    if process.held_because is None:
        return f"This process is not held; it is {process.last_status}"
    return f"This process is held for another reason, and cannot be released by hand: {process.held_because}"
