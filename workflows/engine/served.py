"""Which queues a runner serves: a step may ask for one, and is left to those who do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

from workflows.engine.steps import State, Step


class Served(Protocol):
    """The queues of one runner."""

    @property
    def names(self) -> Collection[str] | None:
        """Their names; None: all there are."""

    def takes(self, queue: str | None, *, target: str, is_task: bool) -> bool:
        """Say whether what asks for this queue is run here; None: the queue of a workflow of this target and kind."""


@dataclass(frozen=True)
class Everything:
    """The queues of a runner that runs whatever there is."""

    names: None = None

    def takes(self, queue: str | None, *, target: str, is_task: bool) -> bool:  # noqa: ARG002 - the protocol's
        return True


EVERYTHING: Final = Everything()


def queue_for(step: Step, state: State) -> str | None:
    """Return the queue that a step asks for; None also where it is skipped, which anybody can do."""
    queue = step.options.queue
    return queue if queue is not None and _is_done(step, state) else None


def _is_done(step: Step, state: State) -> bool:
    try:
        return all(condition(state) for condition in step.conditions)
    except Exception:
        # It fails as the step's own failure, where the step is run.
        return True
