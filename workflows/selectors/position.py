"""Where a process stands, for those who do not run it: its next step, and the form that this step asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from workflows.engine.form_pages import form_pages
from workflows.engine.history import History, load_history
from workflows.engine.registry import Workflow, get_workflow
from workflows.engine.steps import State, Step, StepKind
from workflows.forms import FormGenerator
from workflows.models import Process


@dataclass(frozen=True)
class Position:
    """A process's history, its workflow in code (None if it is gone), and the index of the next step."""

    history: History
    workflow: Workflow | None
    index: int

    @property
    def remaining(self) -> list[Step]:
        return [] if self.workflow is None else list(self.workflow.steps[self.index :])

    @property
    def remaining_keys(self) -> list[str]:
        return [] if self.workflow is None else self.workflow.keys[self.index :]

    @property
    def step(self) -> Step | None:
        """The step with the form: within a group the one that the group stands at."""
        step = self.remaining[0] if self.remaining else None
        row = self.history.open_row
        if step is None or step.kind is not StepKind.GROUP or row is None or row.sub_step is None:
            return step
        keys = step.steps.keys()
        return step.steps[keys.index(row.sub_step)] if row.sub_step in keys else step


def position_of(process_id: UUID, workflow_name: str) -> Position:
    history = load_history(process_id)
    return Position(history, get_workflow(workflow_name), len(history.cleared))


def next_form(process_id: UUID) -> tuple[Callable[[State], FormGenerator] | None, State]:
    """Return the form of the step that a process stands at, None if it has none, and the state it is made with."""
    name = Process.every.values_list("workflow__name", flat=True).get(pk=process_id)
    return form_at(position_of(process_id, name))


def form_at(position: Position) -> tuple[Callable[[State], FormGenerator] | None, State]:
    step = position.step
    state = position.history.state
    if step is None or step.form is None:
        return None, state
    form, seen = step.form, step.lens.get(state) if step.lens else state
    return (lambda given: form_pages(form, given)), seen


process_form = next_form
