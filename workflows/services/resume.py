"""Let a process that stopped go on: with input where it asked for some, as another try where it failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from subscriptions.services import find_models, save_models
from wfo_site.common import broadcast
from wfo_site.common.clock import now
from wfo_site.common.context import SYSTEM_USER, acting
from wfo_site.common.errors import Conflict, Forbidden, NotFound
from wfo_site.common.json import to_json
from workflows.engine import waits
from workflows.engine.authorization import Asker
from workflows.engine.errors import PlanChanged, WorkflowRemoved
from workflows.engine.steps import State
from workflows.engine.tree import ref_to
from workflows.enums import InputType, ProcessStatus, WaitKind
from workflows.forms import post_form
from workflows.models import InputState, Process
from workflows.selectors.permissions import permissions_at
from workflows.selectors.position import form_at, position_of
from workflows.services.bell import ring_after_commit
from workflows.services.engine import check_engine_takes_changes
from workflows.states import FAILED, RESUMABLE


def resume_process(
    process_id: UUID,
    user_inputs: Sequence[State] | State | None = None,
    *,
    user: str = SYSTEM_USER,
    user_model: Asker = None,
    priority: int | None = None,
) -> None:
    """Resume a suspended process with its input, or retry a failed or waiting one.

    `user_inputs`: one dict per page of the form that it is suspended at, and nothing else: a group that failed is tried
    again without its form, and asks when it gets there. Models that the form returns are saved with the answer. `user`
    is the name that is recorded, `user_model` who the callbacks are asked about, `priority` the one it has from now on.
    Raises NotFound, Locked, Forbidden, Conflict if the process does not wait for a person or was resumed meanwhile,
    PlanChanged if the code does not go on where it stands, and the errors of the form.
    """
    check_engine_takes_changes()
    seen = Process.every.filter(pk=process_id).values_list("last_status", "epoch", "wait_kind", "root_id").first()
    ref = ref_to(process_id)
    if seen is None or ref is None:
        raise NotFound(f"Process with process_id {process_id} not found")
    status, epoch, wait_kind, root_id = seen
    if status not in RESUMABLE:
        raise Conflict(f"Resuming a {status} workflow is not possible")
    position = position_of(ref)
    if position.workflow is None:
        if position.misfit:
            raise PlanChanged(position.misfit)
        raise WorkflowRemoved("This workflow cannot be resumed because it has been removed")
    if refusal := permissions_at(position, user_model).refusal(status):
        raise Forbidden(refusal)
    if position.misfit:
        raise PlanChanged(f"Nothing was taken. {position.misfit}")
    if wait_kind == WaitKind.CHILDREN:
        _retry_children(process_id, user, user_model)
        return
    form, state = form_at(position)
    is_asked = form is not None and status == ProcessStatus.SUSPENDED
    given = post_form(form, state, _pages(user_inputs)) if is_asked else {}
    with transaction.atomic():
        if models := find_models(given):
            # Subscriptions before processes, as everybody locks them.
            with acting(user=user, process_id=process_id, root_id=root_id):
                save_models(models)
        # Waits before processes: runners, answers and deadlines lock in this order too.
        waits.cancel_all(process_id)
        won = Process.every.filter(pk=process_id, last_status=status, epoch=epoch).update(
            last_status=ProcessStatus.RESUMED,
            epoch=epoch + 1,
            wait_kind=None,
            rung_at=None,
            not_before=None,
            last_modified_at=Now(),
            **({} if priority is None else {"priority": priority}),
        )
        if not won:
            raise Conflict("Another was faster: this process has been resumed or aborted meanwhile")
        InputState.objects.create(
            process_id=process_id,
            input_state=to_json(given),
            input_type=InputType.USER_INPUT,
            input_time=now(),
            created_by=user,
        )
        broadcast.processes_changed(process_id)
        if ref.parent_id is not None:
            broadcast.processes_changed(ref.parent_id)
        broadcast.status_counts_changed()
        ring_after_commit([process_id])


def _retry_children(process_id: UUID, user: str, user_model: Asker) -> None:
    """Try the failed children of a process again that waits for them. Raises Conflict if none has failed."""
    waited_for = Process.every.filter(parent_id=process_id, parent_seq__isnull=False)
    failed = list(waited_for.filter(last_status__in=FAILED).order_by("process_id").values_list("process_id", flat=True))
    if not failed:
        raise Conflict("None of its parts has failed: there is nothing to retry; see which of them waits for what")
    for child_id in failed:
        resume_process(child_id, user=user, user_model=user_model)


def _pages(user_inputs: Any) -> list[State]:
    """Return the list of pages: nothing at all, `{}` and `[]` stand for one empty page."""
    if not user_inputs:
        return [{}]
    return [user_inputs] if isinstance(user_inputs, dict) else list(user_inputs)
