"""Parts and the process that waits for them, where both are at something in the same moment."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now

from workflows import Step, branch, parallel, step
from workflows.engine import claims, deadlines, waits
from workflows.engine.fault_points import FaultPoint, install
from workflows.engine.runner import run
from workflows.executors import keeper
from workflows.models import Process, Wait
from workflows.services import abort_process, resume_process

from .conftest import StartWorkflow
from .fork_steps import CALLS, FAILING, asks, flow_of, parts, says
from .test_executors import wait_for
from .test_races import Side, meet, once

pytestmark = pytest.mark.django_db(transaction=True)

postgresql_only = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")


@pytest.fixture(autouse=True)
def nobody_runs(settings: Any) -> None:
    """Bells reach nobody: the test is the runner."""
    settings.EXECUTOR = "threadpool"


def run_all(process: Process) -> None:
    """Run a process and its parts as far as they go."""
    family = {"root_id": process.root_id, "last_status__in": ["created", "resumed"], "held_because": None}
    while found := list(Process.every.filter(**family).order_by("process_id").values_list("pk", flat=True)):
        for process_id in found:
            run(process_id, runner="r")


def status(process: Process) -> str:
    return Process.every.get(pk=process.pk).last_status


def expire(process: Process) -> None:
    Wait.objects.filter(process=process, state="open").update(deadline=Now() - timedelta(seconds=1))
    assert deadlines.expire_due() == 1


class Slow:
    """A step that goes on when it is told to."""

    def __init__(self, name: str) -> None:
        self.begun, self.release = threading.Event(), threading.Event()

        @step(name)
        def be_slow() -> None:
            self.begun.set()
            assert self.release.wait(20)

        self.step: Step = be_slow


class TestTriedAgain:
    def test_a_part_that_was_running_all_the_time_is_still_waited_for(self, start: StartWorkflow) -> None:
        """It was claimed as a part of the row that has failed, and ends as one of the row that waits now."""
        slow = Slow("B")
        process = start(flow_of(parallel("Both", says("A"), slow.step, timeout=60)))
        run(process.pk, runner="r")
        side = Side(lambda: run(parts(process)["B"].pk, runner="other"))
        side.start()
        assert slow.begun.wait(20)
        run(parts(process)["A"].pk, runner="r")
        expire(process)
        assert status(process) == "failed"
        resume_process(process.pk)
        run(process.pk, runner="r")
        assert status(process) == "waiting"
        slow.release.set()
        side.join()
        assert side.error is None
        run_all(process)
        assert status(process) == "completed"

    def test_a_part_that_ends_just_before_its_parent_waits_again_is_counted(self, start: StartWorkflow) -> None:
        """It looks who waits for it, finds nobody, and is stored only after somebody does."""
        process = start(flow_of(parallel("Both", says("A"), says("B"), timeout=60)))
        run(process.pk, runner="r")
        run(parts(process)["A"].pk, runner="r")
        expire(process)
        resume_process(process.pk)
        parent = Side(lambda: run(process.pk, runner="other"))
        wrapped = once('SELECT "workflows_wait"', lambda: meet(parent))

        def met(point: FaultPoint, at: str) -> None:
            if (point, at) == (FaultPoint.BEFORE_WRITE, "Done") and not parent.is_started:
                wrapped.__enter__()

        install(met)
        try:
            run(parts(process)["B"].pk, runner="r")
        finally:
            install(None)
            wrapped.__exit__(None, None, None)
        parent.join()
        assert parent.error is None
        run_all(process)
        assert status(process) == "completed"

    def test_a_part_is_not_made_anew_while_the_step_of_the_aborted_one_goes_on(self, start: StartWorkflow) -> None:
        slow = Slow("A")
        process = start(flow_of(parallel("Both", slow.step, says("B"))))
        run(process.pk, runner="r")
        side = Side(lambda: run(parts(process)["A"].pk, runner="other"))
        side.start()
        assert slow.begun.wait(20)
        abort_process(parts(process)["A"].pk)
        run_all(process)
        for _ in range(2):
            resume_process(process.pk)
            run_all(process)
            assert "“A” was aborted, and its step may not have ended" in str(
                Process.every.get(pk=process.pk).failed_reason
            )
            assert Process.every.filter(parent=process, branch_name="A").count() == 1
        slow.release.set()
        side.join()
        resume_process(process.pk)
        run_all(process)
        assert status(process) == "completed"
        assert Process.every.filter(parent=process, branch_name="A").count() == 2

    def test_clocks_that_differ_do_not_bring_an_old_try_back(self, start: StartWorkflow) -> None:
        """The runner of the first try was an hour ahead."""
        FAILING.add("B")
        process = start(flow_of(parallel("Both", says("A"), says("B"), timeout=60)))
        run_all(process)
        Wait.objects.filter(process=process).update(created_at=Now() + timedelta(hours=1))
        expire(process)
        FAILING.clear()
        resume_process(process.pk)
        run_all(process)
        assert status(process) == "completed"


def standing(process: Process) -> dict[str, str]:
    return {name: part.last_status for name, part in sorted(parts(process).items())}


class TestJoins:
    @postgresql_only
    def test_a_part_that_ends_while_the_rest_is_aborted_is_no_failure(self, start: StartWorkflow) -> None:
        process = start(flow_of(parallel("Race", says("A", a=1), says("B", b=1), join="any")))
        run(process.pk, runner="r")
        run(parts(process)["A"].pk, runner="r")
        other = Side(lambda: run(parts(process)["B"].pk, runner="other"))

        def end() -> None:
            other.start()
            wait_for(lambda: status(parts(process)["B"]) == "completed")

        with once('SELECT "workflows_process"."process_id" AS "process_id", "workflows_process"."branch_key"', end):
            run(process.pk, runner="r")
        other.join()
        assert other.error is None
        assert (status(process), Process.every.get(pk=process.pk).failed_reason) == ("completed", None)

    @postgresql_only
    def test_one_that_ends_while_all_are_aborted_is_left_as_it_is(self, start: StartWorkflow) -> None:
        """The parent goes on already, and does not wait for it any more."""
        process = start(flow_of(parallel("Race", says("A"), says("B"), join="any")))
        run(process.pk, runner="r")
        run(parts(process)["A"].pk, runner="r")
        part = parts(process)["B"]
        other = Side(lambda: run(part.pk, runner="other"))

        def end() -> None:
            other.start()
            wait_for(lambda: status(part) == "completed")

        with once('SELECT "workflows_process"."process_id" AS "process_id" FROM', end):
            abort_process(process.pk)
        other.join()
        assert (status(process), status(part)) == ("aborted", "completed")

    def test_a_join_and_an_abort_do_not_lock_each_other_out(self, start: StartWorkflow) -> None:
        race = parallel("Race", says("A"), branch("B", asks("Ask")), join="any")
        process = start(flow_of(race, says("After")))
        run(process.pk, runner="r")
        run(parts(process)["A"].pk, runner="r")
        run(parts(process)["B"].pk, runner="r")
        abort = Side(lambda: abort_process(process.pk))
        with once('UPDATE "workflows_process" SET "epoch"', lambda: meet(abort)):
            run_join(process)
        abort.join()
        assert not isinstance(abort.error, OperationalError)
        assert standing(process)["B"] == "aborted"
        assert status(process) == "aborted"

    def test_a_retry_and_an_abort_do_not_lock_each_other_out(self, start: StartWorkflow) -> None:
        process = start(flow_of(parallel("Both", asks("A"), asks("B"), timeout=60)))
        run_all(process)
        expire(process)
        resume_process(process.pk)
        abort = Side(lambda: abort_process(process.pk))
        with once('UPDATE "workflows_process" SET "parent_seq"', lambda: meet(abort)):
            run(process.pk, runner="r")
        abort.join()
        assert abort.error is None
        assert set(standing(process).values()) == {"aborted"}
        assert status(process) == "aborted"


def run_join(process: Process) -> None:
    """Run a process up to its join and no step more."""
    asked = iter([False, *[True] * 10])
    run(process.pk, runner="r", should_stop=lambda: next(asked))


@postgresql_only
def test_heartbeats_do_not_wait_for_what_somebody_else_has_locked(start: StartWorkflow) -> None:
    """An abort of many parts has them locked until all are: what runs beside them must not lose its lease."""
    slow = flow_of(says("Work"))
    locked, free = start(slow), start(slow)
    for process in (locked, free):
        assert claims.claim(process.pk, "r") is not None
    before = dict(Process.every.values_list("pk", "lease_until"))
    beat = Side(lambda: claims.heartbeat([locked.pk, free.pk], "r"))
    with once('UPDATE "workflows_process"', lambda: meet(beat)):
        abort_process(locked.pk)
    beat.join()
    after = dict(Process.every.values_list("pk", "lease_until"))
    assert after[free.pk] > before[free.pk]
    assert after[locked.pk] == before[locked.pk], "it was left for the next time"
    assert CALLS == []


@postgresql_only
def test_leases_are_kept_while_a_look_for_work_waits_for_a_lock(start: StartWorkflow, settings: Any) -> None:
    """An abort of thousands of parts has what they are waited for with; a deadline that passes then waits for it."""
    settings.PROCESS_LEASE_SECONDS = 2.0
    waiting = start(flow_of(parallel("Both", asks("A"), asks("B"))))
    run_all(waiting)
    running = start(flow_of(says("Work"), name="running"))
    looked = threading.Event()

    def look() -> None:
        looked.set()
        with transaction.atomic():
            waits.lock_children(waiting.pk)

    kept = keeper.Keeper("r", sweep=look)
    assert claims.claim(running.pk, "r") is not None
    with kept.keeping(running.pk), transaction.atomic():
        assert waits.lock_children(waiting.pk) is not None
        kept.start()
        try:
            assert looked.wait(20)
            time.sleep(4)
            assert Process.every.filter(pk=running.pk, lease_until__gt=Now()).exists()
        finally:
            kept.stop()
