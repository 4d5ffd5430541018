"""An installation as a newcomer has it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .installation import Database, Installation


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Installation]:
    """An installation on an empty database that asks for a login."""
    url = os.environ.get("DATABASE_URL", "")
    database = Database(url.rpartition("/")[0] if url.startswith("postgres") else "", tmp_path / "data")
    installation = Installation(database)
    installation.environment |= {"OAUTH2_ACTIVE": "true", "PROCESS_LEASE_SECONDS": "20"}
    yield installation
    database.drop()
