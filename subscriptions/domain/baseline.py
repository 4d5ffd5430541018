"""What a model's next save is compared with, also after a transaction that saved it was rolled back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from subscriptions.domain.changes import Shape


class Mark(Protocol):
    """Tells whether something written still stands: its transaction was committed, or is open."""

    @property
    def committed(self) -> bool: ...

    def stands(self) -> bool: ...


@dataclass(frozen=True)
class Baseline:
    """How a model was when loaded or last saved; `shape` is None for one that is not stored.

    A save's baseline only counts while its transaction stands; after a rollback the `previous` one does again.
    """

    shape: Shape | None
    mark: Mark | None = None
    previous: Baseline | None = None

    def in_force(self) -> Baseline:
        baseline = self
        while baseline.mark is not None and baseline.previous is not None and not baseline.mark.stands():
            baseline = baseline.previous
        return baseline

    def followed_by(self, shape: Shape, mark: Mark) -> Baseline:
        """Return the baseline after a save, which remembers this one as long as the save may be rolled back."""
        previous = self.in_force()
        if previous.mark is None or previous.mark.committed:
            previous = Baseline(previous.shape)
        return Baseline(shape, mark, previous)
