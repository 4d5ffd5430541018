"""What an author says of a step beside its body.

Nothing here touches the database or the settings: product packages import it before Django is set up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypedDict, Unpack

from workflows.engine.retries import RetryPolicy

if TYPE_CHECKING:
    from workflows.engine.steps import Step


class Effect(StrEnum):
    """What a step does beside computing: undo, impact and its card on the page go by it."""

    READ = "read"
    DATABASE = "database"
    OUTSIDE = "outside"


Effects: TypeAlias = "Effect | str | Iterable[Effect | str]"
Undo: TypeAlias = "Step | Callable[..., dict[str, Any] | None]"

# What a process row can hold of the name of a queue.
QUEUE_LENGTH: Final = 100
# Names that are written after `--queues`, where commas and spaces mean something.
_QUEUE: Final = re.compile(rf"[\w.:-]{{1,{QUEUE_LENGTH}}}", re.ASCII)

NOT_DECLARED: Final[frozenset[Effect]] = frozenset()


class StepKeywords(TypedDict, total=False):
    """What every step decorator takes beside its own parameters.

    `effects`: 'read', 'database' and 'outside', one or several. `retry`: which failures are tried again, and when.
    `timeout`: how many seconds it may take, `math.inf` for as long as it likes.
    `queue`: only workers that serve this queue do it; what comes after goes back to the queue of the workflow.
    `undo`: a function, step or step group that takes back what it did, given the state as it stood right after it.
    """

    effects: Effects
    retry: RetryPolicy | None
    timeout: float | None
    queue: str | None
    undo: Undo | None


@dataclass(frozen=True, kw_only=True)
class StepOptions:
    """The options of a step. No `effects` means that nobody has said what it does."""

    effects: frozenset[Effect] = NOT_DECLARED
    retry: RetryPolicy | None = None
    timeout: float | None = None
    queue: str | None = None

    @classmethod
    def of(cls, **keywords: Unpack[StepKeywords]) -> StepOptions:
        """Return the options that a decorator was given. Raises ValueError for those that make no sense."""
        timeout = keywords.get("timeout")
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout is {timeout}; a step needs some time")
        queue = keywords.get("queue")
        if queue is not None and not _QUEUE.fullmatch(queue):
            raise ValueError(
                f"queue is {queue!r}; give it a name of at most {QUEUE_LENGTH} letters, digits and the signs . _ - :"
            )
        return cls(
            effects=_effects(keywords.get("effects", ())), retry=keywords.get("retry"), timeout=timeout, queue=queue
        )


def _effects(given: Effects) -> frozenset[Effect]:
    names = [given] if isinstance(given, str) else list(given)
    if unknown := [name for name in names if name not in set(Effect)]:
        raise ValueError(f"A step has the effects {', '.join(Effect)}; {unknown} is not among them")
    return frozenset(Effect(name) for name in names)


def effects_sentence(effects: frozenset[Effect]) -> str:
    """Say what a step changes, for a person; empty where nobody has declared it."""
    changed = [
        words
        for effect, words in ((Effect.DATABASE, "the database"), (Effect.OUTSIDE, "other systems"))
        if effect in effects
    ]
    if changed:
        return f"changes {' and '.join(changed)}"
    return "reads only" if effects else ""
