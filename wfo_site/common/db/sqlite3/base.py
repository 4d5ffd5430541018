"""SQLite backend whose writers of one process queue up fairly.

SQLite's own busy handler polls and lets the unlucky starve for seconds; a first-in-first-out gate in front of it makes
a web request wait for the transactions ahead of it and no longer. Writers of other operating system processes still
meet at SQLite's lock.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from typing import Any, cast

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from wfo_site.common.db.sqlite3.creation import DatabaseCreation

_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "WITH")


class FairGate:
    """A lock that wakes its waiters in the order they came. Its holder is whoever passed in, not a thread."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._holder: object = None
        self._waiters: deque[tuple[object, threading.Event]] = deque()

    def acquire(self, holder: object, timeout: float) -> bool:
        """Wait for the gate; False if it did not open within `timeout` seconds."""
        with self._mutex:
            if self._holder is None and not self._waiters:
                self._holder = holder
                return True
            mine = (holder, threading.Event())
            self._waiters.append(mine)
        if mine[1].wait(timeout):
            return True
        with self._mutex:
            if mine[1].is_set():
                # It was handed over in the very moment that we gave up.
                return True
            self._waiters.remove(mine)
            return False

    def release(self, holder: object) -> None:
        """Let the next one in; nothing happens if `holder` does not hold it (any more)."""
        with self._mutex:
            if self._holder is not holder:
                return
            # Ownership passes on directly: nobody can overtake.
            self._holder, opened = self._waiters.popleft() if self._waiters else (None, None)
            if opened is not None:
                opened.set()


_gates: dict[str, FairGate] = {}
_gates_mutex = threading.Lock()


def _gate_for(name: str) -> FairGate:
    with _gates_mutex:
        return _gates.setdefault(name, FairGate())


class DatabaseWrapper(base.DatabaseWrapper):
    """Take the gate for each transaction, and for each single write outside one."""

    creation_class = DatabaseCreation

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._holds_gate = False

    def _enter_gate(self) -> None:
        if not self._holds_gate:
            timeout = float(self.settings_dict["OPTIONS"].get("timeout", 20))
            if not _gate_for(str(self.settings_dict["NAME"])).acquire(self, timeout):
                raise OperationalError(f"database is locked: another thread has been writing for {timeout:.0f} s")
            self._holds_gate = True

    def _leave_gate(self) -> None:
        if self._holds_gate:
            self._holds_gate = False
            _gate_for(str(self.settings_dict["NAME"])).release(self)

    def _start_transaction_under_autocommit(self) -> None:
        self._enter_gate()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._leave_gate()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        # A commit that fails keeps the transaction: Django rolls back next, which leaves the gate.
        self._leave_gate()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._leave_gate()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._leave_gate()

    def create_cursor(self, name: str | None = None) -> GatedCursor:  # noqa: ARG002 - Django's signature
        cursor: GatedCursor = self.connection.cursor(factory=GatedCursor)
        return cursor

    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), "factory": GatedConnection}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.wrapper = self
        return connection


class GatedConnection(sqlite3.Connection):
    """A connection that knows the wrapper whose gate its cursors use."""

    wrapper: DatabaseWrapper


class GatedCursor(base.SQLiteCursorWrapper):
    """A cursor that takes the gate around a write outside a transaction."""

    def execute(self, query: str, params: Any = None) -> Any:
        wrapper = cast("GatedConnection", self.connection).wrapper
        if wrapper._holds_gate or wrapper.in_atomic_block or not query.lstrip()[:7].upper().startswith(_WRITES):
            return super().execute(query, params)
        wrapper._enter_gate()
        try:
            return super().execute(query, params)
        finally:
            wrapper._leave_gate()
