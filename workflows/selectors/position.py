"""Where a process stands, for those who do not run it: its next step, and the form that this step asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from wfo_site.common.errors import NotFound
from workflows.engine.fitting import fit_of
from workflows.engine.form_pages import form_pages
from workflows.engine.history import History, load_history
from workflows.engine.registry import Workflow, get_workflow
from workflows.engine.steps import State, Step, StepKind
from workflows.engine.tree import Program, Ref, program_of, ref_to
from workflows.forms import FormGenerator


@dataclass(frozen=True)
class Position:
    """A process's history, what it runs (None if the code has it no more), and the index of the next step.

    `misfit`: why the code does not go on there, in a sentence. Then nothing is due, and `index` is of the step at which
    it would most likely go on.
    """

    history: History
    program: Program | None
    index: int
    misfit: str = ""

    @property
    def workflow(self) -> Workflow | None:
        return None if self.program is None else self.program.workflow

    @property
    def remaining(self) -> list[Step]:
        return [] if self.program is None or self.misfit else list(self.program.steps[self.index :])

    @property
    def remaining_keys(self) -> list[str]:
        return [] if self.program is None or self.misfit else self.program.keys[self.index :]

    @property
    def step(self) -> Step | None:
        """The step with the form: within a group the one that the group stands at."""
        step = self.remaining[0] if self.remaining else None
        row = self.history.open_row
        if step is None or step.kind is not StepKind.GROUP or row is None or row.sub_step is None:
            return step
        keys = step.steps.keys()
        return step.steps[keys.index(row.sub_step)] if row.sub_step in keys else step


def position_of(ref: Ref) -> Position:
    """Read where a process stands, in as many statements as its history takes."""
    history = load_history(ref)
    workflow = get_workflow(ref.workflow_name)
    if workflow is None:
        return Position(history, None, len(history.cleared))
    program = program_of(workflow, ref)
    fit = fit_of(program, history)
    return Position(history, program, fit.index, fit.problem)


def process_form(process_id: UUID) -> tuple[Callable[[State], FormGenerator] | None, State]:
    """Return the form of the step that a process stands at, None if it has none, and the state it is made with.

    Raises NotFound.
    """
    ref = ref_to(process_id)
    if ref is None:
        raise NotFound(f"Process with process_id {process_id} not found")
    return form_at(position_of(ref))


def form_at(position: Position) -> tuple[Callable[[State], FormGenerator] | None, State]:
    step = position.step
    state = position.history.state
    if step is None or step.form is None:
        return None, state
    form, seen = step.form, step.lens.get(state) if step.lens else state
    return (lambda given: form_pages(form, given)), seen
