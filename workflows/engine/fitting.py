"""Whether the code goes on where a process stands: what it has done must be how the code's plan begins, and the step
that it stopped at must be next. What comes after that may have changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from workflows.engine.history import History
from workflows.engine.standing import Standing
from workflows.engine.steps import OBSOLETE_NAME, Step, StepKind
from workflows.engine.tree import Program
from workflows.enums import StepStatus

CHOOSE: Final = "Choose where it goes on, or abort it."
GONE: Final = "The code no longer has the step that this part belongs to. Abort it, or choose for its parent."


@dataclass(frozen=True)
class Fit:
    """`index`: of the step that is due. `problem`: why the code cannot go on, in a sentence; empty if it can."""

    index: int
    problem: str = ""


def fit(program: Program | None, standing: Standing[Any], *, is_forked: bool = False) -> Fit:
    """Compare where a process stands with what it would run; None: the code has that no more. No query.

    `is_forked`: its last row waits for parts of the step.
    """
    if program is None:
        return Fit(0, GONE)
    done, keys = standing.done, program.keys
    for index, key in enumerate(done):
        if index >= len(keys) or not _stands_for(program, index, key):
            return Fit(suggested(program, standing), _done_otherwise(program, index, key))
    index, stopped_at = len(done), standing.stopped_at
    if stopped_at is None or (
        index < len(keys)
        and _stands_for(program, index, stopped_at)
        and _takes_up(program.steps[index], standing.last, is_forked=is_forked)
    ):
        return Fit(index)
    return Fit(suggested(program, standing), _stands_elsewhere(program, standing))


def fit_of(program: Program | None, history: History) -> Fit:
    """Compare what the rows say with what the process would run. No query."""
    return fit(program, history.standing, is_forked=history.last is not None and history.last.is_forked)


def suggested(program: Program, standing: Standing[Any]) -> int:
    """Return the index of the step at which a process would most likely go on: the one it stopped at, else the one
    after the last that it has done."""
    if standing.stopped_at in program.keys:
        return program.keys.index(standing.stopped_at)
    done = {program.keys.index(key) for key in standing.done if key in program.keys}
    return min(max(done, default=-1) + 1, max(len(program.keys) - 1, 0))


def _stands_for(program: Program, index: int, key: str) -> bool:
    """Say whether a step of the code is the one of that key; a placeholder is for one that the code has no more."""
    step = program.steps[index]
    is_placeholder = step.kind is StepKind.OBSOLETE and step.name == OBSOLETE_NAME
    return program.keys[index] == key or (is_placeholder and key not in program.keys)


def _takes_up(step: Step, row: Any, *, is_forked: bool) -> bool:
    """Say whether a step can finish what a row of its key has begun: a failed row has begun nothing."""
    if row.sub_step is not None:
        keys = step.steps.keys()
        if row.sub_step not in keys:
            return False
        step = step.steps[keys.index(row.sub_step)]
    if row.status == StepStatus.SUSPEND:
        return step.kind is StepKind.INPUT or (step.kind is StepKind.OBSOLETE and row.sub_step is None)
    if row.status == StepStatus.AWAITING_CALLBACK:
        return step.kind is StepKind.CALLBACK_AWAIT
    return step.kind is StepKind.FORK if is_forked else True


def _done_otherwise(program: Program, index: int, key: str) -> str:
    has = f"has “{program.keys[index]}”" if index < len(program.keys) else "has ended"
    return (
        f"The steps of workflow “{program.workflow.name}” have changed in the part that this process has done: as step "
        f"{index + 1} it has done “{key}”, where the code {has}. {CHOOSE}"
    )


def _stands_elsewhere(program: Program, standing: Standing[Any]) -> str:
    index, row = len(standing.done), standing.last
    at = f"“{standing.stopped_at}”" + (f" at “{row.sub_step}”" if row is not None and row.sub_step else "")
    if index >= len(program.keys):
        return f"This process stands at {at}, where the code of workflow “{program.workflow.name}” has ended. {CHOOSE}"
    if program.keys[index] == standing.stopped_at:
        return (
            f"This process stands in the middle of {at}, and the code of workflow “{program.workflow.name}” no longer "
            f"goes on from there. {CHOOSE}"
        )
    return (
        f"This process stands at {at}; the code of workflow “{program.workflow.name}” no longer goes on with that, but "
        f"with “{program.keys[index]}”. {CHOOSE}"
    )
