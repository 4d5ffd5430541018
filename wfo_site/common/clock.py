"""Time, replaceable in tests."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time with time zone UTC."""
    return datetime.now(UTC)
