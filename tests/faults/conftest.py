"""One small network is built once; each test gets a copy of it to break."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.story.installation import Database, Installation


def places(short: list[str], long: list[str]) -> list[object]:
    """Return test parameters for the places: those of the long form run only with `--long`."""
    return [*short, *(pytest.param(place, marks=pytest.mark.long) for place in long)]


@dataclass
class World:
    """A network with two nodes and two tagged ports."""

    database: Database
    ports: list[str]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    url = os.environ.get("DATABASE_URL", "")
    server = url.rpartition("/")[0] if url.startswith("postgres") else ""
    database = Database(server, tmp_path_factory.mktemp("world") / "data")
    with Installation(database).serving() as served:
        story = served.story
        story.bootstrap()
        nodes = [story.create_node("ams-1"), story.create_node("par-1")]
        ports = [story.create_port(node) for node in nodes]
    yield World(database, ports)
    database.drop()


@pytest.fixture
def copy(world: World, tmp_path: Path) -> Iterator[Database]:
    database = world.database.copy(tmp_path / "data")
    yield database
    database.drop()
