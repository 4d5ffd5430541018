"""Run the form of a workflow or an input step with arguments from the state, as steps get theirs."""

from __future__ import annotations

import inspect
from typing import cast

from workflows.engine.injection import bind
from workflows.engine.steps import FormFactory, State
from workflows.forms import FormGenerator


def form_pages(form: FormFactory, state: State) -> FormGenerator:
    """Run a form with arguments from the state; a plain function that returns one page becomes a form of one page."""
    made = form(**bind(form)(state))
    if inspect.isgenerator(made):
        result: State = yield from made
        return result
    page = yield made
    return cast("State", page.model_dump())
