"""What steps do to the engine must not stop it: end the program, leave a transaction open, fail before they begin."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from workflows import State, StepList, begin, conditional, done, init, step, step_group, workflow
from workflows.engine.runner import run
from workflows.models import InputState, Process, ProcessStep
from workflows.services import resume_process

from .conftest import StartWorkflow, rows, state_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_runs(settings: Any) -> None:
    """Bells reach nobody: the test is the runner."""
    settings.EXECUTOR = "threadpool"


@step("After")
def after() -> State:
    return {"after": True}


def run_alone(start: StartWorkflow, steps: StepList) -> Process:
    """Run a workflow of these steps as far as it goes, and return it."""

    @workflow("Hostile")
    def hostile() -> StepList:
        return steps

    process = start(hostile)
    assert run(process.pk, runner="r")
    process.refresh_from_db()
    return process


def seen_by_another_connection(process: Process) -> list[tuple[str, str]]:
    found: list[list[tuple[str, str]]] = []

    def look() -> None:
        found.append(rows(process))
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("atomic", [False, True])
def test_a_step_that_would_end_the_program_has_failed(
    start: StartWorkflow, error: type[BaseException], atomic: bool
) -> None:
    @step("Exit", atomic=atomic)
    def leave() -> None:
        raise error

    process = run_alone(start, init >> leave >> done)
    assert process.last_status == "failed"
    assert process.failed_reason == f"Step 'Exit' raised {error.__name__}, which ends a program and not a step"
    assert rows(process)[-1] == ("Exit", "failed")


def begin_by_hand() -> None:
    connection.cursor().execute("BEGIN")


def switch_autocommit_off() -> None:
    transaction.set_autocommit(False)
    ProcessStep.objects.count()


def enter_and_forget() -> None:
    transaction.atomic().__enter__()


@pytest.mark.parametrize("leak", [begin_by_hand, switch_autocommit_off, enter_and_forget])
@pytest.mark.parametrize("raises", [False, True])
def test_a_step_cannot_leave_a_transaction_open_for_the_engine(
    start: StartWorkflow, leak: Callable[[], None], raises: bool
) -> None:
    """What follows would be part of it, and be lost with the connection."""
    leaks = [leak]

    @step("Leak")
    def leaking() -> None:
        if leaks:
            leaks.pop()()
            if raises:
                raise ValueError("and then it failed")

    process = run_alone(start, init >> leaking >> after >> done)
    assert process.last_status == "failed"
    assert ("and then it failed" if raises else "left it open") in str(process.failed_reason)
    assert seen_by_another_connection(process) == [("Start", "success"), ("Leak", "failed")]
    resume_process(process.pk)
    run(process.pk, runner="r")
    assert seen_by_another_connection(process)[-2:] == [("After", "success"), ("Done", "complete")]


@pytest.mark.parametrize("raises", [False, True])
def test_a_leak_within_an_atomic_step_takes_all_of_it_back(start: StartWorkflow, raises: bool) -> None:
    @step("Leak", atomic=True)
    def leaking() -> None:
        Process.every.update(note="written")
        enter_and_forget()
        if raises:
            raise ValueError("and then it failed")

    process = run_alone(start, init >> leaking >> done)
    assert (process.last_status, process.note) == ("failed", None)
    assert not connection.in_atomic_block
    assert seen_by_another_connection(process) == [("Start", "success"), ("Leak", "failed")]


def test_the_input_of_a_first_step_that_fails_is_there_for_its_next_try(start: StartWorkflow) -> None:
    tries: list[str] = []

    @step("Take")
    def take(reporter: str) -> State:
        tries.append(reporter)
        if len(tries) < 3:
            raise ValueError(f"failed, try {len(tries)}")
        return {"taken_from": reporter}

    process = run_alone(start, begin >> take >> done)
    for _ in range(2):
        resume_process(process.pk)
        run(process.pk, runner="r")
    process.refresh_from_db()
    assert process.last_status == "completed"
    assert tries == ["alice"] * 3
    assert state_of(process.pk)["taken_from"] == "alice"
    assert not InputState.objects.filter(process=process, merged_seq__isnull=True).exists()


def test_a_list_of_steps_without_done_ends_all_the_same(start: StartWorkflow) -> None:
    process = run_alone(start, init >> after)
    assert (process.last_status, process.lease_until) == ("completed", None)
    assert not run(process.pk, runner="r")


def test_a_condition_of_a_group_that_raises_is_the_failure_of_the_group(start: StartWorkflow) -> None:
    group = step_group("Group", begin >> after)
    process = run_alone(start, init >> conditional(lambda state: bool(state["nothing"]))(group) >> done)
    assert process.last_status == "failed"
    assert rows(process)[-1] == ("Group", "failed")


def test_a_group_under_way_whose_steps_changed_stops_with_a_reason(start: StartWorkflow) -> None:
    @step("Before")
    def before() -> None: ...

    @step("Fall")
    def fall() -> None:
        raise KeyboardInterrupt

    @workflow("Changing")
    def changing() -> StepList:
        return init >> step_group("Group", before >> fall) >> done

    process = start(changing)
    with pytest.raises(KeyboardInterrupt):
        run(process.pk, runner="r")
    Process.every.filter(pk=process.pk).update(lease_until=None)
    changing.steps[1].steps[0].name = "Renamed"
    assert run(process.pk, runner="r")
    process.refresh_from_db()
    assert process.last_status == "failed"
    assert "in the middle of “Group” at “Before”" in str(process.failed_reason)
    assert "Choose where it goes on, or abort it" in str(process.failed_reason)


def test_what_the_engine_cannot_read_fails_the_process_and_says_why(start: StartWorkflow) -> None:
    """It would be taken up and dropped for ever."""
    process = run_alone(start, init >> after >> done)
    ProcessStep.objects.filter(process=process, name="Start").update(delta=["broken", "by", "hand"])
    Process.every.filter(pk=process.pk).update(last_status="running")
    assert run(process.pk, runner="r")
    process.refresh_from_db()
    assert (process.last_status, process.lease_until) == ("failed", None)
    assert process.failed_reason
    assert "Traceback" in str(process.traceback)


def test_an_error_whose_text_no_database_takes_is_still_told(start: StartWorkflow) -> None:
    @step("Say")
    def say() -> None:
        raise ValueError("device said \0 and \ud800")

    process = run_alone(start, init >> say >> done)
    assert process.failed_reason == "device said \N{SYMBOL FOR NULL} and ?"
    assert rows(process)[-1] == ("Say", "failed")
