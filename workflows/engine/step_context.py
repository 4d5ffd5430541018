"""What a step may ask about itself while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

# Any fixed namespace will do; changing it would change the keys of running processes.
_NAMESPACE = UUID("6f1d6f0e-5b0c-5f61-9d3a-51d8c8f2b7aa")


@dataclass(frozen=True)
class Undone:
    """The step that an undo step takes back.

    `idempotency_key`: the one that the step had. `is_half_done`: it failed or was cut off, so that what it did, and
    whether it did anything, is not known. `read_before` reads the state that it began with.
    """

    step: str
    idempotency_key: UUID
    is_half_done: bool
    read_before: Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class StepContext:
    """Which step runs, in which process, for the how manieth time (`attempt`, from 1).

    `idempotency_key` is the same for every try of this step in this process, also after a crash: hand it to other
    systems, so that they can recognise a call that they have served. `undone`: what an undo step takes back.
    """

    process_id: UUID
    root_id: UUID
    step: str
    idempotency_key: UUID
    attempt: int
    undone: Undone | None = None


_current: ContextVar[StepContext | None] = ContextVar("wfo_step_context", default=None)


def step_context() -> StepContext:
    """Return the context of the step that runs. Raises RuntimeError outside a step."""
    if (context := _current.get()) is None:
        raise RuntimeError("step_context() is only known while a step runs")
    return context


@contextmanager
def running_step(context: StepContext) -> Iterator[None]:
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


def idempotency_key(*, root_id: UUID, branch_key: str, step_key: str, sub_step: str | None = None) -> UUID:
    """Return the key of a step: the same for each try, different for each step of each process and branch."""
    return uuid5(_NAMESPACE, "\x1f".join([str(root_id), branch_key, step_key, sub_step or ""]))
