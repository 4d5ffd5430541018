"""What benchmarks share: processes that nobody runs but the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from products import registry
from products.models import Workflow as WorkflowRow
from tests.benchmarks.plain.steps import plain_steps
from workflows import StepList, workflow
from workflows.engine.registry import Workflow


class Counter:
    """Counts statements; unlike Django's log of them, without end."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, execute: Callable[..., Any], *statement: Any) -> Any:
        self.number += 1
        return execute(*statement)


@pytest.fixture
def nobody_runs(settings: Any) -> Iterator[None]:
    """Bells reach nobody: the test runs the processes itself."""
    settings.EXECUTOR = "threadpool"
    with registry.isolated(empty=False):
        yield


def in_catalogue(made: Workflow) -> Workflow:
    """Give a workflow its row, so that it can be started."""
    WorkflowRow.objects.get_or_create(name=made.name, defaults={"target": "SYSTEM", "description": made.description})
    return made


def plain_workflow(steps: int) -> Workflow:
    """Return a workflow of so many plain steps, each of which changes one key."""

    def factory() -> StepList:
        return plain_steps(steps)

    factory.__name__ = f"plain_{steps}"
    return in_catalogue(workflow(f"{steps} plain steps")(factory))
