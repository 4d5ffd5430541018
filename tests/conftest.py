"""What every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations

pytest_plugins = ["workflows.testing.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long form of the fault tests too")
    parser.addoption("--part", type=float, default=1.0, help="of the long form only such a part, to see that it works")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long form out unless it was asked for."""
    if config.getoption("--long"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """Empty tables after a test by deleting what is in them: for PostgreSQL, truncating sixty tables takes a second."""

    def sql_flush(operations: Any, style: Any, tables: list[str], **_: Any) -> list[str]:
        names = [operations.quote_name(table) for table in tables]
        # As a replica, the server leaves foreign keys and triggers alone: everything goes, in whatever order.
        return [
            "SET session_replication_role = replica",
            *(f"DELETE FROM {name}" for name in names),
            "SET session_replication_role = DEFAULT",
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        yield
