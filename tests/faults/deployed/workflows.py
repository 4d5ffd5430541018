"""Workflows that ask half way. Each step tells the ledger that it ran, and adds its name to the trail in the state."""

from __future__ import annotations

import os
from typing import Final

from tests.faults.sample import ledger
from workflows import State, Step, StepList, done, init, inputstep, obsolete_step, step, workflow
from workflows.forms import FormGenerator, FormPage


def does(name: str) -> Step:
    @step(name)
    def do(trail: list[str] | None = None) -> State:
        ledger.call()
        return {"trail": [*(trail or []), name]}

    return do


@inputstep("Ask", assignee="NOC")
def ask() -> FormGenerator:
    class Answer(FormPage):
        answer: int

    page = yield Answer
    return page.model_dump()


ONE, TWO, THREE = does("One"), does("Two"), does("Three")
_OLD: Final = (ONE, TWO, ask, THREE)
# What the new release makes of the same steps.
_NEW: Final = {
    "added": (ONE, does("Between"), TWO, ask, THREE),
    "removed": (ONE, ask, THREE),
    "renamed": (ONE, does("Second"), ask, THREE),
    "replaced": (ONE, obsolete_step("Two"), ask, THREE),
    "longer": (ONE, TWO, ask, does("Four"), THREE),
}


def _register(kind: str) -> None:
    def body() -> StepList:
        return init >> StepList(_NEW[kind] if os.environ["RELEASE"] == "new" else _OLD) >> done

    body.__name__ = kind
    workflow(f"A step is {kind}")(body)


for _kind in _NEW:
    _register(_kind)
