"""F15: a database that takes nothing more for a while: read-only, out of connections, out of disk."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.faults.harness.lab import Lab
from tests.faults.harness.oracle import THREE, assert_right
from tests.faults.harness.servers import Postgres, folder_for, own_postgres, unprivileged
from tests.faults.harness.web import Web, web_of
from tests.story.installation import wait_until

from .conftest import needs_postgresql
from .test_lost_databases import assert_alive

pytestmark = [pytest.mark.faults, needs_postgresql]

THREADS = 2
DISK = "300m"


@contextmanager
def read_only(cluster: Postgres) -> Iterator[None]:
    """Let the server take no changes, as a replica or one that was switched over does."""
    cluster.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    cluster.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        cluster.execute("ALTER SYSTEM RESET default_transaction_read_only")
        cluster.execute("SELECT pg_reload_conf()")


@contextmanager
def no_connection_left(cluster: Postgres) -> Iterator[None]:
    """Take every connection that the server has, those that come free too."""
    taken: list[psycopg.Connection[object]] = []
    with suppress(psycopg.OperationalError):
        while True:
            taken.append(psycopg.connect(f"{cluster.server}/wfo", autocommit=True))
    try:
        yield
    finally:
        for connection in taken:
            connection.close()


@contextmanager
def full_disk(cluster: Postgres) -> Iterator[None]:
    """Write the disk of the server full, to the last byte. A server that can't write its log gives up in the end."""
    filler = cluster.folder / "filler"
    with filler.open("wb") as file, suppress(OSError):
        while True:
            os.write(file.fileno(), bytes(1 << 16))
    try:
        yield
    finally:
        filler.unlink()
        cluster.bring_back()


TROUBLES: list[Callable[[Postgres], AbstractContextManager[None]]] = [read_only, no_connection_left, full_disk]


@contextmanager
def small_disk() -> Iterator[Path]:
    """Mount a disk in memory for the block. Without the right to mount the test is left out, except in CI."""
    with folder_for(unprivileged("postgres")) as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=777", "tmpfs", str(folder)]
        mounted = subprocess.run(mount, check=False, capture_output=True)
        if mounted.returncode:
            if os.environ.get("CI") == "true":
                raise PermissionError(mounted.stderr.decode())
            pytest.skip("no right to mount a small disk")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.fault("F15")
def test_databases_that_take_nothing_more(lab: Lab) -> None:
    """Requests are told so and change nothing, runners outlive it, and afterwards everything goes on by itself."""
    with small_disk() as disk, own_postgres(disk) as cluster:
        cluster.execute("CREATE DATABASE wfo")
        fleet = lab.fleet(f"{cluster.server}/wfo")
        fleet.ask("migrate")
        runners = [fleet.pool(THREADS) for _ in range(lab.runners)]
        with web_of(fleet) as web:
            for trouble in TROUBLES:
                started = fleet.start("three_steps", lab.count(20, 700))
                with trouble(cluster):
                    refused = refusals(web, lab.size(3, 100))
                back = time.monotonic()
                wait_until(lambda: is_served(web), 30)
                served_after = time.monotonic() - back
                fleet.wait_for_end(started, seconds=30 + 2 * lab.lease + len(started) / 5)
                assert_alive(runners)
                assert_right(fleet.facts(started), lab.ledger, THREE)
                lab.figures.note(
                    processes=len(started),
                    **{f"refused_{trouble.__name__}": refused, f"served_after_{trouble.__name__}": served_after},
                )
        fleet.close()


def refusals(web: Web, seconds: float) -> int:
    """Start workflows until one is refused and for so long; each gets an answer that says why, or is made."""
    refused, until = 0, time.monotonic() + seconds
    while time.monotonic() < until or not refused:
        answer = web.start("three_steps", uuid4().hex)
        assert answer is not None, "the web process died"
        if answer.status_code != 201:
            assert answer.status_code == 503, answer.text
            assert "The database does not answer, or takes no changes" in answer.json()["detail"]
            assert answer.headers["Retry-After"]
            refused += 1
        assert time.monotonic() < until + 60, "nothing was refused"
    return refused


def is_served(web: Web) -> bool:
    answer = web.start("three_steps", uuid4().hex)
    return answer is not None and answer.status_code == 201
