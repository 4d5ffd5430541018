"""What undoing a process would do, and why it may not be undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from wfo_site.common.errors import NotFound
from workflows.engine.callback_tokens import mask
from workflows.engine.history import state_at
from workflows.engine.tree import ref_to
from workflows.engine.undo_plan import Fate, Undoing, branches_of, undoings_of
from workflows.enums import ProcessKind, ProcessStatus, WaitKind
from workflows.models import Process
from workflows.states import ENDED, RUNNABLE

NOTHING_HAS_AN_UNDO: Final = "Nothing of what it did has an undo"
RUNS_ON: Final = "The step that was running may not have ended; undo it when it has, or its worker is known to be lost."


@dataclass(frozen=True, kw_only=True)
class Undo:
    """The plan of an undo: what becomes of each finished step, the last first, and why it cannot be started."""

    process: Process
    steps: list[Undoing] = field(default_factory=list)
    refusal: str = ""
    undone_by: Process | None = None

    @property
    def undone(self) -> list[Undoing]:
        """The steps that are taken back."""
        return [step for step in self.steps if step.fate is Fate.UNDONE]

    @property
    def left(self) -> list[Undoing]:
        """The steps that did something and stay as they are."""
        return [step for step in self.steps if step.fate in (Fate.STAYS, Fate.ELSEWHERE)]


def undo_plan(process_id: UUID) -> Undo:
    """Return what undoing a process would do, in some ten statements whatever its size. Raises NotFound."""
    process = Process.every.select_related("workflow", "parent").filter(pk=process_id).first()
    if process is None:
        raise NotFound(f"Process with process_id {process_id} not found")
    undone_by = undo_of(process_id)
    refusal = undo_refusal(process, undone_by, parts_at_work=_parts_at_work(process))
    may_run_on = [*branches_of(process), *([undone_by] if undone_by is not None else [])]
    if not refusal and any(one.runs_on for one in may_run_on):
        refusal = RUNS_ON
    steps = [] if process.kind == ProcessKind.UNDO else undoings_of(process)
    return Undo(process=process, steps=steps, refusal=refusal or nothing_refusal(steps), undone_by=undone_by)


def undo_of(process_id: UUID) -> Process | None:
    """Return the undo of a process: the one at work or done, else the last that was aborted. One statement."""
    return undo_among(Process.every.filter(parent_id=process_id, kind=ProcessKind.UNDO))


def undo_among(undos: Iterable[Process]) -> Process | None:
    """Return the one of a process's undos that counts: that at work or done, else the last that was given up."""
    found = sorted(undos, key=lambda one: (one.last_status != ProcessStatus.ABORTED, one.process_id))
    return found[-1] if found else None


def undo_refusal(process: Process, undone_by: Process | None, *, parts_at_work: bool) -> str:
    """Return why a process, read with its parent, cannot be undone; empty if it can. No query."""
    if process.kind != ProcessKind.PROCESS:
        is_branch = process.kind == ProcessKind.BRANCH
        return "It is a part of another process; undo that one." if is_branch else "It is an undo itself."
    if undone_by is not None and undone_by.last_status != ProcessStatus.ABORTED:
        is_over = undone_by.last_status == ProcessStatus.COMPLETED
        return "It has been undone already." if is_over else "It is being undone already."
    if process.parent is not None and process.parent.last_status not in ENDED:
        return "The process that started it has not ended; abort that one first."
    if process.last_status == ProcessStatus.COMPLETED and process.parent is None:
        return "It has completed; only what failed or was given up is undone."
    if process.runs_on:
        return RUNS_ON
    return "It is at work; abort it first." if parts_at_work or process.last_status in RUNNABLE else ""


def nothing_refusal(steps: list[Undoing]) -> str:
    """Return why there is nothing to start: there is work to take back, and nothing that does it."""
    fates = {step.fate for step in steps}
    return f"{NOTHING_HAS_AN_UNDO}." if Fate.UNDONE not in fates and fates & {Fate.STAYS, Fate.ELSEWHERE} else ""


def _parts_at_work(process: Process) -> bool:
    if process.wait_kind != WaitKind.CHILDREN:
        return False
    parts = Process.every.filter(parent_id=process.process_id, parent_seq__isnull=False)
    return parts.filter(last_status__in=RUNNABLE).exists()


def state_given(step: Undoing) -> dict[str, Any]:
    """Return the state that the undo of a step gets, the addresses of callbacks hidden. Some five statements."""
    ref = ref_to(step.process_id)
    masked: dict[str, Any] = mask(state_at(ref, step.seq)) if ref is not None else {}
    return masked
