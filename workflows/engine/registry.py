"""Workflows in code: what a decorated function becomes, and how the engine finds it by name."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from products import registry as catalogue
from products.enums import Target
from workflows.engine.block_steps import composed
from workflows.engine.steps import AuthCallback, FormFactory, StepList


@dataclass(frozen=True, kw_only=True)
class PredicateContext:
    """What a run predicate may look at."""

    workflow: Workflow
    workflow_key: str


@dataclass(frozen=True)
class RunPredicatePass:
    """The workflow may start."""


@dataclass(frozen=True)
class RunPredicateFail:
    """The workflow may not start; `message` says why."""

    message: str


RunPredicate = Callable[[PredicateContext], "RunPredicatePass | RunPredicateFail"]


@dataclass(eq=False, kw_only=True)
class Workflow:
    """A workflow: its steps, its first form and its rules. Its description in the catalogue is edited by people.

    `written` is what its function returned, with what its kind adds; `steps` has the steps of blocks in it.
    """

    name: str
    description: str
    target: Target
    written: StepList
    initial_input_form: FormFactory | None = None
    # Pages that its kind puts before its own: the product or the subscription it is for.
    first_pages: FormFactory | None = None
    is_task: bool = False
    authorize_callback: AuthCallback | None = None
    retry_auth_callback: AuthCallback | None = None
    run_predicate: RunPredicate | None = None
    # How many of its processes may be run at the same time; None for as many as there are runners.
    max_running: int | None = None
    module: str = ""
    products: tuple[str, ...] = field(default=())

    def __call__(self, *_args: Any, **_kwargs: Any) -> None:
        raise TypeError(f"Workflow {self.name} is not called; start it with start_process({self.name!r})")

    @functools.cached_property
    def steps(self) -> StepList:
        """All steps, in order. Raises CannotCompose; the system checks have said so before."""
        return composed(self.written)

    @functools.cached_property
    def keys(self) -> list[str]:
        return self.steps.keys()

    @functools.cached_property
    def uses_callbacks(self) -> bool:
        return any(step.callback is not None for step in self.steps.everything())


def plan_digest(keys: list[str]) -> str:
    return hashlib.sha256(json.dumps(keys).encode()).hexdigest()


def get_workflow(name: str) -> Workflow | None:
    """Return the workflow registered under `name`; None where there is none in code."""
    spec = catalogue.workflows().get(name)
    return spec.factory if spec is not None and isinstance(spec.factory, Workflow) else None
