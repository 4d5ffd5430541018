"""Take a connection from a thread that does not come back: what it holds would keep others waiting for ever."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, cast

from django.db.backends.base.base import BaseDatabaseWrapper

_CANCEL_SECONDS = 2.0
_BACK_SECONDS = 0.5
_POLL_SECONDS = 0.01


def sever(connection: BaseDatabaseWrapper, *, is_back: Callable[[], bool]) -> None:
    """Cut the connection of another thread. What that has not committed is rolled back, and its locks are free.

    A statement under way is stopped. Whatever the thread does with the connection afterwards is an error. On SQLite it
    keeps the connection if `is_back` says soon that it has come back: it has rolled back by itself then, and a
    connection that is closed while its thread works with it takes the whole process down.
    """
    raw: Any = connection.connection
    if raw is None:
        return
    # Whatever state it is in: an error here means that there was nothing left to cut.
    if connection.vendor == "postgresql":
        with contextlib.suppress(Exception):
            raw.cancel_safe(timeout=_CANCEL_SECONDS)
        with contextlib.suppress(Exception):
            raw.close()
        return
    with contextlib.suppress(Exception):
        raw.interrupt()
    until = time.monotonic() + _BACK_SECONDS
    while time.monotonic() < until:
        if is_back():
            return
        time.sleep(_POLL_SECONDS)
    with contextlib.suppress(Exception):
        raw.rollback()
    with contextlib.suppress(Exception):
        raw.close()
    cast("Any", connection)._leave_gate()
