"""A fake outside, steps that put things into it and take them out again, and an undo that runs at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from workflows import State, Step, StepList, begin, done, init, step, workflow
from workflows.engine.step_context import step_context
from workflows.forms import FormPage
from workflows.models import Process
from workflows.selectors import undo_plan
from workflows.services import undo_process

# What there is outside: name of the thing to the idempotency key that it was made with.
NETWORK: dict[str, str] = {}
# Which bodies ran, in order, and what the undo steps were given.
CALLS: list[str] = []
GIVEN: dict[str, State] = {}
FAILING: set[str] = set()


def clean() -> None:
    for kept in (NETWORK, CALLS, GIVEN, FAILING):
        kept.clear()


def makes(thing: str, **result: Any) -> Step:
    """Return a step that makes a thing, fails after that while its name is in FAILING, and says that it made it."""

    def take_away(state: State) -> State:
        name = f"Undo: Make {thing}"
        CALLS.append(name)
        GIVEN[thing] = state
        if name in FAILING:
            raise ConnectionError(f"{name} does not work")
        NETWORK.pop(thing, None)
        return {"gone": thing}

    @step(f"Make {thing}", undo=take_away)
    def make() -> State:
        CALLS.append(f"Make {thing}")
        NETWORK[thing] = str(step_context().idempotency_key)
        if f"Make {thing}" in FAILING:
            raise ConnectionError(f"Make {thing} does not work")
        return {thing: "made", **result}

    return make


def says(name: str, **options: Any) -> Step:
    """Return a step that touches nothing, and has no undo unless one is given."""

    @step(name, **options)
    def say() -> State:
        CALLS.append(name)
        if name in FAILING:
            raise ValueError(f"{name} does not work")
        return {}

    return say


def flow_of(*made: Step | StepList, name: str = "flow", **options: Any) -> Any:
    """Return a workflow of these steps."""

    def body() -> StepList:
        joined = begin
        for one in made:
            joined = joined >> one
        return init >> joined >> done

    body.__name__ = name
    return workflow(name, **options)(body)


def nothing() -> None: ...


def form() -> Any:
    class Page(FormPage):
        answer: int

    page = yield Page
    return page.model_dump()


def undo(process: Process | UUID, **options: Any) -> Process:
    """Undo a process, run that as far as it goes, and return it."""
    pk = process if isinstance(process, UUID) else process.pk
    return Process.every.get(pk=undo_process(pk, user="bob", **options))


def fates(process: Process) -> list[tuple[str, str]]:
    return [(one.name, str(one.fate)) for one in undo_plan(process.pk).steps]


def status_of(process: Process) -> str:
    return Process.every.values_list("last_status", flat=True).get(pk=process.pk)
