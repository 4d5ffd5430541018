"""What makes changed copies of steps: run them only if something holds, let them see a part of the state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from workflows.engine.steps import (
    Lens,
    Predicate,
    State,
    Step,
    StepKind,
    StepList,
    as_steps,
    nothing_to_undo,
    without_forks,
)


def conditional(predicate: Predicate) -> Callable[[Step | StepList], StepList]:
    """Run the steps only if `predicate` holds on the state; it is asked again before each of them."""

    def wrap(steps: Step | StepList) -> StepList:
        return as_steps(steps).map(lambda item: replace(item, conditions=(predicate, *item.conditions)))

    return wrap


def steplens(
    get: Callable[[State], State],
    set: Callable[[State], Callable[[State], State]],  # noqa: A002 - known by this name
) -> Callable[[Step | StepList], StepList]:
    """Let steps see and change only a part of the state.

    `get(state)` is the part, `set(state)(part)` the whole with the part changed.
    """
    return through(Lens(get=get, set=lambda state, part: set(state)(part)))


def focussteps(key: str) -> Callable[[Step | StepList], StepList]:
    """Let steps see and change only `state[key]`, an empty dict where there is none."""
    return through(Lens(get=lambda state: state.get(key) or {}, set=lambda state, part: {**state, key: part}))


def through(lens: Lens) -> Callable[[Step | StepList], StepList]:
    """Let steps, and those that undo them, see and change only what `lens` shows of the state."""

    def wrap_step(item: Step) -> Step:
        conditions = tuple(_seen_through(lens, predicate) for predicate in item.conditions)
        undo = item.undo
        if undo is not None and undo is not nothing_to_undo:
            undo = wrap_step(undo)
        if item.kind is StepKind.GROUP:
            return replace(item, conditions=conditions, steps=item.steps.map(wrap_step), undo=undo)
        return replace(item, conditions=conditions, lens=item.lens.inside(lens) if item.lens else lens, undo=undo)

    return lambda steps: without_forks(as_steps(steps), "steplens or focussteps").map(wrap_step)


def _seen_through(lens: Lens, predicate: Predicate) -> Predicate:
    return lambda state: predicate(lens.get(state))
