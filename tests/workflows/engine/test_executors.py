"""Executors differ only in who calls the engine: each must run what is due, also what nobody rang for."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction

from workflows import State, StepList, begin, done, init, step, workflow
from workflows.engine import claims
from workflows.executors.inline import Inline
from workflows.executors.threadpool import ThreadPool
from workflows.models import Process
from workflows.services import start_process

from .conftest import StartWorkflow, rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def bells_reach_nobody(settings: Any) -> None:
    """The executor that bells go to is not started; the one under test is rung by hand, or not at all."""
    settings.EXECUTOR = "threadpool"
    settings.PROCESS_LEASE_SECONDS = 0.8


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    made = ThreadPool(2)
    yield made
    made.stop(10)


def wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def statuses() -> set[str]:
    return set(Process.every.values_list("last_status", flat=True))


def counting(start: StartWorkflow) -> Callable[[], Process]:
    @step("Count")
    def count(n: int = 0) -> State:
        return {"n": n + 1}

    @workflow("Counting")
    def counting_workflow() -> StepList:
        return begin >> init >> count >> done

    return lambda: start(counting_workflow)


def test_the_pool_runs_at_its_start_what_was_left_by_others(start: StartWorkflow, pool: ThreadPool) -> None:
    new = counting(start)
    for _ in range(9):
        new()
    pool.start()
    wait_for(lambda: statuses() == {"completed"})


def test_the_sweeper_finds_what_nobody_rang_for(start: StartWorkflow, pool: ThreadPool) -> None:
    pool.start()
    new = counting(start)
    for _ in range(3):
        new()
    wait_for(lambda: statuses() == {"completed"})


def test_a_process_rung_for_twice_is_run_once(start: StartWorkflow, pool: ThreadPool) -> None:
    process = counting(start)()
    pool.start()
    pool.ring([process.pk] * 5)
    wait_for(lambda: statuses() == {"completed"})
    assert rows(process) == [("Start", "success"), ("Count", "success"), ("Done", "complete")]


def test_a_thread_that_has_run_leaves_no_transaction_open(start: StartWorkflow, pool: ThreadPool) -> None:
    """Conformance 92."""
    seen: list[bool] = []

    @step("Look")
    def look() -> None:
        seen.append(connection.in_atomic_block)

    @workflow("Looking")
    def looking() -> StepList:
        return init >> look >> done

    process = start(looking)
    pool.start()
    wait_for(lambda: statuses() == {"completed"})
    assert seen == [False]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            )
            assert cursor.fetchone() == (0,)
    else:
        with connection.cursor() as cursor:
            # A transaction left open would hold the one write lock there is.
            cursor.execute("PRAGMA busy_timeout = 1000")
        Process.every.filter(pk=process.pk).update(note="written")


def test_the_lease_of_a_long_step_is_kept_and_nobody_else_runs_it(start: StartWorkflow, pool: ThreadPool) -> None:
    """The step takes longer than three leases; another runner looks all the while."""
    runs: list[int] = []
    release = threading.Event()

    @step("Slow")
    def slow() -> None:
        runs.append(1)
        release.wait(20)

    @workflow("Slow")
    def slow_workflow() -> StepList:
        return init >> slow >> done

    process = start(slow_workflow)
    pool.start()
    wait_for(lambda: len(runs) == 1)
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        assert claims.claim(process.pk, "another") is None
        time.sleep(0.05)
    release.set()
    wait_for(lambda: statuses() == {"completed"})
    assert len(runs) == 1


def test_a_pool_that_stops_hands_back_between_steps_and_another_goes_on(start: StartWorkflow) -> None:
    begun, release = threading.Event(), threading.Event()

    @step("First")
    def first() -> None:
        begun.set()
        release.wait(20)

    @step("Second")
    def second() -> None: ...

    @workflow("Two steps")
    def two_steps() -> StepList:
        return init >> first >> second >> done

    process = start(two_steps)
    one, other = ThreadPool(1), ThreadPool(1)
    one.start()
    assert begun.wait(20)
    stopper = threading.Thread(target=one.stop, args=(15,))
    stopper.start()
    release.set()
    stopper.join()
    process.refresh_from_db()
    assert (process.last_status, process.lease_until) == ("running", None)
    assert rows(process)[-1] == ("First", "success")
    other.start()
    wait_for(lambda: statuses() == {"completed"})
    other.stop(10)


def test_inline_runs_after_the_outermost_commit_and_never_within_another_run(
    start: StartWorkflow, settings: Any
) -> None:
    order: list[str] = []

    @step("Inner")
    def inner() -> None:
        order.append("inner")

    @workflow("Inner")
    def inner_workflow() -> StepList:
        return init >> inner >> done

    @step("Start another", atomic=True)
    def start_another() -> None:
        start_process("inner_workflow")
        order.append("started")

    @step("Afterwards")
    def afterwards() -> None:
        order.append("afterwards")

    @workflow("Outer")
    def outer_workflow() -> StepList:
        return init >> start_another >> afterwards >> done

    start(inner_workflow)
    inline = Inline()
    inline.ring(list(Process.every.values_list("pk", flat=True)))
    order.clear()
    settings.EXECUTOR = "inline"
    with transaction.atomic():
        process = start(outer_workflow)
        assert order == []
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert order == ["started", "afterwards", "inner"]


def test_a_child_that_forks_after_a_query_opens_a_connection_of_its_own(start: StartWorkflow) -> None:
    """A worker's children must never share the parent's socket: one would read the other's answer."""
    counting(start)()
    assert Process.every.count() == 1
    if connection.vendor != "postgresql":
        # A SQLite connection must not cross a fork at all; the parent's is closed before.
        connections.close_all()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - the child ends here
        try:
            from celery.fixups.django import DjangoWorkerFixup

            from wfo_site.celery import app

            DjangoWorkerFixup(app).on_worker_process_init()
            answer = str(Process.every.count())
        except BaseException as error:  # whatever it is, the parent must hear of it
            answer = repr(error)
        os.write(write, answer.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 1000) == b"1"
    assert Process.every.count() == 1
