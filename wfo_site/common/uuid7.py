"""UUIDs that sort by time, so that new rows land at the end of an index (RFC 9562, version 7)."""

from __future__ import annotations

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """Return a version 7 UUID: 48 bits of Unix milliseconds, 12 bits below the millisecond, 62 random bits."""
    ns = time.time_ns()
    milliseconds, rest = divmod(ns, 1_000_000)
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76 | (rest * 4096 // 1_000_000) << 64
    value |= 0b10 << 62 | int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=value)
