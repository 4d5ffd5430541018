"""What may be done with a process now, and one sentence for each thing that may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from django.urls import reverse

from workflows.engine import losses
from workflows.enums import ProcessKind, ProcessStatus
from workflows.models import Process
from workflows.selectors.editable_state import EDITABLE
from workflows.states import ENDED, FAILED, RESUMABLE, RUNNABLE

ActionName = Literal["retry", "release", "proceed", "continue", "state", "undo", "abort", "delete"]
PAUSED: Final = "The engine is paused; start it again first."
REMOVED: Final = "The code of this workflow is not installed any more, so it cannot go on."


@dataclass(frozen=True, kw_only=True)
class Action:
    """A button of a process's page. `reason` says why it is off; empty when it is on.

    One without a `question` leads to a page of its own. `is_plain`: the status beside it says as much, so that the
    reason need not be read by everybody.
    """

    name: ActionName
    label: str
    icon: str
    url: str
    question: str
    tone: Literal["primary", "danger", "plain"]
    reason: str = ""
    is_plain: bool = False

    @property
    def is_on(self) -> bool:
        return not self.reason


def process_actions(
    process: Process,
    *,
    may_delete: bool,
    engine_is_paused: bool,
    has_form: bool,
    wants_choice: bool = False,
    refusal: str = "",
    undo_refusal: str = "",
    state_refusal: str = "",
) -> list[Action]:
    """Return the buttons of a process's page in their order. No query.

    `wants_choice`: the code does not go on where it stands; `refusal`: why this person may not let it go on;
    `undo_refusal`: why it cannot be undone, or not by this person;
    `state_refusal`: why this person may not change its state.
    """
    status = ProcessStatus(process.last_status)
    noun = "task" if process.is_task else "process"
    paused = PAUSED if engine_is_paused else ""
    actions = [
        _action(
            process,
            "retry",
            "Retry",
            f"Run the step “{process.last_step or 'Start'}” again?",
            refusal or paused,
            plainly=_no_retry(status, noun),
        )
    ]
    if losses.is_held_for_losses(process):
        # In the place of a retry, which this is.
        question = (
            f"This {noun} is held: {process.held_because}. The step runs once more, while nothing else runs on its "
            "worker; if that is lost again, it is held again."
        )
        actions = [_action(process, "release", "Release", question, refusal or paused)]
    if wants_choice:
        # Neither a retry nor an answer would run anything.
        actions = [_action(process, "continue", "Choose where it goes on…", "", refusal or paused)]
    elif status == ProcessStatus.AWAITING_CALLBACK or (status == ProcessStatus.SUSPENDED and not has_form):
        question = (
            "Go on without the answer of the other system? A callback that comes later is refused."
            if status == ProcessStatus.AWAITING_CALLBACK
            else f"Let this {noun} go on?"
        )
        actions.append(_action(process, "proceed", "Resume", question, refusal or paused))
    if status in EDITABLE and process.kind != ProcessKind.UNDO:
        actions.append(_action(process, "state", "Edit state…", "", state_refusal))
    if _may_be_undone(process, status):
        actions.append(_action(process, "undo", "Undo…", "", undo_refusal or paused))
    ended = f"This {noun} is {status.label.lower()}; there is nothing left to abort." if status in ENDED else ""
    question = f"Abort this {noun}? What it has done so far stays as it is, and its subscriptions stay locked."
    actions.append(_action(process, "abort", "Abort", question, plainly=ended))
    if process.is_task:
        running = "" if status != ProcessStatus.RUNNING else "A running task cannot be deleted; abort it first."
        forbidden = "" if may_delete else "Only staff may delete tasks."
        question = "Delete this task and everything recorded about it? This cannot be undone."
        actions.append(_action(process, "delete", "Delete", question, forbidden or running))
    return actions


def _may_be_undone(process: Process, status: ProcessStatus) -> bool:
    """Say whether undoing is something to think of: it stopped before its end, or its parent did."""
    has_stopped = status in RESUMABLE or status == ProcessStatus.ABORTED or process.parent_id is not None
    return process.kind == ProcessKind.PROCESS and status not in RUNNABLE and has_stopped


def _no_retry(status: ProcessStatus, noun: str) -> str:
    if status not in FAILED and status != ProcessStatus.WAITING:
        return f"This {noun} is {status.label.lower()}; only a failed or waiting step can be run again."
    return ""


_ICONS: Final = {
    "retry": "refresh",
    "release": "player-play",
    "proceed": "player-play",
    "continue": "git-branch",
    "state": "edit",
    "undo": "arrow-back-up",
    "abort": "player-stop",
    "delete": "trash",
}
_TONES: Final[dict[str, Literal["primary", "danger", "plain"]]] = {
    "retry": "primary",
    "release": "primary",
    "proceed": "primary",
    "continue": "primary",
    "state": "plain",
    "undo": "plain",
    "abort": "danger",
    "delete": "danger",
}


def _action(
    process: Process, name: ActionName, label: str, question: str, reason: str = "", *, plainly: str = ""
) -> Action:
    return Action(
        name=name,
        label=label,
        icon=_ICONS[name],
        url=reverse(f"workflows:process-{name}", args=[process.process_id]),
        question=question,
        tone=_TONES[name],
        reason=plainly or reason,
        is_plain=bool(plainly),
    )
