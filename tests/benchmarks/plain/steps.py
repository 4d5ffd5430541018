"""Steps that do nothing outside: what is left is what the engine itself costs."""

from __future__ import annotations

from workflows import State, Step, StepList, begin, done, init, step


def numbered(number: int) -> Step:
    """Return a plain step that changes one key."""

    @step(f"Step {number}")
    def count() -> State:
        return {"done": number}

    return count


def plain_steps(number: int) -> StepList:
    """Return the steps of a workflow of so many plain steps."""
    return begin >> init >> StepList(numbered(index) for index in range(number)) >> done
