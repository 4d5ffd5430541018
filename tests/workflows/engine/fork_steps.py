"""Steps that note that they ran, fail when told to, or ask; workflows of such steps, and the parts that they have."""

from __future__ import annotations

from typing import Any

from products.models import Workflow as WorkflowRow
from workflows import State, Step, StepList, begin, done, init, inputstep, step, workflow
from workflows.forms import FormPage
from workflows.models import Process

FAILING: set[str] = set()
CALLS: list[str] = []


def clean() -> None:
    FAILING.clear()
    CALLS.clear()


def says(name: str, **result: Any) -> Step:
    """Return a step that notes that it ran, fails while its name is in FAILING, and returns `result`."""

    @step(name)
    def run_it() -> State:
        CALLS.append(name)
        if name in FAILING:
            raise ValueError(f"{name} does not work")
        return result

    return run_it


def asks(name: str) -> Step:
    """Return a step that asks for a number."""

    class Page(FormPage):
        answer: int

    def form() -> Any:
        page = yield Page
        return page.model_dump()

    return inputstep(name, assignee="NOC")(form)


def steps(*made: Step | StepList) -> StepList:
    """Return steps as one list."""
    joined = begin
    for one in made:
        joined = joined >> one
    return joined


def flow_of(*made: Step | StepList, name: str = "flow", **options: Any) -> Any:
    """Return a workflow of these steps."""

    def body() -> StepList:
        return init >> steps(*made) >> done

    body.__name__ = name
    return workflow(name, **options)(body)


def register(flow: Any) -> None:
    WorkflowRow.objects.get_or_create(
        name=flow.name, defaults={"target": flow.target, "description": flow.name, "is_task": False}
    )


def parts(process: Process) -> dict[str, Process]:
    return {part.branch_name: part for part in Process.every.filter(parent=process).select_related("workflow")}
