"""Steps that hold others and are shown as one: groups, and calls of other systems that call back.

Nothing here touches the database or the settings: product packages import it before Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Unpack

from workflows.engine.step_options import StepKeywords, StepOptions, Undo
from workflows.engine.steps import (
    DEFAULT_CALLBACK_RESULT_KEY,
    DEFAULT_CALLBACK_ROUTE_KEY,
    SYSTEM_ASSIGNEE,
    AuthCallback,
    CallbackOptions,
    Step,
    StepKind,
    StepList,
    as_steps,
    as_undo,
    without_forks,
)


def step_group(
    name: str,
    steps: Step | StepList,
    *,
    extract_form: bool = True,
    retry_auth_callback: AuthCallback | None = None,
    **options: Unpack[StepKeywords],
) -> Step:
    """Show several steps as one; each is a transaction of its own. A retry after a failure starts at the first.

    `undo` takes back all of it; without, each of its steps is taken back by its own.
    """
    inner, made = without_forks(as_steps(steps), f"step_group {name!r}"), StepOptions.of(**options)
    if other := next((item for item in inner if item.options.queue not in (None, made.queue)), None):
        raise ValueError(
            f"{other.name!r} asks for the queue {other.options.queue!r} within step_group {name!r}. A group is done on "
            "one queue: name it with step_group(..., queue=), or take the step out."
        )
    first_input = next((item for item in inner if item.form is not None), None) if extract_form else None
    return Step(
        name,
        StepKind.GROUP,
        form=first_input.form if first_input else None,
        assignee=first_input.assignee if first_input else SYSTEM_ASSIGNEE,
        resume_auth_callback=first_input.resume_auth_callback if first_input else None,
        retry_auth_callback=retry_auth_callback,
        options=made,
        steps=StepList(_flat(inner)),
        undo=as_undo(name, options.get("undo")),
    )


def _flat(steps: Iterable[Step]) -> Iterable[Step]:
    """Open groups within a group: one row shows them all, so one level is all there is.

    One with a condition is entered by a step of its own, so that the condition is asked once for all of it.
    """
    for item in steps:
        if item.kind is not StepKind.GROUP:
            yield item
        elif not item.conditions:
            yield from item.steps
        else:
            enter = Step(f"{item.name} - Enter", conditions=item.conditions)
            yield enter
            yield from (replace(inner, entered=(enter.name, *inner.entered)) for inner in item.steps)


def callback_step(
    name: str,
    action_step: Step,
    validate_step: Step,
    result_key: str | None = None,
    *,
    callback_route_key: str = DEFAULT_CALLBACK_ROUTE_KEY,
    timeout: float | None = None,
    queue: str | None = None,
    undo: Undo | None = None,
) -> Step:
    """Hand work to another system and wait for it to call back.

    `action_step` finds the address to call back under `callback_route_key`; the body of the call stands under
    `result_key` (default `callback_result`) for `validate_step`. After `timeout` seconds the step fails with "Callback
    timed out". `queue`: only workers that serve it do these steps.
    """
    options = CallbackOptions(callback_route_key, result_key or DEFAULT_CALLBACK_RESULT_KEY, timeout)
    steps = StepList(
        [
            Step(f"{name} - Create endpoint", StepKind.CALLBACK_CREATE, callback=options, atomic=True),
            action_step,
            Step(f"{name} - Await callback", StepKind.CALLBACK_AWAIT, callback=options, atomic=True),
            validate_step,
            Step(f"{name} - Cleanup callback step", StepKind.CALLBACK_CLEANUP, callback=options),
        ]
    )
    return step_group(name, steps, extract_form=False, queue=queue, undo=undo)
