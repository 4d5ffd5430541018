"""Executors differ only in who calls the engine: each must run what is due, also what nobody rang for."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import Q

from workflows import State, StepList, begin, done, init, step, task, workflow
from workflows.engine import claims
from workflows.engine.fault_points import FaultPoint, install
from workflows.engine.runner import run
from workflows.enums import Priority
from workflows.executors.inline import Inline
from workflows.executors.threadpool import ThreadPool
from workflows.models import Process
from workflows.services import resume_all_tasks, start_process

from .conftest import StartWorkflow, rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bells_reach_nobody")]


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


@contextmanager
def broker_at(url: str) -> Iterator[None]:
    """Let Celery publish there for the block."""
    from wfo_site.celery import app

    known = app.conf.broker_url, app.conf.broker_write_url
    app.conf.broker_url = app.conf.broker_write_url = url
    # The pools of connections are those of the broker that was known when they were made.
    app._pool = app.amqp._producer_pool = None
    yield
    app.conf.broker_url, app.conf.broker_write_url = known
    app._pool = app.amqp._producer_pool = None


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


def test_a_second_bell_does_not_end_the_heartbeats_of_the_first(start: StartWorkflow, pool: ThreadPool) -> None:
    """The thread that finds the process taken leaves it alone, and its lease too."""
    begun, release = threading.Event(), threading.Event()

    @step("Slow")
    def slow() -> None:
        begun.set()
        release.wait(20)

    @workflow("Slow")
    def slow_workflow() -> StepList:
        return init >> slow >> done

    process = start(slow_workflow)
    pool.start()
    assert begun.wait(20)
    pool.ring([process.pk] * 3)
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        assert claims.claim(process.pk, "another") is None
        time.sleep(0.05)
    release.set()
    wait_for(lambda: statuses() == {"completed"})


def test_no_step_can_take_a_thread_from_the_pool(start: StartWorkflow) -> None:
    """Not one that ends its program, and not an error that the engine itself does not expect."""

    @step("Exit")
    def leave() -> None:
        raise SystemExit(3)

    @workflow("Leaving")
    def leaving() -> StepList:
        return init >> leave >> done

    process = start(leaving)
    pool = ThreadPool(1)
    pool.start()
    wait_for(lambda: statuses() == {"failed"})

    def die(point: FaultPoint, _step: str) -> None:
        install(None)
        raise KeyboardInterrupt

    install(die)
    pool.ring([process.pk])
    counting(start)()
    wait_for(lambda: statuses() == {"failed", "completed"})
    pool.stop(10)


def test_a_look_that_finds_as_many_as_fit_looks_again_at_once(start: StartWorkflow, settings: Any) -> None:
    """Many lost bells are not made good two at a time: sixty would take thirty looks, a second and a half apart."""
    settings.PROCESS_LEASE_SECONDS = 20
    pool = ThreadPool(2)
    pool.start()
    new = counting(start)
    for _ in range(60):
        new()
    wait_for(lambda: statuses() == {"completed"})
    pool.stop(10)


def test_a_pool_waits_for_its_busy_thread_as_long_as_it_may(start: StartWorkflow) -> None:
    begun, release = threading.Event(), threading.Event()

    @step("First")
    def first() -> None:
        begun.set()
        release.wait(20)

    @workflow("One step")
    def one_step() -> StepList:
        return init >> first >> done

    process = start(one_step)
    pool = ThreadPool(4)
    pool.start()
    assert begun.wait(20)
    threading.Timer(2, release.set).start()
    pool.stop(6)
    process.refresh_from_db()
    assert (process.last_status, process.lease_until) == ("running", None)


def test_bells_that_no_broker_took_are_rung_again_by_the_next_sweep(start: StartWorkflow) -> None:
    from workflows.executors import celery as executor

    process = counting(start)()
    with broker_at("redis://127.0.0.1:1/0"):
        executor.ring_for_due(1, where=Q())
    assert claims.due(10) == [process.pk]


def test_a_busy_worker_rings_for_nobody(start: StartWorkflow) -> None:
    """Its queue would grow by the whole backlog with every lease."""
    from workflows.executors import celery as executor

    process = counting(start)()
    with broker_at("memory://"):
        executor.ring_for_due(0, where=Q())
        assert claims.due(10) == [process.pk]
        executor.ring_for_due(1, where=Q())
    assert claims.due(10) == []


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
    wait_for(lambda: one.room.is_closing)
    release.set()
    stopper.join()
    process.refresh_from_db()
    assert (process.last_status, process.lease_until) == ("running", None)
    assert rows(process)[-1] == ("First", "success")
    other.start()
    wait_for(lambda: statuses() == {"completed"})
    other.stop(10)


def test_what_somebody_waits_for_comes_before_a_batch_that_was_there_first(start: StartWorkflow) -> None:
    """One thread, at work while the others come: batch, then planned, then interactive."""
    order: list[str] = []
    begun, release = threading.Event(), threading.Event()

    @step("Note")
    def note(name: str) -> None:
        order.append(name)
        if name == "first":
            begun.set()
            release.wait(20)

    @workflow("Noting")
    def noting() -> StepList:
        return init >> note >> done

    def start_as(name: str, priority: int) -> None:
        process = start(noting)
        process.input_states.update(input_state={**process.input_states.get().input_state, "name": name})
        Process.every.filter(pk=process.pk).update(priority=priority)

    start_as("first", 0)
    pool = ThreadPool(1)
    pool.start()
    assert begun.wait(20)
    for number in range(3):
        start_as(f"batch {number}", Priority.BATCH)
    start_as("planned", Priority.SCHEDULED)
    start_as("interactive", Priority.INTERACTIVE)
    pool.ring(list(Process.every.values_list("pk", flat=True)))
    release.set()
    wait_for(lambda: statuses() == {"completed"})
    pool.stop(10)
    assert order == ["first", "interactive", "planned", "batch 0", "batch 1", "batch 2"]


def test_the_priority_of_a_start_is_kept_and_a_resumed_crowd_gives_way(start: StartWorkflow) -> None:
    @step("Fail")
    def fail() -> None:
        raise ValueError("not today")

    @task("Failing")
    def failing() -> StepList:
        return begin >> fail

    failed = start(failing)
    run(failed.pk, runner="r")
    assert Process.every.get(pk=start_process("failing", priority=Priority.SCHEDULED)).priority == Priority.SCHEDULED
    assert Process.every.get(pk=failed.pk).priority == Priority.INTERACTIVE
    assert resume_all_tasks() == 1
    assert Process.every.get(pk=failed.pk).priority == Priority.BATCH


def test_a_pool_that_must_stop_leaves_a_long_step_to_others_without_blame(start: StartWorkflow) -> None:
    """The step does not end in time. Its claim does not count as lost, and another may have it in a moment."""
    begun, release = threading.Event(), threading.Event()

    @step("Long")
    def long() -> None:
        begun.set()
        release.wait(30)

    @workflow("Long")
    def long_workflow() -> StepList:
        return init >> long >> done

    process = start(long_workflow)
    one, other = ThreadPool(1), ThreadPool(1)
    one.start()
    assert begun.wait(20)
    one.stop(0.2)
    process.refresh_from_db()
    assert (process.last_status, process.lost_claims, process.rung_at) == ("running", 0, None)
    release.set()
    other.start()
    wait_for(lambda: statuses() == {"completed"})
    other.stop(10)
    assert rows(process)[-1] == ("Done", "complete")


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
