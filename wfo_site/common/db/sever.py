"""Take a connection from a thread that does not come back: what it holds would keep others waiting for ever."""

from __future__ import annotations

import contextlib
from typing import Any, cast

from django.db.backends.base.base import BaseDatabaseWrapper

_CANCEL_SECONDS = 2.0


def sever(connection: BaseDatabaseWrapper) -> None:
    """Cut the connection of another thread. What that has not committed is rolled back, and its locks are free.

    A statement under way is stopped. Whatever the thread does with the connection afterwards is an error.
    """
    raw: Any = connection.connection
    if raw is None:
        return
    # Whatever state it is in: an error here means that there was nothing left to cut.
    with contextlib.suppress(Exception):
        raw.cancel_safe(timeout=_CANCEL_SECONDS) if connection.vendor == "postgresql" else raw.interrupt()
    with contextlib.suppress(Exception):
        if connection.vendor == "sqlite":
            raw.rollback()
    with contextlib.suppress(Exception):
        raw.close()
    if connection.vendor == "sqlite":
        cast("Any", connection)._leave_gate()
