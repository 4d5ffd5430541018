"""Servers of our own on free ports, to be stopped, killed and frozen: PostgreSQL, Redis and RabbitMQ."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kombu
import psycopg
import pytest

from tests.story.installation import kill, wait_until


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def program(name: str, *folders: str) -> str:
    """Return where a program is: in the path, or in folders, which are patterns below the root.

    Without it the test is left out, except in CI, where it must be there.
    """
    found = shutil.which(name) or next(
        (str(path) for folder in folders for path in sorted(Path("/").glob(f"{folder}/{name}"))), None
    )
    if found is None:
        if os.environ.get("CI") == "true":
            raise FileNotFoundError(name)
        pytest.skip(f"no {name} on this machine")
    return found


def unprivileged(*names: str) -> dict[str, str]:
    """Return what makes a child run as an ordinary user: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    return {"user": next(name for name in (*names, "nobody") if name in known)}


@contextmanager
def folder_for(identity: dict[str, str], within: Path | None = None) -> Iterator[Path]:
    """Make a folder that the user of a server may write, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="wfo_fault_", dir=within))
    if identity:
        shutil.chown(folder, identity["user"])
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Postgres:
    """A cluster of our own."""

    def __init__(self, folder: Path, identity: dict[str, str]) -> None:
        self.port = free_port()
        self.folder = folder
        self._data = folder / "data"
        self._identity = identity
        self._control = program("pg_ctl", "usr/lib/postgresql/*/bin")
        self._run(
            *(program("initdb", "usr/lib/postgresql/*/bin"), "-D", str(self._data), "-U", "wfo", "-A", "trust"),
            *("--no-instructions", "--no-sync", "-E", "UTF8"),
        )

    @property
    def server(self) -> str:
        """Its address without the name of a database."""
        return f"postgresql://wfo@127.0.0.1:{self.port}"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k '' -c max_connections=100"
        log = str(self._data.parent / "log")
        self._run(self._control, "start", "-w", "-t", "60", "-D", str(self._data), "-l", log, "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends all sessions in order, `immediate` is a crash."""
        self._run(self._control, "stop", "-w", "-m", mode, "-D", str(self._data))

    def is_running(self) -> bool:
        status = (self._control, "status", "-D", str(self._data))
        return not subprocess.run(status, check=False, cwd="/", stdout=subprocess.DEVNULL, **self._identity).returncode  # type: ignore[call-overload]

    def bring_back(self) -> None:
        """Start it if it has given up, as whatever looks after services does."""
        if not self.is_running():
            self.start()

    def execute(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(f"{self.server}/postgres", autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement, parameters or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            check=False,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._identity,  # type: ignore[call-overload]
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}"


@contextmanager
def own_postgres(within: Path | None = None) -> Iterator[Postgres]:
    """Run a PostgreSQL cluster for the block, with its data in a folder that others may enter."""
    identity = unprivileged("postgres")
    with folder_for(identity, within) as folder:
        cluster = Postgres(folder, identity)
        cluster.start()
        try:
            yield cluster
        finally:
            if cluster.is_running():
                cluster.stop("immediate")


class Broker:
    """A broker that is one process of ours."""

    url: str
    port: int

    def __init__(self, command: list[str], environment: dict[str, str], identity: dict[str, str]) -> None:
        self._command = command
        self._environment = environment
        self._identity = identity
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            cwd="/",
            env={**os.environ, **self._environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._identity,  # type: ignore[call-overload]
        )
        wait_until(self.is_ready)

    def is_ready(self) -> bool:
        """Whether it takes connections of clients."""
        try:
            with kombu.Connection(self.url, connect_timeout=1) as connection:
                connection.connect()
        except Exception:  # of whatever kind: it is not there yet
            return False
        return True

    def kill(self) -> None:
        """kill -9, with all that it has started."""
        if self._process is not None:
            kill(self._process)  # type: ignore[arg-type]
            wait_until(lambda: not listens(self.port))

    def freeze(self) -> None:
        """Let it take connections and say nothing, as a machine that swaps does."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGCONT)


class Redis(Broker):
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        options = {"--port": str(self.port), "--bind": "127.0.0.1", "--save": "", "--dir": str(folder)}
        super().__init__([program("redis-server"), *(word for pair in options.items() for word in pair)], {}, {})


class Rabbit(Broker):
    def __init__(self, folder: Path, identity: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        (folder / "enabled_plugins").write_text("[].")
        # A file of our own, or the node would take the port and the settings of the machine's.
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")
        environment = {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"wfo_fault_{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }
        # The script in the path wants to become the user of the machine's node.
        super().__init__([program("bin/rabbitmq-server", "usr/lib/rabbitmq")], environment, identity)


@contextmanager
def own_redis() -> Iterator[Redis]:
    """Run a Redis server for the block."""
    with folder_for({}) as folder:
        yield from _running(Redis(folder))


@contextmanager
def own_rabbit() -> Iterator[Rabbit]:
    """Run a RabbitMQ node for the block."""
    identity = unprivileged("rabbitmq")
    with folder_for(identity) as folder:
        yield from _running(Rabbit(folder, identity))


def _running(broker: Broker) -> Iterator[Broker]:  # type: ignore[misc]
    try:
        broker.start()
        yield broker
    finally:
        broker.thaw()
        broker.kill()
