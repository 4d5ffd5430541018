"""What steps say while they run: seen at once, kept whatever becomes of the step, and never taken for another try's."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.db import DatabaseError, connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from wfo_site.common.db.outside import outside
from workflows import (
    State,
    StepList,
    begin,
    branch,
    callback_step,
    done,
    init,
    parallel,
    step,
    step_group,
    step_log,
    step_progress,
    workflow,
)
from workflows.engine import open_transactions, side_log
from workflows.engine import step_log as notes_module
from workflows.engine.registry import Workflow
from workflows.engine.runner import run
from workflows.executors.threadpool import ThreadPool
from workflows.models import Process, ProcessStep, StepLogLine, StepProgress
from workflows.selectors import process_log
from workflows.selectors.step_log import log_of_row, log_of_running, progress_of_running
from workflows.services import abort_process, resume_process

from .conftest import StartWorkflow
from .test_executors import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bells_reach_nobody")]

MOMENT = 0.4


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    made = ThreadPool(1)
    yield made
    made.stop(10)


def flow_of(*steps: Any) -> Workflow:
    @workflow("Talkative")
    def talkative() -> StepList:
        listed = begin >> init
        for one in steps:
            listed = listed >> one
        return listed >> done

    return talkative


def said(process: Process) -> list[str]:
    return list(process_log(process.pk).values_list("text", flat=True))


def said_under(process: Process, name: str) -> list[list[str]]:
    """Return the lines that each row of a step shows."""
    found = ProcessStep.objects.filter(process=process, name=name).order_by("seq")
    return [list(log_of_row(row).values_list("text", flat=True)) for row in found]


def run_it(process: Process) -> Process:
    run(process.pk, runner="test")
    process.refresh_from_db()
    return process


@pytest.mark.parametrize("atomic", [False, True])
def test_lines_and_progress_of_a_step_that_ends_well(start: StartWorkflow, atomic: bool) -> None:
    @step("Talk", atomic=atomic)
    def talk() -> None:
        step_log("three ports")
        step_log("one is down", level="warning")
        step_progress(2, 3, "ports")
        step_progress(3, 3, "ports")

    process = run_it(start(flow_of(talk)))
    assert process.last_status == "completed"
    assert list(process_log(process.pk).values_list("key", "level", "text", "attempt")) == [
        ("Talk", "info", "three ports", 1),
        ("Talk", "warning", "one is down", 1),
    ]
    assert said_under(process, "Talk") == [["three ports", "one is down"]]
    assert said_under(process, "Start") == [[]]
    progress = StepProgress.objects.get(process=process)
    assert (progress.key, progress.done, progress.total, progress.text) == ("Talk", 3, 3, "ports")


@pytest.mark.parametrize("atomic", [False, True])
def test_a_failure_keeps_the_lines_of_each_try(start: StartWorkflow, atomic: bool) -> None:
    tries: list[int] = []

    @step("Fail", atomic=atomic)
    def fail() -> None:
        tries.append(1)
        step_log(f"try {len(tries)}")
        if len(tries) < 3:
            raise RuntimeError("no")

    process = run_it(start(flow_of(fail)))
    assert (process.last_status, said_under(process, "Fail")) == ("failed", [["try 1"]])
    resume_process(process.pk, user="alice")
    run_it(process)
    # The same failure again is counted in its row, which then tells of the last of them.
    assert said_under(process, "Fail") == [["try 2"]]
    resume_process(process.pk, user="alice")
    assert run_it(process).last_status == "completed"
    assert said_under(process, "Fail") == [["try 2"], ["try 3"]]
    assert said(process) == ["try 1", "try 2", "try 3"]
    assert list(process_log(process.pk).values_list("attempt", flat=True)) == [1, 2, 3]


def test_groups_and_branches(start: StartWorkflow) -> None:
    @step("One")
    def one() -> None:
        step_log("of one")

    @step("Two")
    def two() -> None:
        step_log("of two")

    process = start(
        flow_of(step_group("Both", one >> two), parallel("Beside", branch("left", one), branch("right", two)))
    )
    run_it(process)
    assert said_under(process, "Both") == [["of one", "of two"]]
    assert list(process_log(process.pk, step="Both").values_list("sub_step", flat=True)) == ["One", "Two"]
    branches = list(Process.every.filter(parent=process).order_by("process_id"))
    assert [said(run_it(each)) for each in branches] == [["of one"], ["of two"]]


def test_a_group_that_waits_in_its_middle_shows_all_that_its_steps_said(start: StartWorkflow) -> None:
    """The steps of a callback are done under several claims."""

    @step("Ask")
    def ask(callback_route: str) -> State:
        step_log(f"call {callback_route}")
        step_log(f"the token is {callback_route.rpartition('/')[2]}")
        return {}

    @step("Check")
    def check() -> None:
        step_log("it called")

    from workflows.engine.waits import route
    from workflows.models import Wait
    from workflows.services import arrive_callback

    process = run_it(start(flow_of(callback_step("Call", ask, check))))
    token = route(Wait.objects.get(process=process)).rpartition("/")[2]
    arrive_callback(process.pk, token, {"ok": True})
    assert run_it(process).last_status == "completed"
    hidden = "callback address (hidden)"
    assert said_under(process, "Call")[-1] == [f"call {hidden}", f"the token is {hidden}", "it called"]
    assert not StepLogLine.objects.filter(text__contains=token).exists()


def test_a_line_is_seen_while_its_step_runs(start: StartWorkflow, pool: ThreadPool) -> None:
    go_on = threading.Event()

    @step("Wait")
    def wait() -> None:
        step_log("it began")
        step_progress(1, 4)
        go_on.wait(20)
        step_progress(4, 4)
        step_log("it ended")

    process = start(flow_of(wait))
    pool.start()
    try:
        wait_for(lambda: said(process) == ["it began"])
        wait_for(lambda: StepProgress.objects.filter(process=process, done=1).exists())
        process.refresh_from_db()
        assert [line.text for line in log_of_running(process, "Wait")] == ["it began"]
        progress = progress_of_running(process, "Wait")
        assert progress is not None
        assert (progress.done, progress.total) == (1, 4)
        assert not ProcessStep.objects.filter(process=process, name="Wait").exists()
    finally:
        go_on.set()
    wait_for(lambda: Process.every.get(pk=process.pk).last_status == "completed")
    assert said(process) == ["it began", "it ended"]
    assert StepProgress.objects.get(process=process).done == 4


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, and the step is it")
def test_a_line_of_an_atomic_step_is_seen_while_its_transaction_is_open(start: StartWorkflow, pool: ThreadPool) -> None:
    go_on = threading.Event()

    @step("Write", atomic=True)
    def write() -> None:
        Process.every.filter(pk=process.pk).update(note="mine")
        step_log("written")
        go_on.wait(20)
        raise RuntimeError("no")

    process = start(flow_of(write))
    pool.start()
    try:
        wait_for(lambda: said(process) == ["written"])
        assert Process.every.get(pk=process.pk).note is None
    finally:
        go_on.set()
    wait_for(lambda: Process.every.get(pk=process.pk).last_status == "failed")
    assert said(process)[0] == "written"


def test_the_lines_of_a_step_that_hangs_stand_with_its_failure(start: StartWorkflow, pool: ThreadPool) -> None:
    release = threading.Event()

    @step("Hang", timeout=MOMENT)
    def hang() -> None:
        step_log("about to hang")
        release.wait(20)

    process = start(flow_of(hang))
    pool.start()
    try:
        wait_for(lambda: Process.every.get(pk=process.pk).last_status == "failed")
        wait_for(lambda: said_under(process, "Hang") == [["about to hang"]])
    finally:
        release.set()


def test_the_lines_of_a_runner_that_lost_the_process_are_not_those_of_the_next(start: StartWorkflow) -> None:
    runs: list[int] = []

    @step("Once")
    def once() -> None:
        runs.append(1)
        step_log(f"run {len(runs)}")
        step_progress(len(runs), 2)
        if len(runs) == 1:
            with outside():
                Process.every.filter(pk=process.pk).update(epoch=F("epoch") + 1, lease_until=None)
                assert run(process.pk, runner="another")
            step_log("too late")
            step_progress(9, 9)

    process = start(flow_of(once))
    assert run_it(process).last_status == "completed"
    assert said_under(process, "Once") == [["run 2"]]
    assert said(process) == ["run 2", "run 1", "too late"]
    assert StepProgress.objects.get(process=process).done == 2


def test_the_lines_of_a_step_that_was_cut_off_stand_with_the_abort(start: StartWorkflow) -> None:
    @step("First")
    def first() -> None:
        step_log("done")

    @step("Cut")
    def cut() -> None:
        step_log("half done")
        with outside():
            abort_process(process.pk, user="alice")

    process = start(flow_of(first, cut))
    assert run_it(process).last_status == "aborted"
    assert said_under(process, "User Aborted") == [["half done"]]


def test_lines_are_limited_in_number_and_length(start: StartWorkflow) -> None:
    @step("Chatter")
    def chatter() -> None:
        step_log("x" * 5_000_000)
        step_log("é" * 3_000)
        step_log("nul \0 and half a pair \ud800")
        step_log({"a": 1})
        for number in range(1_100):
            step_log(f"line {number}")
        step_progress(1, text="p" * 2_000)

    process = run_it(start(flow_of(chatter)))
    assert process.last_status == "completed"
    lines = said(process)
    assert len(lines) == 1_001
    assert lines[0] == f"{'x' * 2_000} … (cut; 5,000,000 characters in all)"
    assert lines[1] == f"{'é' * 1_000} … (cut; 3,000 characters in all)"
    assert lines[2:4] == ["nul ␀ and half a pair ?", "{'a': 1}"]
    assert lines[-1] == "104 more lines were dropped: a step keeps its first 1,000."
    assert len(StepProgress.objects.get(process=process).text) == 500


def test_a_step_that_is_tried_for_ever_keeps_the_lines_of_its_last_tries(
    start: StartWorkflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_log, "KEPT_ATTEMPTS", 3)

    @step("Fail")
    def fail() -> None:
        step_log("again")
        raise RuntimeError("no")

    process = run_it(start(flow_of(fail)))
    for _ in range(6):
        resume_process(process.pk, user="alice")
        run_it(process)
    assert list(process_log(process.pk).values_list("attempt", flat=True)) == [5, 6, 7]


def test_a_step_that_says_nothing_costs_no_statement_and_one_that_does_a_few(start: StartWorkflow) -> None:
    def statements(*steps: Any) -> int:
        process = start(flow_of(*steps))
        with CaptureQueriesContext(connection) as queries:
            run(process.pk, runner="test")
        return len(queries)

    @step("Quiet")
    def quiet() -> None: ...

    @step("Loud")
    def loud() -> None:
        for number in range(100):
            step_log(f"line {number}")

    for talker in (quiet, loud):
        statements(talker)  # the plan is stored once
    # BEGIN, insert, COMMIT, however many lines there are
    assert statements(loud) - statements(quiet) <= 3


def test_a_process_that_is_deleted_takes_its_lines_along(start: StartWorkflow) -> None:
    @step("Talk")
    def talk() -> None:
        step_log("a line")
        step_progress(1)

    process = run_it(start(flow_of(talk)))
    process.delete()
    assert not StepLogLine.objects.exists()
    assert not StepProgress.objects.exists()


def test_what_is_no_level_or_no_amount_is_the_failure_of_the_step(start: StartWorkflow) -> None:
    @step("Shout")
    def shout() -> None:
        step_log("a line", level="loud")

    process = run_it(start(flow_of(shout)))
    assert process.failed_reason == "level is 'loud'; a line of a step is one of debug, info, warning, error"
    for done_, total in ((float("nan"), None), (-1, None), (1, float("inf"))):
        with pytest.raises(ValueError, match="progress is counted from 0"):
            step_progress(done_, total)


def test_outside_a_step_a_line_goes_to_the_log_of_the_program(caplog: pytest.LogCaptureFixture) -> None:
    step_progress(1, 2)
    step_log("nobody runs", level="warning")
    assert [(record.levelname, record.message) for record in caplog.records] == [("WARNING", "nobody runs")]


def test_a_transaction_that_stays_open_is_told_on_the_timeline(
    start: StartWorkflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_transactions, "LIMIT_SECONDS", 0.05)
    monkeypatch.setattr(notes_module, "MAX_LINES", 1)

    @step("Dawdle", atomic=True)
    def dawdle() -> None:
        step_log("first")
        step_log("second")
        time.sleep(0.06)

    process = run_it(start(flow_of(dawdle)))
    sentence = (
        "Step 'Dawdle' kept its transaction open for 0.1 s, and others had to wait for what it locked. Compute and "
        "call in a step before it, and let the atomic step only write."
    )
    dropped = "1 more line was dropped: a step keeps its first 1."
    assert said_under(process, "Dawdle") == [["first", sentence, dropped]]
    assert StepLogLine.objects.filter(process=process, level="warning").count() == 2


def test_product_code_that_logs_in_a_step_is_heard_and_libraries_are_not(start: StartWorkflow) -> None:
    import wfo_site.examples.network as package

    own, library = logging.getLogger(f"{package.__name__}.nrm"), logging.getLogger("httpx")

    @step("Log")
    def log() -> None:
        own.warning("node %s is slow", "ams1")
        structlog.get_logger(own.name).error("no answer", tries=3, password="hunter2")
        own.debug("not of interest")
        library.warning("GET https://example.org/?token=secret")

    own.warning("outside of any step")
    process = run_it(start(flow_of(log)))
    assert list(process_log(process.pk).values_list("level", "text")) == [
        ("warning", "node ams1 is slow"),
        ("error", "no answer tries=3 password=********"),
    ]


def test_lines_that_cannot_be_written_now_are_written_later_and_the_step_is_not_to_blame(
    start: StartWorkflow, caplog: pytest.LogCaptureFixture
) -> None:
    @step("Talk")
    def talk() -> None:
        step_log("first")
        step_log("second")
        step_progress(1, 2)

    def rename(table: str, to: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO {to}")

    process = start(flow_of(talk))
    side = side_log.SideLog("test", lambda: None)
    side.open()
    try:
        rename("workflows_steplogline", "away")
        assert run_it(process).last_status == "completed"
        assert "what its step logged could not be written yet" in caplog.text
        with pytest.raises(DatabaseError):
            side.flush()
    finally:
        rename("away", "workflows_steplogline")
        side.close()
    side.flush()
    assert said(process) == ["first", "second"]
    assert StepProgress.objects.get(process=process).done == 1
    side.flush()
    assert said(process) == ["first", "second"]
