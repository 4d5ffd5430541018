"""Where its rows say that a process stands: what is done, and the row it has stopped at.

Rows without a key are no steps: a change of the state leaves everything where it is, and a process that was made to go
on elsewhere begins to count anew there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from workflows.enums import StepStatus
from workflows.states import CLEARED_STEPS

# The key of rows that are no steps of a plan.
NO_STEP: Final = ""


class Rowlike(Protocol):
    """A step row, whole or with the few columns that are needed here."""

    @property
    def key(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def sub_step(self) -> str | None: ...
    @property
    def detail(self) -> Any: ...


R = TypeVar("R", bound=Rowlike)


@dataclass
class Standing(Generic[R]):
    """`done`: the keys that count as done, in order. `last`: the last row of a step, none right after it was made to
    go on elsewhere. `is_edited`: a person has changed the state since."""

    done: list[str] = field(default_factory=list)
    last: R | None = None
    is_edited: bool = False

    @property
    def stopped_at(self) -> str | None:
        """The key of the step that it has begun and not done."""
        last = self.last
        return None if last is None or is_done(last) or last.status == StepStatus.ABORT else last.key


def is_done(row: Rowlike) -> bool:
    """Say whether a row is of a step that is done, so that the next one is due."""
    return row.key != NO_STEP and row.status in CLEARED_STEPS and row.sub_step is None


def goes_on_after(row: Rowlike) -> list[str] | None:
    """Return the keys that count as done from a row on by which a process goes on elsewhere; None for all others."""
    return (row.detail or {}).get("cleared") if row.key == NO_STEP else None


def standing_of(rows: Iterable[R]) -> Standing[R]:
    """Read all rows of a process, in order."""
    standing: Standing[R] = Standing()
    for row in rows:
        if row.key == NO_STEP:
            done = goes_on_after(row)
            standing = (
                Standing(list(done)) if done is not None else Standing(standing.done, standing.last, is_edited=True)
            )
            continue
        standing.last, standing.is_edited = row, False
        if is_done(row):
            standing.done.append(row.key)
    return standing
