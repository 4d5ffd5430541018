"""Notice atomic steps that keep their transaction open: others wait for what it locks, on SQLite all who write."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

logger = logging.getLogger(__name__)

LIMIT_SECONDS: Final = 1.0

_report: Callable[[str], None] | None = None


def report_to(report: Callable[[str], None] | None) -> None:
    """Call `report(sentence)` from now on for each that is noticed; None takes it away. For tests, which then fail."""
    global _report  # noqa: PLW0603 - one per process, and only in tests
    _report = report


@contextmanager
def watched(step: str, tell: Callable[[str], object]) -> Iterator[None]:
    """Log a warning if the block, the transaction of a step, takes longer than LIMIT_SECONDS, and `tell` it."""
    began = time.monotonic()
    try:
        yield
    finally:
        seconds = time.monotonic() - began
        if seconds > LIMIT_SECONDS:
            sentence = (
                f"Step {step!r} kept its transaction open for {seconds:.1f} s, and others had to wait for what it "
                "locked. Compute and call in a step before it, and let the atomic step only write."
            )
            logger.warning(sentence)
            tell(sentence)
            if _report is not None:
                _report(sentence)
