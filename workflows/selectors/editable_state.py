"""The state of a process as a person may change it, and why it may not be changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from wfo_site.common.errors import NotFound
from workflows.engine import inputs, waits
from workflows.engine.authorization import Asker
from workflows.engine.callback_tokens import mask, reference_to, references_in
from workflows.engine.history import load_history
from workflows.engine.inputs import Given
from workflows.engine.state import Delta
from workflows.engine.state_edits import StateEdit, delta_of
from workflows.engine.steps import State
from workflows.engine.tree import ref_of
from workflows.enums import ProcessKind, ProcessStatus
from workflows.models import Process
from workflows.selectors.permissions import CHANGE_STATE_REFUSED, Permissions, may_change_states, process_permissions
from workflows.states import FAILED, RUNNABLE

EDITABLE = FAILED | {ProcessStatus.SUSPENDED}


@dataclass(frozen=True, kw_only=True)
class EditableState:
    """The state that the next step would see. `version` changes with whatever could change the state; `refusal`: why
    it cannot be changed, `forbidden`: why this person may not change it."""

    process: Process
    state: State
    given: list[Given]
    refusal: str
    forbidden: str

    @property
    def version(self) -> int:
        return self.process.epoch

    @property
    def shown(self) -> State:
        """The state with the addresses of callbacks hidden."""
        masked: State = mask(self.state)
        return masked

    @property
    def reason(self) -> str:
        """Why it is not to be changed, in a sentence; empty if it is."""
        return self.refusal or (f"{self.forbidden}." if self.forbidden else "")

    def delta_of(self, edit: StateEdit) -> Delta:
        """Return the change that an edit comes to. One query. Raises EditInvalid."""
        return delta_of(edit, self.state, _secrets(self.state))


def editable_state(process_id: UUID, user_model: Asker) -> EditableState:
    """Return the state of a process for `user_model` to change, in some six statements. Raises NotFound."""
    process = Process.every.select_related("workflow").filter(pk=process_id).first()
    if process is None:
        raise NotFound(f"Process with process_id {process_id} not found")
    ref = ref_of(process)
    given = inputs.unmerged(process_id)
    permissions = process_permissions(process_id, user_model, ref=ref)
    return EditableState(
        process=process,
        state=inputs.merged(given, load_history(ref).state),
        given=given,
        refusal=state_refusal(process),
        forbidden=state_forbidden(process, user_model, permissions),
    )


def state_refusal(process: Process) -> str:
    """Return why the state of a process cannot be changed, in a sentence; empty if it can. No query."""
    if process.kind == ProcessKind.UNDO:
        return "It is an undo: its steps see the state as it was after the steps that they take back."
    if process.last_status in RUNNABLE:
        return "It is at work; its state can be changed once it has failed or waits for input."
    if process.last_status not in EDITABLE:
        words = ProcessStatus(process.last_status).label.lower()
        return f"It is {words}; only the state of a process that has failed or waits for input can be changed."
    return ""


def state_forbidden(process: Process, user_model: Asker, permissions: Permissions) -> str:
    """Return why somebody may not change the state of a process; empty if they may. No query but for the permission."""
    return permissions.refusal(process.last_status) if may_change_states(user_model) else CHANGE_STATE_REFUSED


def _secrets(state: State) -> list[tuple[str, str]]:
    """Return the addresses of callbacks that a state refers to, whole and as bare tokens, with the references."""
    found: list[tuple[str, str]] = []
    known: Any = references_in(state)
    for wait in waits.find(known) if known else ():
        route = waits.route(wait)
        found += [(secret, reference_to(wait.pk)) for secret in (route, route.rsplit("/", 1)[1])]
    return found
