"""Notes on processes, and the deletion of tasks."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from wfo_site.common import broadcast
from wfo_site.common.errors import Conflict, DomainError, NotFound
from wfo_site.common.nul import visible
from workflows.engine import waits
from workflows.engine.authorization import Asker
from workflows.enums import ProcessKind
from workflows.models import Process
from workflows.services.staff import check_is_staff
from workflows.states import ENDED, FAILED, RESUMABLE, RUNNABLE

NOTE_LENGTH = 5000


class NoteTooLong(DomainError):
    """A note does not fit."""

    code = "note_too_long"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


def set_process_note(process_id: UUID, note: str | None) -> None:
    """Replace the note of a process; blank text is no note. Raises NotFound and NoteTooLong."""
    text = visible((note or "").strip()) or None
    if text is not None and len(text) > NOTE_LENGTH:
        raise NoteTooLong(f"A note has at most {NOTE_LENGTH} characters; this one has {len(text)}", field="note")
    if not Process.objects.filter(pk=process_id).update(note=text, last_modified_at=Now()):
        raise NotFound(f"Process with process_id {process_id} not found")
    broadcast.processes_changed(process_id)


def _let_children_go(process_id: UUID) -> None:
    """Part a task from the processes that it has started: they are the history of subscriptions.

    Raises Conflict where a part of the task is at work, or such a process has not ended: its locks are those of its
    root, and nobody may take them for left behind.
    """
    below: list[Process] = []
    parents = [process_id]
    while parents:
        found = list(Process.every.filter(parent_id__in=parents).only("kind", "last_status", "parent_id"))
        below += found
        parents = [one.pk for one in found]
    own_parts = {process_id}
    for one in below:
        if one.kind == ProcessKind.PROCESS:
            if one.last_status not in ENDED:
                raise Conflict(f"Process {one.pk}, which this task has started, has not ended; abort it first")
        elif one.parent_id in own_parts:
            own_parts.add(one.pk)
            if one.last_status in RUNNABLE:
                raise Conflict("A part of this task is running; abort the task first")
    Process.every.filter(parent_id__in=own_parts, kind=ProcessKind.PROCESS).update(parent=None, parent_seq=None)


def delete_process(process_id: UUID, *, user_model: Asker = None) -> None:
    """Delete a task and its history. Processes of their own that it has started stay.

    Raises NotFound, Forbidden, DomainError for a workflow, Conflict while it, or what it has started, is not over.
    """
    check_is_staff(user_model, "delete tasks")
    found = Process.objects.filter(pk=process_id).values_list("is_task", "last_status").first()
    if found is None:
        raise NotFound(f"Process with process_id {process_id} not found")
    is_task, _ = found
    if not is_task:
        raise DomainError("Only tasks can be deleted; a workflow's process is part of its subscription's history")
    if Process.every.filter(parent_id=process_id, kind=ProcessKind.UNDO).exclude(last_status__in=ENDED).exists():
        raise Conflict("This task is being undone; abort the undo first")
    deletable = Process.objects.filter(pk=process_id, last_status__in=ENDED | FAILED | RESUMABLE)
    with transaction.atomic():
        # Waits before processes: runners, answers and deadlines lock in this order too.
        waits.cancel_all(process_id)
        # A runner cannot take it from here on.
        if deletable.select_for_update().first() is None:
            if not Process.objects.filter(pk=process_id).exists():
                raise NotFound(f"Process with process_id {process_id} not found")
            raise Conflict("This task is running; abort it first")
        _let_children_go(process_id)
        deletable.delete()
    broadcast.processes_changed(process_id)
    broadcast.status_counts_changed()
