"""Know whether something written still stands: its transaction, and every savepoint around it, was not rolled back.

Django tells of commits only. It forgets the callbacks for a commit when it rolls back to before their registration, so
a callback of ours that is still waiting is the proof that the write stands.
"""

from __future__ import annotations

from django.db import connection, transaction


class TransactionMark:
    """A mark set at this point of the transaction; outside one it stands at once."""

    def __init__(self) -> None:
        self.committed = False
        self._callback = self._commit
        transaction.on_commit(self._callback)

    def _commit(self) -> None:
        self.committed = True

    def is_open(self) -> bool:
        """Say whether the transaction goes on: neither committed nor rolled back."""
        return not self.committed and any(entry[1] is self._callback for entry in connection.run_on_commit)

    def stands(self) -> bool:
        return self.committed or self.is_open()
