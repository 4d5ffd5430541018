"""Workers that somebody starts again whenever they die, as systemd or a container runtime does."""

from __future__ import annotations

import functools
import os
import sqlite3
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from tests.faults.harness.warm import Warm
from tests.story.installation import Database, Installation, Program, kill, redis_url

RABBITMQ = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")


def broker_url(kind: str) -> str:
    """Return the address of a broker with empty queues. Where there is none the test is left out, except in CI."""
    url = redis_url(13) if kind == "redis" else RABBITMQ
    try:
        if kind == "redis":
            redis.Redis.from_url(url, socket_connect_timeout=3).flushdb()
        else:
            _purge(url)
    except (redis.RedisError, OSError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no broker at {url}: {error}")
    return url


def _purge(url: str) -> None:
    from kombu import Connection

    with Connection(url, connect_timeout=3) as connection:
        channel = connection.default_channel
        for queue in ("new_workflows", "new_tasks", "resume_workflows", "resume_tasks", "gpu"):
            channel.queue_delete(queue)


@functools.cache
def warm() -> Warm:
    return Warm()


def installed(database: Database, *, executor: str = "threadpool", **environment: str) -> Installation:
    """Return an installation whose programs start in a moment."""
    installation = Installation(database, executor=executor, launch=warm().launch)
    installation.environment |= environment
    return installation


def trouble(folder: Path, *, executor: str, broker: str = "", **environment: str) -> Installation:
    """Return an installation of the workflows of `tests.faults.trouble`, with tables but without processes."""
    return installed(
        _with_tables().copy(folder / "data"),
        executor=executor,
        **{**TROUBLE, "LEDGER": str(folder / "ledger"), "CELERY_BROKER_URL": broker, **environment},
    )


TROUBLE = {"WFO_EXTENSIONS": "tests.faults.trouble"}


@functools.cache
def _with_tables() -> Database:
    server = os.environ.get("DATABASE_URL", "")
    folder = Path(tempfile.mkdtemp(prefix="wfo_fault_")) / "data"
    database = Database(server.rpartition("/")[0] if server.startswith("postgres") else "", folder)
    migrating = installed(database, **TROUBLE).run("manage.py", "migrate", "--verbosity", "0", log="migrate")
    assert migrating.wait(timeout=120) == 0, (folder / "migrate.log").read_text()
    return database


def tidy() -> None:
    """End and remove what tests have shared."""
    if _with_tables.cache_info().currsize:
        _with_tables().drop()
        _with_tables().folder.parent.rmdir()
    if warm.cache_info().currsize:
        warm().end()


def start(installation: Installation, *jobs: tuple[str, dict[str, Any]], priority: int = 0) -> list[str]:
    """Start workflows, each with one page of input, and return the ids of their processes."""
    return installation.ask(
        f"from workflows.services import start_process\njobs = {jobs!r}\n"
        f"print(json.dumps([str(start_process(key, [page], priority={priority})) for key, page in jobs]))"
    )


def select(database: Database, what: str) -> list[tuple[Any, ...]]:
    """Return rows of the process table, straight from the database; `what` are the columns."""
    sql = f"SELECT {what} FROM workflows_process ORDER BY process_id"
    if database.server:
        with psycopg.connect(database.url) as connection:
            return connection.execute(sql).fetchall()  # type: ignore[call-overload]
    with closing(sqlite3.connect(database.folder / "orchestrator.sqlite3", timeout=20)) as connection:
        return connection.execute(sql).fetchall()


def statuses(database: Database) -> Counter[str]:
    return Counter(status for (status,) in select(database, "last_status"))


class Ledger:
    """What the steps of `tests.faults.trouble` have noted."""

    def __init__(self, installation: Installation) -> None:
        self._file = Path(installation.environment["LEDGER"])

    def lines(self) -> list[list[str]]:
        """Return the words of each line: process, those of the step's name, what happened."""
        return [line.split() for line in self._file.read_text().splitlines()] if self._file.exists() else []

    def count(self, *words: str) -> int:
        return sum(set(words) <= set(line) for line in self.lines())


@contextmanager
def kept_up(*starts: Callable[[], Program]) -> Iterator[list[int]]:
    """Start each and start it again whenever it has died, for the block. Gives a list that grows by its exit codes."""
    deaths: list[int] = []
    over = threading.Event()

    def keep(begin: Callable[[], Program]) -> None:
        while not over.is_set():
            process = begin()
            while process.poll() is None and not over.wait(0.05):
                pass
            if process.poll() is not None:
                deaths.append(process.returncode)
            kill(process)

    threads = [threading.Thread(target=keep, args=(begin,)) for begin in starts]
    for thread in threads:
        thread.start()
    try:
        yield deaths
    finally:
        over.set()
        for thread in threads:
            thread.join()


def celery_worker(installation: Installation, *options: str, name: str = "worker") -> Program:
    """Start a Celery worker; its log is `<name>.log` in the folder of the database."""
    command = ("-m", "celery", "-A", "wfo_site", "worker", "-n", f"{name}@%h", *options)
    return installation.run(*command, log=name)


def server(installation: Installation) -> Program:
    """Start `manage.py serve` on a free port; its log is `serve.log` in the folder of the database."""
    return installation.run("manage.py", "serve", "--port", "0", log="serve")
