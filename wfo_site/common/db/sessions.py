"""What is said to each new session of PostgreSQL.

Not as a start-up parameter: poolers between us and the server refuse those.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from django.conf import settings

# Below this a busy machine would end transactions that nobody has forgotten.
_LEAST_SECONDS: Final = 5.0

_patience: ContextVar[float | None] = ContextVar("wfo_patience_with_locks", default=None)


def be_impatient(seconds: float) -> None:
    """Let the connections that this thread opens from now on wait for a lock no longer than this.

    For threads that have other things to do in time; what they could not do they try again. SQLite has its own limit.
    """
    _patience.set(seconds)


def limit_waits_for_locks(connection: Any, **_: object) -> None:
    if connection.vendor == "postgresql" and (seconds := _patience.get()) is not None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {max(1, round(1000 * seconds))}")


def end_forgotten_transactions(connection: Any, **_: object) -> None:
    """Let the server end a transaction that its client has left alone for a lease.

    A runner that is frozen or cut off in the middle of a write holds locks, for which whoever takes its process over
    would wait as long as the server keeps the session: for hours.
    """
    if connection.vendor == "postgresql":
        seconds = max(_LEAST_SECONDS, settings.PROCESS_LEASE_SECONDS)
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {round(1000 * seconds)}")
