"""The moving part of a process's page: where it stands, why, and what may be done."""

from __future__ import annotations

import hashlib
from typing import Any

from workflows import selectors
from workflows.enums import WaitKind
from workflows.page_selectors.actions import Action, process_actions
from workflows.page_selectors.timeline import ProcessView
from workflows.states import ENDED


def live_context(view: ProcessView, *, is_staff: bool) -> dict[str, Any]:
    """Return what the moving part of a process's page shows. `version` changes whenever it would look different."""
    process = view.process
    engine = selectors.engine_status()
    why = selectors.why_not_running(process)
    actions = process_actions(
        process,
        may_delete=is_staff,
        engine_is_paused=engine["global_lock"],
        has_form=view.has_form,
    )
    look = f"{view.version}|{why}|{[(action.name, action.reason) for action in actions]}"
    return {
        "view": view,
        "process": process,
        "why": why,
        "actions": actions,
        "reasons": _reasons(actions),
        "callback": next((wait for wait in view.waits if wait.kind == WaitKind.CALLBACK and wait.reached), None),
        "is_ended": process.last_status in ENDED,
        "version": hashlib.sha256(look.encode()).hexdigest()[:16],
    }


def _reasons(actions: list[Action]) -> list[tuple[str, str]]:
    """Return each sentence once, with the buttons that it is about."""
    labels: dict[str, list[str]] = {}
    for action in actions:
        if action.reason:
            labels.setdefault(action.reason, []).append(action.label)
    return [(" and ".join(names), reason) for reason, names in labels.items()]
