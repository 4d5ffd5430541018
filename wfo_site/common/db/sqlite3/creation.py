"""Test databases in files: with the write-ahead log beside them, which must go when they go."""

from __future__ import annotations

from pathlib import Path

from django.db.backends.sqlite3 import creation


class DatabaseCreation(creation.DatabaseCreation):
    """Remove what an earlier run left beside the file: SQLite would take it for the log of the new database."""

    def _create_test_db(self, verbosity: int, autoclobber: bool, keepdb: bool = False) -> str:
        if not keepdb:
            _remove_logs(self._get_test_db_name())  # type: ignore[attr-defined]
        return super()._create_test_db(verbosity, autoclobber, keepdb)  # type: ignore[misc, no-any-return]

    def _destroy_test_db(self, test_database_name: str, verbosity: int) -> None:
        super()._destroy_test_db(test_database_name, verbosity)  # type: ignore[misc]
        _remove_logs(test_database_name)


def _remove_logs(database: str) -> None:
    if not database.startswith(("file:", ":")):
        for suffix in ("-wal", "-shm"):
            Path(database + suffix).unlink(missing_ok=True)
