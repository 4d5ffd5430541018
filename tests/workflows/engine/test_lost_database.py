"""A database that goes away in the middle is a crash of the runner: whoever claims next goes on from what is stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections

from wfo_site.settings.base import database
from workflows import State, StepList, done, init, step, workflow
from workflows.engine.fault_points import FaultPoint, install
from workflows.engine.runner import run
from workflows.models import Process, ProcessStep
from workflows.services import resume_process

from .conftest import StartWorkflow, rows

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="a file does not go away"),
]


@pytest.fixture(autouse=True)
def nobody_runs(settings: Any) -> Iterator[None]:
    """Bells reach nobody: the test is the runner."""
    settings.EXECUTOR = "threadpool"
    yield
    install(None)


def lose_connection() -> None:
    """Have the server end this thread's session, as at its restart."""
    pid = connection.connection.info.backend_pid

    def terminate() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        connection.close()

    thread = threading.Thread(target=terminate)
    thread.start()
    thread.join()


def start_counting(start: StartWorkflow, *, atomic: bool) -> tuple[Process, list[int]]:
    calls: list[int] = []

    @step("Count", atomic=atomic)
    def count() -> State:
        calls.append(1)
        return {"n": 1}

    @workflow("Counting")
    def counting() -> StepList:
        return init >> count >> done

    return start(counting), calls


def test_a_session_that_was_ended_while_nobody_used_it_costs_nothing(start: StartWorkflow) -> None:
    process, calls = start_counting(start, atomic=False)
    lose_connection()
    assert run(process.pk, runner="r")
    process.refresh_from_db()
    assert (process.last_status, calls) == ("completed", [1])


@pytest.mark.parametrize("atomic", [False, True])
def test_a_session_that_ends_before_the_write_fails_no_step(start: StartWorkflow, atomic: bool) -> None:
    """For an atomic step it is lost within the transaction, and Django connects again by itself."""
    process, calls = start_counting(start, atomic=atomic)

    def lose(point: FaultPoint, at: str) -> None:
        if (point, at) == (FaultPoint.BEFORE_WRITE, "Count") and len(calls) == 1:
            lose_connection()

    install(lose)
    assert run(process.pk, runner="r")
    process.refresh_from_db()
    assert process.last_status == "running"
    assert rows(process) == [("Start", "success")]
    Process.every.filter(pk=process.pk).update(lease_until=None)
    assert run(process.pk, runner="another")
    process.refresh_from_db()
    assert (process.last_status, calls) == ("completed", [1, 1])


@pytest.mark.parametrize("atomic", [False, True])
def test_a_session_that_ends_within_a_body_fails_no_step(start: StartWorkflow, atomic: bool) -> None:
    tries: list[int] = []

    @step("Look", atomic=atomic)
    def look() -> None:
        tries.append(1)
        if len(tries) == 1:
            lose_connection()
        ProcessStep.objects.count()

    @workflow("Looking")
    def looking() -> StepList:
        return init >> look >> done

    process = start(looking)
    assert run(process.pk, runner="r")
    assert rows(process) == [("Start", "success")]
    Process.every.filter(pk=process.pk).update(lease_until=None)
    assert run(process.pk, runner="another")
    assert rows(process)[-1] == ("Done", "complete")


def test_a_transaction_that_its_runner_leaves_alone_is_ended_by_the_server(start: StartWorkflow) -> None:
    """Frozen in there, the runner would keep its locks from whoever takes its process over."""
    tries: list[int] = []

    @step("Doze", atomic=True)
    def doze() -> None:
        ProcessStep.objects.count()
        tries.append(1)
        time.sleep(0.5 if len(tries) == 1 else 0)

    @workflow("Dozing")
    def dozing() -> StepList:
        return init >> doze >> done

    process = start(dozing)
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("20s",)
        cursor.execute("SET idle_in_transaction_session_timeout = 100")
    run(process.pk, runner="r")
    process.refresh_from_db()
    assert process.last_status == "failed"
    assert "idle-in-transaction timeout" in str(process.failed_reason)
    resume_process(process.pk)
    run(process.pk, runner="r")
    process.refresh_from_db()
    assert process.last_status == "completed"


def test_another_database_that_is_away_is_the_failure_of_the_step_that_asked_it(start: StartWorkflow) -> None:
    connections.settings["elsewhere"] = {
        **connections.settings["default"],
        **database("postgresql://root@127.0.0.1:1/none"),
    }

    @step("Ask elsewhere")
    def ask() -> None:
        connections["elsewhere"].cursor()

    @workflow("Asking elsewhere")
    def asking() -> StepList:
        return init >> ask >> done

    try:
        process = start(asking)
        assert run(process.pk, runner="r")
    finally:
        del connections.settings["elsewhere"]
    process.refresh_from_db()
    assert process.last_status == "failed"


@pytest.fixture
def refusing(start: StartWorkflow) -> Iterator[str]:
    """A server that refuses rows of the step "Count", with the SQLSTATE that the test sets."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_count() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'too large for this server' USING ERRCODE = TG_ARGV[0]; END $$"
        )
    yield "CREATE TRIGGER refuse BEFORE INSERT ON workflows_processstep FOR EACH ROW WHEN (NEW.name = 'Count' AND "
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION refuse_count() CASCADE")


def test_what_the_server_can_never_store_is_a_failure_and_not_tried_for_ever(
    start: StartWorkflow, refusing: str
) -> None:
    """Limits of PostgreSQL come as the same class of error as a lost connection."""
    with connection.cursor() as cursor:
        cursor.execute(f"{refusing} NEW.error IS NULL) EXECUTE FUNCTION refuse_count('54000')")
    process, _ = start_counting(start, atomic=False)
    run(process.pk, runner="r")
    process.refresh_from_db()
    assert process.last_status == "failed"
    assert "too large" in str(process.failed_reason)


def test_what_the_server_cannot_store_now_is_tried_again(start: StartWorkflow, refusing: str) -> None:
    """A full disk."""
    with connection.cursor() as cursor:
        cursor.execute(f"{refusing} true) EXECUTE FUNCTION refuse_count('53100')")
    process, _ = start_counting(start, atomic=False)
    run(process.pk, runner="r")
    process.refresh_from_db()
    assert process.last_status == "running"
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse ON workflows_processstep")
    Process.every.filter(pk=process.pk).update(lease_until=None)
    run(process.pk, runner="another")
    process.refresh_from_db()
    assert process.last_status == "completed"


def test_a_row_is_there_when_a_step_counts_as_written(start: StartWorkflow) -> None:
    process, _ = start_counting(start, atomic=True)
    seen: list[int] = []

    def look(point: FaultPoint, at: str) -> None:
        if (point, at) != (FaultPoint.AFTER_WRITE, "Count"):
            return

        def count_rows() -> None:
            seen.append(ProcessStep.objects.filter(process=process, name="Count").count())
            connection.close()

        thread = threading.Thread(target=count_rows)
        thread.start()
        thread.join()

    install(look)
    run(process.pk, runner="r")
    assert seen == [1]


def test_a_server_that_vanishes_is_noticed_within_a_lease(settings: Any) -> None:
    connection.ensure_connection()
    parameters = connection.connection.info.get_parameters()
    idle, interval, tries = (int(parameters[f"keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert idle + interval * tries < settings.PROCESS_LEASE_SECONDS
    assert int(parameters["tcp_user_timeout"]) / 1000 < settings.PROCESS_LEASE_SECONDS
