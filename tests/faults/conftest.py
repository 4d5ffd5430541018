"""What fault tests start from: the example network to break, or a fleet of runners on a database of their own.

The short form takes minutes and runs everywhere; `--long` runs each fault at its full size and writes the report.
"""

from __future__ import annotations

import os
import random
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from tests.faults.harness.figures import Figures, write_report
from tests.faults.harness.fleet import Fleet, Place, Zygote, zygote_for
from tests.faults.harness.lab import Lab
from tests.faults.harness.ledger import serving_ledger
from tests.story.installation import LEASE_SECONDS, Database, redis_url

from .fleet import installed, tidy

SAMPLE = "tests.faults.sample"
_all_figures: list[Figures] = []
_OUTCOME = pytest.StashKey[str]()


def places(short: list[str], long: list[str]) -> list[object]:
    """Return test parameters for the places: those of the long form run only with `--long`."""
    return [*short, *(pytest.param(place, marks=pytest.mark.long) for place in long)]


def short_on(database: str) -> pytest.MarkDecorator:
    """Mark a test that belongs to the long form on another database."""
    return pytest.mark.faults if database_kind() == database else pytest.mark.long


def database_kind() -> str:
    return "PostgreSQL" if postgresql_server() else "SQLite"


def postgresql_server() -> str:
    """The address of the server that these tests run on, without a database; "" for SQLite."""
    url = os.environ.get("DATABASE_URL", "")
    return url.rpartition("/")[0] if url.startswith("postgres") else ""


needs_postgresql = pytest.mark.skipif(not postgresql_server(), reason="a fault of PostgreSQL")


@pytest.fixture(scope="session", autouse=True)
def tidy_up() -> Iterator[None]:
    yield
    tidy()


@dataclass
class World:
    """A network with two nodes and two tagged ports."""

    database: Database
    ports: list[str]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    database = Database(postgresql_server(), tmp_path_factory.mktemp("world") / "data")
    with installed(database).serving() as served:
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


@pytest.fixture
def broker() -> None:
    """Without Redis these are left out, except in CI, where it must be there."""
    try:
        redis.Redis.from_url(redis_url(), socket_connect_timeout=3).ping()
    except redis.RedisError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no Redis at TEST_REDIS_URL: {error}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--long") and _all_figures:
        write_report(_all_figures)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_OUTCOME] = "held" if report.passed else "failed"
    return report


@pytest.fixture
def figures(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[Figures]:
    """What the test measures, printed at the end with the seed of its chance; FAULT_SEED gives the same again."""
    made = Figures(
        fault=request.node.get_closest_marker("fault").args[0],
        what=request.node.name.removeprefix("test_").replace("_", " "),
        database=database_kind(),
        seed=int(os.environ.get("FAULT_SEED", random.randrange(1_000_000))),
    )
    yield made
    made.result = request.node.stash.get(_OUTCOME, "failed")
    if made.values:
        _all_figures.append(made)
        with capsys.disabled():
            print(f"\n{made}")


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    folder = tmp_path_factory.mktemp("zygote")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
        "DATABASE_URL": f"{postgresql_server()}/none" if postgresql_server() else "",
        "WFO_DATA_DIR": str(folder),
        "WFO_EXTENSIONS": SAMPLE,
        "EXECUTOR": "threadpool",
        "OAUTH2_ACTIVE": "false",
    }
    with zygote_for(environment, folder / "zygote.log") as made:
        yield made


@pytest.fixture(scope="session")
def empty(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with the tables and the sample's catalogue, to be copied."""
    database = Database(postgresql_server(), tmp_path_factory.mktemp("empty") / "data")
    Fleet(zygote, database.folder, Place(database.url, LEASE_SECONDS)).ask("migrate")
    yield database
    database.drop()


@pytest.fixture
def sample(empty: Database, tmp_path: Path) -> Iterator[Database]:
    """A database of the sample for one test."""
    database = empty.copy(tmp_path / "data")
    yield database
    database.drop()


@pytest.fixture
def lab(
    request: pytest.FixtureRequest, zygote: Zygote, sample: Database, tmp_path: Path, figures: Figures
) -> Iterator[Lab]:
    """Everything that a fault test needs."""
    part = request.config.getoption("--part") if request.config.getoption("--long") else 0
    figures.load = f"{part:.0%}"
    with serving_ledger() as ledger:
        made = Lab(zygote, tmp_path, sample, ledger, figures, random.Random(figures.seed), part)
        try:
            yield made
        finally:
            made.close()
