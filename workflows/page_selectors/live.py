"""The moving part of a process's page: where it stands, why, and what may be done."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Protocol

from workflows import selectors
from workflows.engine import losses
from workflows.engine.authorization import AuthUser
from workflows.engine.tree import ref_of
from workflows.enums import ProcessStatus, WaitKind
from workflows.page_selectors.actions import REMOVED, Action, process_actions
from workflows.page_selectors.timeline import ProcessView
from workflows.selectors import Permissions
from workflows.selectors.editable_state import state_forbidden
from workflows.selectors.permissions import UNDO_REFUSED
from workflows.selectors.undo import undo_refusal
from workflows.states import ENDED, FAILED


class LivePageUser(AuthUser, Protocol):
    """Who looks at the page."""

    @property
    def is_staff(self) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why some buttons are off; `is_plain` where the status beside them says as much."""

    labels: str
    text: str
    is_plain: bool = False


def live_context(view: ProcessView, *, user: LivePageUser) -> dict[str, Any]:
    """Return what the moving part of a process's page shows to `user`. `version` changes whenever it would look
    different."""
    process = view.process
    engine = selectors.engine_status()
    why = selectors.why_not_running(process, misfit=view.misfit)
    permissions = selectors.process_permissions(process.pk, user, ref=ref_of(process))
    refusal = _refusal(view, permissions)
    actions = process_actions(
        process,
        may_delete=user.is_staff,
        engine_is_paused=engine["global_lock"],
        has_form=view.has_form,
        wants_choice=view.wants_choice,
        refusal=refusal,
        undo_refusal=_undo_refusal(view, permissions),
        state_refusal=_state_refusal(view, permissions, user),
    )
    asks = view.has_form and not refusal
    reasons = _reasons(actions)
    if view.has_form and refusal:
        reasons.insert(0, Reason(labels="Resume", text=refusal))
    look = f"{view.version}|{why}|{asks}|{view.estimate.is_late}|{[(action.name, action.reason) for action in actions]}"
    return {
        "view": view,
        "process": process,
        "why": why,
        "actions": actions,
        "reasons": reasons,
        "asks": asks,
        "callback": next((wait for wait in view.waits if wait.kind == WaitKind.CALLBACK and wait.reached), None),
        "plan_has_changed": view.wants_choice,
        "is_ended": process.last_status in ENDED,
        "has_failed": process.last_status in FAILED or process.last_status == ProcessStatus.WAITING,
        "version": hashlib.sha256(look.encode()).hexdigest()[:16],
    }


def _refusal(view: ProcessView, permissions: Permissions) -> str:
    """Return why this person may not set the process going; empty if they may."""
    if not view.workflow_is_in_code:
        return REMOVED
    if view.wants_choice and not view.can_go_on_elsewhere:
        return view.misfit
    # To release is to retry.
    status = ProcessStatus.FAILED if losses.is_held_for_losses(view.process) else view.process.last_status
    refusal = permissions.refusal(status)
    return f"{refusal}." if refusal else ""


def _undo_refusal(view: ProcessView, permissions: Permissions) -> str:
    """Return why the process cannot be undone by this person; empty if it can."""
    if not view.workflow_is_in_code:
        return REMOVED
    refusal = undo_refusal(view.process, view.parts.undone_by, parts_at_work=view.parts.are_at_work)
    return refusal or ("" if permissions.retry else f"{UNDO_REFUSED}.")


def _state_refusal(view: ProcessView, permissions: Permissions, user: AuthUser) -> str:
    """Return why this person may not change the state of the process; empty if they may."""
    if not view.workflow_is_in_code:
        return REMOVED
    forbidden = state_forbidden(view.process, user, permissions)
    return f"{forbidden}." if forbidden else ""


def _reasons(actions: list[Action]) -> list[Reason]:
    """Return each sentence once, with the buttons that it is about."""
    off: dict[str, list[Action]] = {}
    for action in actions:
        if action.reason:
            off.setdefault(action.reason, []).append(action)
    return [
        Reason(
            labels=" and ".join(action.label for action in about),
            text=text,
            is_plain=all(action.is_plain for action in about),
        )
        for text, about in off.items()
    ]
