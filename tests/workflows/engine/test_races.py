"""Two who want the same process in the same moment, stopped at the worst place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from wfo_site.common.errors import Conflict
from workflows import State, StepList, begin, callback_step, done, init, inputstep, retrystep, step, workflow
from workflows.engine import claims, deadlines
from workflows.engine.fault_points import FaultPoint, install
from workflows.engine.runner import run
from workflows.forms import FormGenerator, FormPage
from workflows.models import Process, Wait
from workflows.selectors import process_detail
from workflows.services import (
    abort_process,
    arrive_callback,
    delete_process,
    pause_engine,
    resume_process,
    start_process,
    undo_process,
)

from .conftest import StartWorkflow, rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_runs(settings: Any) -> None:
    """Bells reach nobody: the test is the runner."""
    settings.EXECUTOR = "threadpool"


class Side:
    """A thread with a connection of its own, and what came of it."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self._act = act
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._act()
        except BaseException as error:  # told to the test
            self.error = error
        finally:
            connection.close()

    @property
    def is_started(self) -> bool:
        return self._thread.ident is not None

    def start(self) -> None:
        self._thread.start()

    def give_time(self) -> None:
        """Let it get as far as it can: it may well wait for a lock of ours."""
        self._thread.join(0.3)

    def join(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()


@contextmanager
def once(begins: str, act: Callable[[], object], *, before: bool = False) -> Iterator[None]:
    """Do something right after (or before) the first statement of this connection that begins so."""
    left = [act]

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        mine = sql.startswith(begins) and bool(left)
        if mine and before:
            left.pop()()
        result = execute(sql, params, many, context)
        if mine and not before:
            left.pop()()
        return result

    with connection.execute_wrapper(wrapper):
        yield
    assert not left, f"no statement began with {begins}"


def meet(side: Side) -> None:
    side.start()
    side.give_time()


@step("Count")
def count(n: int = 0) -> State:
    return {"n": n + 1}


@inputstep("Confirm", assignee="NOC")
def confirm() -> FormGenerator:
    class Confirm(FormPage):
        name: str

    page = yield Confirm
    return page.model_dump()


@pytest.fixture
def created(start: StartWorkflow) -> Process:
    @workflow("Asking")
    def asking() -> StepList:
        return init >> count >> confirm >> done

    return start(asking)


def test_a_row_written_between_reading_and_claiming_is_seen(created: Process, settings: Any) -> None:
    """A runner whose lease is over may still write, until another raises the epoch."""
    settings.ENGINE_FAST_PATH = False
    zombie = claims.claim(created.pk, "zombie")
    assert zombie is not None
    Process.every.filter(pk=created.pk).update(lease_until=Now() - timedelta(seconds=1))

    def write() -> None:
        from workflows.engine.hosts import Host
        from workflows.engine.process_run import ProcessRun
        from workflows.engine.registry import get_workflow
        from workflows.engine.tree import Program

        found = get_workflow(zombie.workflow_name)
        assert found is not None
        asked = iter([False, True])
        host = Host(runner="zombie", should_stop=lambda: next(asked))
        ProcessRun(zombie, found, Program.of(found), host).go()

    def overtake() -> None:
        side = Side(write)
        side.start()
        side.join()
        assert side.error is None
        # It has handed back; now its lease is as it was.
        Process.every.filter(pk=created.pk).update(lease_until=Now() - timedelta(seconds=1))

    with once('UPDATE "workflows_process"', overtake, before=True):
        assert claims.claim(created.pk, "r") is None
    claim = claims.claim(created.pk, "r")
    assert claim is not None
    assert claim.last_seq == len(rows(created)) == 1


def test_an_abort_and_a_step_being_written_do_not_lock_each_other_out(created: Process) -> None:
    """The suspended step, which is always written by the portable way."""
    abort = Side(lambda: abort_process(created.pk, user="bob"))

    def met(point: FaultPoint, at: str) -> None:
        if (point, at) == (FaultPoint.BEFORE_WRITE, "Confirm"):
            wrapped.__enter__()

    wrapped = once('INSERT INTO "workflows_processstep"', lambda: meet(abort))
    install(met)
    try:
        run(created.pk, runner="r")
    finally:
        install(None)
        wrapped.__exit__(None, None, None)
    abort.join()
    assert abort.error is None
    assert rows(created)[-2:] == [("Confirm", "suspend"), ("User Aborted", "abort")]
    assert not Wait.objects.filter(process=created, state="open").exists()


@pytest.fixture
def awaiting(start: StartWorkflow) -> Process:
    @step("Order")
    def order() -> None: ...

    @step("Check")
    def check() -> None: ...

    @workflow("Awaiting")
    def awaiting_workflow() -> StepList:
        return init >> callback_step("Deliver", order, check, timeout=100) >> done

    process = start(awaiting_workflow)
    run(process.pk, runner="r")
    return process


@pytest.mark.parametrize("act", [abort_process, resume_process])
def test_an_answer_and_a_person_do_not_lock_each_other_out(awaiting: Process, act: Callable[..., None]) -> None:
    token = process_detail(awaiting.pk)["current_state"]["callback_route"].rsplit("/", 1)[1]
    person = Side(lambda: act(awaiting.pk))
    with once('UPDATE "workflows_wait"', lambda: meet(person)):
        arrive_callback(awaiting.pk, token, {"by": "callback"})
    person.join()
    awaiting.refresh_from_db()
    if act is abort_process:
        # The answer came first, the abort takes what is there then.
        assert person.error is None
        assert awaiting.last_status == "aborted"
    else:
        assert isinstance(person.error, Conflict)
        assert awaiting.last_status == "resumed"


@pytest.mark.parametrize("act", [abort_process, resume_process])
def test_a_deadline_and_a_person_do_not_lock_each_other_out(awaiting: Process, act: Callable[..., None]) -> None:
    Wait.objects.filter(process=awaiting).update(deadline=Now() - timedelta(seconds=1))
    person = Side(lambda: act(awaiting.pk))
    with once('UPDATE "workflows_wait"', lambda: meet(person)):
        deadlines.expire_due()
    person.join()
    awaiting.refresh_from_db()
    if act is abort_process:
        assert person.error is None
        assert awaiting.last_status == "aborted"
    else:
        assert isinstance(person.error, Conflict)
        assert awaiting.last_status == "failed"


def test_an_answer_that_comes_after_the_sweep_has_looked_counts(awaiting: Process) -> None:
    """Conformance 78."""
    Wait.objects.filter(process=awaiting).update(deadline=Now() - timedelta(seconds=1))
    token = process_detail(awaiting.pk)["current_state"]["callback_route"].rsplit("/", 1)[1]
    with once('SELECT "workflows_wait"', lambda: arrive_callback(awaiting.pk, token, {"late": False})):
        assert deadlines.expire_due() == 0
    assert run(awaiting.pk, runner="r")
    awaiting.refresh_from_db()
    assert (awaiting.last_status, awaiting.failed_reason) == ("completed", None)
    assert process_detail(awaiting.pk)["current_state"]["callback_result"] == {"late": False}


def test_a_task_that_is_taken_while_it_is_deleted_is_not_deleted(start: StartWorkflow) -> None:
    @retrystep("Try")
    def fail() -> None:
        raise ValueError("not now")

    @workflow("Trying", is_task=True)
    def trying() -> StepList:
        return init >> fail >> done

    process = start(trying)
    run(process.pk, runner="r")
    claimed: list[object] = []

    def take() -> None:
        resume_process(process.pk)
        claimed.append(claims.claim(process.pk, "r"))

    taker = Side(take)
    with once('DELETE FROM "workflows_', lambda: meet(taker), before=True):
        delete_process(process.pk)
    taker.join()
    assert not Process.every.filter(pk=process.pk).exists()
    assert not any(claimed)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_a_task_whose_undo_is_started_while_it_is_deleted_stays(start: StartWorkflow) -> None:
    @step("Make", undo=lambda: None)
    def make() -> None: ...

    @workflow("Making", is_task=True)
    def making() -> StepList:
        return init >> make >> confirm >> done

    process = start(making)
    run(process.pk, runner="r")
    undo = Side(lambda: undo_process(process.pk))
    with once('UPDATE "workflows_wait"', lambda: meet(undo), before=True), pytest.raises(Conflict, match="undone"):
        delete_process(process.pk)
    undo.join()
    assert undo.error is None
    assert Process.every.filter(kind="undo", last_status="created").exists()


def test_an_abort_while_the_engine_is_paused_knows_that_no_step_was_running(created: Process) -> None:
    def pause(point: FaultPoint, at: str) -> None:
        if (point, at) == (FaultPoint.BEFORE_WRITE, "Count"):
            pause_engine()

    install(pause)
    try:
        run(created.pk, runner="r")
    finally:
        install(None)
    abort_process(created.pk)
    row = created.steps.get(name="User Aborted")
    assert row.delta == {}


def test_the_loser_of_two_starts_with_one_key_gets_the_process_of_the_winner(start: StartWorkflow) -> None:
    """Even if the winner has taken what the loser's form now refuses."""
    started: list[object] = []

    def form() -> FormGenerator:
        if not started:
            started.append(None)
            started.append(start_process("once_only", [{}], idempotency_key="key"))
            raise ValueError("the VLAN is taken")

        class Empty(FormPage):
            pass

        yield Empty
        return {}

    @workflow("Once only", initial_input_form=form)
    def once_only() -> StepList:
        return begin >> init >> done

    started.append("no nested start yet")
    start(once_only, {})
    started.clear()
    assert start_process("once_only", [{}], idempotency_key="key") == started[1]
    assert Process.every.count() == 2
