"""A real installation in processes of its own: `manage.py serve`, Celery workers, a database, and ways to kill them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from uuid import uuid4

import httpx
import psycopg

from tests.story.rest import RestStory

ROOT = Path(__file__).resolve().parents[2]
LEASE_SECONDS = 3
PATIENCE = 60
SERVING = "Serving at "


def redis_url(database: int = 14) -> str:
    """Return the address of a database, 14 or 13; a second test process beside the first has two of its own."""
    beside = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379") + f"/{database - 2 * beside}"


class Database:
    """The database of one installation: a SQLite file or a PostgreSQL database, which can be copied."""

    def __init__(self, server: str, folder: Path) -> None:
        # "" for SQLite, else the address of a PostgreSQL server without the name of a database.
        self.server = server
        self.folder = folder
        self.name = f"wfo_fault_{uuid4().hex[:12]}"
        folder.mkdir(parents=True)
        if server:
            self._on_server(f'CREATE DATABASE "{self.name}"')

    @property
    def url(self) -> str:
        return f"{self.server}/{self.name}" if self.server else f"sqlite:///{self.folder / 'orchestrator.sqlite3'}"

    def copy(self, folder: Path) -> Database:
        copied = Database.__new__(Database)
        copied.server, copied.folder, copied.name = self.server, folder, f"wfo_fault_{uuid4().hex[:12]}"
        shutil.copytree(self.folder, folder)
        if self.server:
            self._on_server(f'CREATE DATABASE "{copied.name}" TEMPLATE "{self.name}"')
        return copied

    def drop(self) -> None:
        shutil.rmtree(self.folder)
        if self.server:
            self._on_server(f'DROP DATABASE "{self.name}" WITH (FORCE)')

    def _on_server(self, statement: str) -> None:
        with psycopg.connect(f"{self.server}/postgres", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


class Program(Protocol):
    """A running program, which leads a group of processes; see `subprocess.Popen`."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None: ...

    def wait(self, timeout: float = ...) -> int: ...


# Runs the words after `python`, in an environment, and appends what is printed to a file.
Launch: TypeAlias = Callable[[Sequence[str], Mapping[str, str], Path], Program]


def spawn(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Program:
    with log.open("a") as output:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


class Installation:
    """Starts and kills the processes of one installation on one database."""

    def __init__(self, database: Database, *, executor: str = "threadpool", launch: Launch = spawn) -> None:
        self.database = database
        self._launch = launch
        self.stop_file = database.folder / "stopped"
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "DATABASE_URL": database.url,
            "WFO_DATA_DIR": str(database.folder),
            "PROCESS_LEASE_SECONDS": str(LEASE_SECONDS),
            "OAUTH2_ACTIVE": "false",
            "EXECUTOR": executor,
            "CELERY_BROKER_URL": redis_url(),
            "PYTHONUNBUFFERED": "1",
        }

    def run(self, *command: str, stop_at: str | None = None, log: str) -> Program:
        """Start a program of ours; its log is `<log>.log` in the folder of the database."""
        self.stop_file.unlink(missing_ok=True)
        environment = dict(self.environment)
        if stop_at is not None:
            environment |= {"STOP_AT": stop_at, "STOP_FILE": str(self.stop_file)}
        return self._launch(command, environment, self.database.folder / f"{log}.log")

    @contextmanager
    def serving(self, *, stop_at: str | None = None) -> Iterator[Served]:
        """Run `manage.py serve` for the block; it is killed at the end if it still lives."""
        log = self.database.folder / "serve.log"
        before = log.read_text().count(SERVING) if log.exists() else 0
        process = self.run("manage.py", "serve", "--port", "0", stop_at=stop_at, log="serve")
        served = None
        try:
            wait_until(lambda: process.poll() is not None or log.read_text().count(SERVING) > before)
            assert process.poll() is None, log.read_text()[-3000:]
            url = log.read_text().rpartition(SERVING)[2].split()[0]
            served = Served(self, process, url)
            yield served
        finally:
            kill(process)
            if served is not None:
                served.client.close()

    @contextmanager
    def worker(self, *, stop_at: str | None = None) -> Iterator[Program]:
        """Run a Celery worker with two child processes for the block."""
        log = self.database.folder / "worker.log"
        before = log.read_text().count(" ready.") if log.exists() else 0
        queues = "new_tasks,new_workflows,resume_tasks,resume_workflows"
        process = self.run(
            *("-m", "celery", "-A", "wfo_site", "worker", "-c", "2", "-Q", queues),
            stop_at=stop_at,
            log="worker",
        )
        try:
            wait_until(lambda: process.poll() is not None or log.read_text().count(" ready.") > before)
            assert process.poll() is None, log.read_text()[-3000:]
            yield process
        finally:
            kill(process)

    @property
    def printed_password(self) -> str:
        """The password that the first start printed, once."""
        log = (self.database.folder / "serve.log").read_text()
        return log.partition("with the password ")[2].split()[0]

    def wait_until_stopped(self) -> None:
        """Wait for a process of ours to stand at its STOP_AT."""
        wait_until(self.stop_file.exists)

    def ask(self, code: str) -> Any:
        """Run Python in `manage.py shell` and return the JSON that it prints."""
        answer = self.database.folder / f"answer_{uuid4().hex}"
        # What is logged meanwhile goes elsewhere.
        into_file = f"import json, sys\nsys.stdout = open({str(answer)!r}, 'w')\n"
        program = self.run("manage.py", "shell", "--no-imports", "-c", into_file + code, log="ask")
        log = self.database.folder / "ask.log"
        assert program.wait(timeout=PATIENCE) == 0, log.read_text()[-3000:]
        return json.loads(answer.read_text())


class Served:
    """A running server, and a client of its API."""

    def __init__(self, installation: Installation, process: Program, url: str) -> None:
        self.installation = installation
        self.process = process
        self.client = httpx.Client(base_url=url.rstrip("/"), timeout=20)
        self.story = RestStory(self.client, patience=PATIENCE)

    def kill(self) -> None:
        kill(self.process)


def kill(process: Program) -> None:
    """Kill a process of ours and its children, without a chance to tidy up."""
    if process.poll() is None:
        # It may have ended a moment ago.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


def wait_until(holds: Any, seconds: float = PATIENCE) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
