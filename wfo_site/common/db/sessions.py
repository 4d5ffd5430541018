"""What is said to each new session of PostgreSQL.

Not as a start-up parameter: poolers between us and the server refuse those.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

# Below this a busy machine would end transactions that nobody has forgotten.
_LEAST_SECONDS: Final = 5.0


def end_forgotten_transactions(connection: Any, **_: object) -> None:
    """Let the server end a transaction that its client has left alone for a lease.

    A runner that is frozen or cut off in the middle of a write holds locks, for which whoever takes its process over
    would wait as long as the server keeps the session: for hours.
    """
    if connection.vendor == "postgresql":
        seconds = max(_LEAST_SECONDS, settings.PROCESS_LEASE_SECONDS)
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {round(1000 * seconds)}")
