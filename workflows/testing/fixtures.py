"""Fixtures for pytest: `pytest_plugins = ["workflows.testing.fixtures"]` in a conftest.py at the top of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from workflows.testing.engine import Engine


@pytest.fixture
def engine(db: None) -> Iterator[Engine]:  # noqa: ARG001 - the database is what it is asked for
    """The engine, held by the test: see `workflows.testing.Engine`."""
    with Engine() as held:
        yield held
