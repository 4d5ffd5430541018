"""Let a process that stopped go on: with input where it asked for some, as another try where it failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from subscriptions.services import find_models, save_models
from wfo_site.common import broadcast
from wfo_site.common.context import SYSTEM_USER, acting
from wfo_site.common.errors import Conflict, Forbidden, NotFound
from workflows.engine import inputs, turns, waits
from workflows.engine.authorization import Asker
from workflows.engine.errors import PlanChanged, WorkflowRemoved
from workflows.engine.going import set_going
from workflows.engine.steps import State
from workflows.engine.tree import ref_to
from workflows.enums import ProcessStatus, WaitKind, WaitState
from workflows.forms import post_form
from workflows.models import Process, Wait
from workflows.selectors.parts import failed_parts
from workflows.selectors.permissions import permissions_at
from workflows.selectors.position import form_at, position_of
from workflows.services.bell import ring_after_commit
from workflows.services.engine import check_engine_takes_changes
from workflows.services.start import ROWS_AT_ONCE
from workflows.states import FAILED, RESUMABLE


@dataclass(frozen=True)
class Resumption:
    """A process that may go on: as it was seen, and with the input that it is given."""

    process_id: UUID
    parent_id: UUID | None
    root_id: UUID
    # Its parent waits for it, and for no more at once than the parent's step allows.
    takes_turns: bool
    status: str
    epoch: int
    given: State


def resume_process(
    process_id: UUID,
    user_inputs: Sequence[State] | State | None = None,
    *,
    user: str = SYSTEM_USER,
    user_model: Asker = None,
) -> None:
    """Resume a suspended process with its input, or retry a failed or waiting one.

    `user_inputs`: one dict per page of the form that it is suspended at, and nothing else: a group that failed is tried
    again without its form, and asks when it gets there. Models that the form returns are saved with the answer. One
    that waits for its children has those tried again that failed, all or none. `user` is the name that is recorded,
    `user_model` who the callbacks are asked about. Raises NotFound, Locked, Forbidden, Conflict if the process does not
    wait for a person or was resumed meanwhile, PlanChanged if the code does not go on where it stands, and the errors
    of the form.
    """
    check_engine_takes_changes()
    wanted = resumptions_of(process_id, user_inputs, user_model=user_model)
    with transaction.atomic():
        if not let_go_on(wanted, user=user):
            # Models of the form are not saved either.
            raise Conflict("Another was faster: this process has been resumed or aborted meanwhile")


def resumptions_of(
    process_id: UUID, user_inputs: Sequence[State] | State | None = None, *, user_model: Asker = None
) -> list[Resumption]:
    """Return what is to go on if a process is resumed: itself, or its failed children. Nothing is written.

    Raises what `resume_process` raises.
    """
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
        return _failed_children(process_id, user_model)
    form, state = form_at(position)
    is_asked = form is not None and status == ProcessStatus.SUSPENDED
    given = post_form(form, state, _pages(user_inputs)) if is_asked else {}
    takes_turns = ref.parent_seq is not None and status in FAILED
    return [Resumption(ref.process_id, ref.parent_id, root_id, takes_turns, status, epoch, given)]


def _failed_children(process_id: UUID, user_model: Asker) -> list[Resumption]:
    """Return what lets the failed children of a process go on, and theirs. Raises Conflict if none has failed."""
    failed = failed_parts(process_id)
    if not failed:
        raise Conflict("None of its parts has failed: there is nothing to retry; see which of them waits for what")
    return [one for part in failed for one in resumptions_of(part.process_id, user_model=user_model)]


def let_go_on(wanted: Sequence[Resumption], *, user: str, priority: int | None = None) -> int:
    """Let processes go on in one transaction, and return how many: none that was resumed or aborted since it was seen.

    A constant number of statements for each 500. `priority`: the one that they have from now on. Of many, those that
    another is changing at this moment are left to it: who waits for locks while holding others may wait for ever.
    """
    with transaction.atomic():
        going_on: list[Resumption] = []
        for first in range(0, len(wanted), ROWS_AT_ONCE):
            some = wanted[first : first + ROWS_AT_ONCE]
            going_on += _let_some_go_on(some, user, priority, is_alone=len(wanted) == 1)
        if not going_on:
            return 0
        for one in going_on:
            broadcast.processes_changed(one.process_id)
        for parent_id in {one.parent_id for one in going_on if one.parent_id is not None}:
            broadcast.processes_changed(parent_id)
        broadcast.status_counts_changed()
    return len(going_on)


def _let_some_go_on(
    wanted: Sequence[Resumption], user: str, priority: int | None, *, is_alone: bool
) -> list[Resumption]:
    # Subscriptions before processes, as everybody locks them.
    for one in wanted:
        if models := find_models(one.given):
            with acting(user=user, process_id=one.process_id, root_id=one.root_id):
                save_models(models)
    # What parents wait with comes first of all, from above. Then waits before processes: runners, answers and deadlines
    # lock in this order too.
    parents = sorted({one.parent_id for one in wanted if one.takes_turns and one.parent_id is not None})
    limited = [wait for parent_id in parents if (wait := waits.lock_children(parent_id)) and wait.detail["limit"]]
    open_waits = Wait.objects.filter(process__in=[one.process_id for one in wanted], state=WaitState.OPEN)
    # A form is answered: an address to call back, which the group that asks may have given away, stays in force.
    asked = [one.process_id for one in wanted if one.status == ProcessStatus.SUSPENDED]
    open_waits = open_waits.exclude(~Q(kind=WaitKind.INPUT), process__in=asked)
    locked = set(open_waits.select_for_update(skip_locked=not is_alone).values_list("pk", flat=True))
    taken = set(open_waits.exclude(pk__in=locked).values_list("process_id", flat=True))
    free = [one.process_id for one in wanted if one.process_id not in taken]
    rows = Process.every.filter(pk__in=free).select_for_update(skip_locked=not is_alone)
    now_are = {pk: seen for pk, *seen in rows.values_list("pk", "last_status", "epoch")}
    going_on = [one for one in wanted if now_are.get(one.process_id) == [one.status, one.epoch]]
    ids = [one.process_id for one in going_on]
    open_waits.filter(process__in=ids).update(state=WaitState.CANCELLED, closed_at=Now())
    set_going(Process.every.filter(pk__in=ids), **({} if priority is None else {"priority": priority}))
    inputs.give({one.process_id: one.given for one in going_on}, user=user)
    for wait in limited:
        turns.take_turns([one.process_id for one in going_on if one.takes_turns], wait)
    ring_after_commit(ids)
    return going_on


def _pages(user_inputs: Any) -> list[State]:
    """Return the list of pages: nothing at all, `{}` and `[]` stand for one empty page."""
    if not user_inputs:
        return [{}]
    return [user_inputs] if isinstance(user_inputs, dict) else list(user_inputs)
