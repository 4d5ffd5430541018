"""The form that starts a workflow, and whether it may be started at all right now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from products.models import Workflow as WorkflowRow
from workflows.engine.authorization import Asker
from workflows.engine.steps import State
from workflows.forms import FormGenerator
from workflows.services.initial_form import initial_form
from workflows.services.start import CHECKS, Start, find_startable


@dataclass(frozen=True, kw_only=True)
class StartForm:
    """A workflow, its first form, and the state that the form is made with."""

    workflow: WorkflowRow
    form: Callable[[State], FormGenerator]
    state: State
    start: Start

    def check(self) -> None:
        """Raise the DomainError that would refuse the start, so that nobody fills in a form in vain."""
        for check in CHECKS:
            check(self.start)


def start_form(workflow_name: str, *, user: str, user_model: Asker = None) -> StartForm:
    """Return the form of a start in 1 query. Raises NotFound for a workflow that is not in code or catalogue."""
    workflow, row = find_startable(workflow_name)
    state = {"reporter": user, "workflow_name": row.name, "workflow_target": row.target}
    start = Start(workflow, row, user, user_model)
    return StartForm(workflow=row, form=initial_form(workflow, row), state=state, start=start)
