"""Tell errors of the database itself from errors of what it was asked."""

from __future__ import annotations

import sqlite3

from django.db import InterfaceError, InternalError, OperationalError, connection

# Classes of SQLSTATE: the connection, resources such as disk and memory, and the server's own operating system.
_SERVER = ("08", "53", "58", "57P")
# Deadlocks, locks not to be had, statements cancelled, transactions that were forgotten while this process was frozen,
# a server that takes no changes: nothing was stored, and the next try may well work.
_OF_THE_MOMENT = ("40", "55", "57", "25P03", "25006")
_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)


def is_lost(error: BaseException) -> bool:
    """Say whether a database was lost while it worked: nobody knows whether the last write arrived."""
    return _tells_of(error, _SERVER)


def is_ours_lost(error: BaseException, raw: object) -> bool:
    """Say whether it is our own database that was lost since its connection was `raw`, and not one that a step asked.

    That the connection works is no proof: Django opens a new one where the old one broke in a commit.
    """
    if not is_lost(error):
        return False
    return connection.vendor == "sqlite" or connection.connection is not raw or not connection.is_usable()


def may_work_later(error: BaseException) -> bool:
    """Say whether the same statements may work when tried again, because the error tells nothing about them."""
    return _tells_of(error, (*_SERVER, *_OF_THE_MOMENT))


def _tells_of(error: BaseException, classes: tuple[str, ...]) -> bool:
    if not isinstance(error, OperationalError | InterfaceError | InternalError):
        return False
    cause = error.__cause__
    if connection.vendor == "sqlite":
        # Without a cause it is our own gate that did not open in time.
        code = getattr(cause, "sqlite_errorcode", None)
        return isinstance(error, OperationalError) and (cause is None or (code is not None and code & 0xFF in _SQLITE))
    state = getattr(cause, "sqlstate", None)
    if state is None:
        # The client noticed before the server could say anything.
        return not isinstance(error, InternalError)
    return bool(state.startswith(classes))
