"""Named places at which a test may stop or kill the engine. In production nothing is installed and nothing happens."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class FaultPoint(StrEnum):
    BEFORE_CLAIM = "before claim"
    AFTER_CLAIM = "after claim"
    # The step is next; its body has not begun.
    BEFORE_STEP = "before step"
    # The body is done, with its effects outside; nothing of it is stored.
    BEFORE_WRITE = "before write"
    # The row is written. The transaction is still open if the step is atomic or returned models.
    WRITTEN = "written"
    # The row is committed; the next step has not begun.
    AFTER_WRITE = "after write"


Hook = Callable[[FaultPoint, str], None]

_hook: Hook | None = None


def install(hook: Hook | None) -> None:
    """Call `hook(point, step name)` from now on wherever a point is reached; None takes it away."""
    global _hook  # noqa: PLW0603 - one per process, and only in tests
    _hook = hook


def reached(point: FaultPoint, step: str = "") -> None:
    if _hook is not None:
        _hook(point, step)
