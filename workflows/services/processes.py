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


def delete_process(process_id: UUID, *, user_model: Asker = None) -> None:
    """Delete a task with its branches and their history; processes of their own that it has started stay.

    Raises NotFound, Forbidden, DomainError for a workflow, Conflict while it or a part of it runs.
    """
    check_is_staff(user_model, "delete tasks")
    found = Process.objects.filter(pk=process_id).values_list("is_task", "last_status").first()
    if found is None:
        raise NotFound(f"Process with process_id {process_id} not found")
    is_task, _ = found
    if not is_task:
        raise DomainError("Only tasks can be deleted; a workflow's process is part of its subscription's history")
    deletable = Process.objects.filter(pk=process_id, last_status__in=ENDED | FAILED | RESUMABLE)
    with transaction.atomic():
        # Waits before processes: runners, answers and deadlines lock in this order too.
        waits.cancel_all(process_id)
        # A runner cannot take it from here on.
        if deletable.select_for_update().first() is None:
            if not Process.objects.filter(pk=process_id).exists():
                raise NotFound(f"Process with process_id {process_id} not found")
            raise Conflict("This task is running; abort it first")
        # Asked under the lock: nobody can start an undo of it, or another child, from here on.
        if Process.every.filter(parent_id=process_id, kind=ProcessKind.UNDO).exclude(last_status__in=ENDED).exists():
            raise Conflict("This task is being undone; abort the undo first")
        _let_go_of_children(process_id)
        deletable.delete()
    broadcast.processes_changed(process_id)
    broadcast.status_counts_changed()


def _let_go_of_children(process_id: UUID) -> None:
    """Make other processes of their own of those that a task has started. Raises Conflict if a part of it is at work.

    No runner can take a branch from here on. Three statements for each level of branches.
    """
    level = [process_id]
    while level:
        children = Process.every.filter(parent_id__in=level).exclude(kind=ProcessKind.UNDO)
        children.filter(kind=ProcessKind.PROCESS, parent_seq__isnull=True).update(parent=None)
        locked = children.select_for_update().order_by("process_id")
        found = list(locked.values_list("process_id", "kind", "last_status"))
        if any(status in RUNNABLE for _, _, status in found):
            raise Conflict("A part of this task is running; abort the task first")
        own = [child_id for child_id, kind, _ in found if kind == ProcessKind.PROCESS]
        Process.every.filter(pk__in=own).update(parent=None, parent_seq=None)
        level = [child_id for child_id, kind, _ in found if kind == ProcessKind.BRANCH]
