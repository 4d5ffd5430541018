"""Decorators that make a step of a function: one that does something, or one that describes a form.

Nothing here touches the database or the settings: product packages import it before Django is set up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

from workflows.engine.step_options import Effect, StepKeywords, StepOptions
from workflows.engine.steps import (
    AuthCallback,
    FormFactory,
    Step,
    StepFunction,
    StepKind,
    as_undo,
    take_names,
)


def step(
    name: str,
    *,
    atomic: bool = False,
    retry_auth_callback: AuthCallback | None = None,
    **options: Unpack[StepKeywords],
) -> Callable[[StepFunction], Step]:
    """Make a function a step. Its arguments come from the state by name; the dict it returns is merged into the state.

    The body runs outside any transaction; what it returns (subscription models among it are saved) is written in one
    transaction with the step itself. A body that must write to our database itself is declared `atomic=True`: body and
    result are then one transaction, and calls to other systems are refused in it.
    """
    return _with_body(name, StepKind.PLAIN, atomic, retry_auth_callback, options)


def retrystep(
    name: str,
    *,
    atomic: bool = False,
    retry_auth_callback: AuthCallback | None = None,
    **options: Unpack[StepKeywords],
) -> Callable[[StepFunction], Step]:
    """Like `step`, but an exception makes the process wait, to be tried again later, instead of failing it."""
    return _with_body(name, StepKind.RETRY, atomic, retry_auth_callback, options)


def _with_body(
    name: str, kind: StepKind, atomic: bool, retry_auth_callback: AuthCallback | None, keywords: StepKeywords
) -> Callable[[StepFunction], Step]:
    options, undo = StepOptions.of(**keywords), as_undo(name, keywords.get("undo"))
    if atomic and Effect.OUTSIDE in options.effects:
        raise ValueError(f"Step {name!r} is atomic, so it cannot change other systems: calls to them are refused in it")

    def decorate(function: StepFunction) -> Step:
        return Step(
            name,
            kind,
            function,
            atomic=atomic,
            retry_auth_callback=retry_auth_callback,
            options=options,
            undo=undo,
        )

    return decorate


def inputstep(
    name: str,
    assignee: str,
    *,
    resume_auth_callback: AuthCallback | None = None,
    retry_auth_callback: AuthCallback | None = None,
) -> Callable[[FormFactory], Step]:
    """Suspend the process until a person has filled in the form that the decorated generator describes.

    The generator runs when the form is shown and when it is submitted, maybe often: it must be free of side effects.
    What it returns is merged into the state.
    """

    def decorate(form: FormFactory) -> Step:
        made = Step(
            name,
            StepKind.INPUT,
            form=form,
            assignee=assignee,
            resume_auth_callback=resume_auth_callback,
            retry_auth_callback=retry_auth_callback,
        )
        take_names(made, form)
        return made

    return decorate
