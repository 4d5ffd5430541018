"""Steps that hang: their process goes on without them, and so does the pool."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from wfo_site.common.db.outside import outside
from wfo_site.common.uuid7 import uuid7
from workflows import (
    RetryPolicy,
    State,
    StepList,
    begin,
    branch,
    done,
    init,
    parallel,
    retrystep,
    step,
    step_group,
    workflow,
)
from workflows.engine import claims, watchdog
from workflows.engine.places import Place
from workflows.engine.watchdog import StepAtWork, Watchdog
from workflows.executors import keeper
from workflows.executors.threadpool import ThreadPool
from workflows.models import Process, Wait
from workflows.services import abort_process, resume_process

from .conftest import StartWorkflow, rows, state_of
from .test_executors import statuses, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bells_reach_nobody")]

# Long enough to claim and begin, on a busy machine too.
MOMENT = 0.4
NAMES = ["half done", "too late", "somebody else's"]


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    """One thread: if it is lost and nobody takes its place, nothing goes on."""
    made = ThreadPool(1)
    yield made
    made.stop(10)


class Hanging:
    """A step body that hangs the first time, until it is let go; `came_back` is set once its thread has left it."""

    def __init__(self) -> None:
        self.begun, self.release, self.came_back = threading.Event(), threading.Event(), threading.Event()
        self.calls = 0
        self.thread: threading.Thread | None = None
        self.error: Exception | None = None

    def body(self) -> State:
        self.calls += 1
        if self.calls > 1:
            return {"calls": self.calls}
        self.thread = threading.current_thread()
        self.begun.set()
        try:
            self.release.wait(30)
            self.afterwards()
        except Exception as error:
            self.error = error
            raise
        finally:
            self.came_back.set()
        return {"late": True}

    def afterwards(self) -> None: ...

    def come_back(self) -> None:
        """Let the body go on once another thread has its place, and wait for its own to end."""
        wait_for(
            lambda: any(one.name.startswith("runner-") and one is not self.thread for one in threading.enumerate())
        )
        self.release.set()
        assert self.came_back.wait(10)
        assert self.thread is not None
        self.thread.join(10)
        assert not self.thread.is_alive(), "the lost thread ends when it comes back"


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    made = Hanging()
    yield made
    made.release.set()


def flow_of(steps: Any) -> Any:
    @workflow("Slow")
    def slow() -> StepList:
        return init >> steps >> done

    return slow


def written() -> set[str]:
    return set(Group.objects.filter(name__in=NAMES).values_list("name", flat=True))


def ends(process: Process, status: str) -> Process:
    wait_for(lambda: Process.every.filter(pk=process.pk, last_status=status).exists())
    process.refresh_from_db()
    return process


def test_a_step_that_hangs_fails_and_its_late_result_is_dropped(
    start: StartWorkflow, pool: ThreadPool, hanging: Hanging
) -> None:
    process = start(flow_of(step("Call the node", timeout=MOMENT)(hanging.body)))
    pool.start()
    ends(process, "failed")
    assert process.failed_reason is not None
    assert process.failed_reason.startswith(
        "Step “Call the node” took longer than 0.4 s; its effect outside is unknown."
    )
    assert "in body\n    self.release.wait(30)" in str(process.traceback), "it says where it hangs"
    assert (process.runner, process.lease_until, process.lost_claims) == (None, None, 0)

    resume_process(process.pk)
    pool.ring([process.pk])
    ends(process, "completed")
    assert hanging.calls == 2
    hanging.come_back()
    assert rows(process) == [
        ("Start", "success"),
        ("Call the node", "failed"),
        ("Call the node", "success"),
        ("Done", "complete"),
    ]
    assert "late" not in state_of(process.pk)
    assert len(pool.workers()) == 1
    assert pool.workers()[0].slots == 1


def test_another_try_is_kept_alive_although_the_hung_one_comes_back(
    start: StartWorkflow, pool: ThreadPool, hanging: Hanging
) -> None:
    """Both are threads of one pool: the first, when it leaves, must not end the heartbeats of the second."""
    second_begun, release = threading.Event(), threading.Event()

    def body() -> State:
        if hanging.calls:
            second_begun.set()
            release.wait(30)
        return hanging.body()

    process = start(flow_of(step("Call the node", timeout=MOMENT)(lambda: body())))
    pool.start()
    ends(process, "failed")
    flow_of(step("Call the node", timeout=30)(lambda: body()))
    resume_process(process.pk)
    pool.ring([process.pk])
    assert second_begun.wait(10)
    hanging.come_back()
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        assert claims.claim(process.pk, "another") is None
        time.sleep(0.05)
    release.set()
    ends(process, "completed")


def test_with_a_policy_for_it_it_is_tried_again(start: StartWorkflow, pool: ThreadPool, hanging: Hanging) -> None:
    policy = RetryPolicy(3, first_delay=0.1, on=TimeoutError)
    process = start(flow_of(step("Call the node", timeout=MOMENT, retry=policy)(hanging.body)))
    pool.start()
    ends(process, "completed")
    assert [status for _, status in rows(process)] == ["success", "waiting", "success", "complete"]
    assert Wait.objects.get(process=process).state == "expired"


def test_a_retrystep_that_hangs_waits_its_hour(start: StartWorkflow, pool: ThreadPool, hanging: Hanging) -> None:
    process = start(flow_of(retrystep("Call the node", timeout=MOMENT)(hanging.body)))
    pool.start()
    ends(process, "waiting")


def test_an_atomic_step_that_hangs_leaves_nothing_and_blocks_nobody(
    start: StartWorkflow, pool: ThreadPool, hanging: Hanging
) -> None:
    """On SQLite its transaction is the only one that may write."""

    @step("Write", atomic=True, timeout=MOMENT)
    def write() -> State:
        if not hanging.calls:
            Group.objects.create(name="half done")
        return hanging.body()

    hanging.afterwards = lambda: Group.objects.create(name="too late")  # type: ignore[method-assign]
    process = start(flow_of(write))
    pool.start()
    ends(process, "failed")
    with transaction.atomic():
        Group.objects.create(name="somebody else's")
    hanging.come_back()
    assert hanging.error is not None, "its connection is gone"
    assert written() == {"somebody else's"}
    resume_process(process.pk)
    pool.ring([process.pk])
    ends(process, "completed")


def test_what_a_default_step_holds_open_is_taken_from_it(
    start: StartWorkflow, pool: ThreadPool, hanging: Hanging
) -> None:
    @step("Call the embedded inventory", timeout=MOMENT)
    def call() -> State:
        with outside(), transaction.atomic():
            Group.objects.create(name="half done")
            return hanging.body()

    process = start(flow_of(call))
    pool.start()
    ends(process, "failed")
    assert written() == set()
    hanging.come_back()
    assert written() == set()


def test_a_statement_that_does_not_end_is_stopped_and_its_thread_works_on(
    start: StartWorkflow, pool: ThreadPool
) -> None:
    left = threading.Event()

    @step("Count for ever", atomic=True, timeout=MOMENT)
    def count() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT count(*) FROM n")
        finally:
            left.set()

    process = start(flow_of(count))
    pool.start()
    ends(process, "failed")
    assert left.wait(10)
    start(flow_of(step("Quick")(lambda: None)))
    wait_for(lambda: statuses() == {"failed", "completed"})


def test_a_branch_that_hangs_is_told_to_its_parent(start: StartWorkflow, pool: ThreadPool, hanging: Hanging) -> None:
    slow = step("Call the node", timeout=MOMENT)(hanging.body)
    process = start(flow_of(parallel("Both", branch("Slow", slow), branch("Quick", step("Nothing")(lambda: None)))))
    pool.start()
    wait_for(lambda: Process.every.filter(parent=process, last_status="failed").exists())
    resume_process(process.pk)
    pool.ring([process.pk])
    ends(process, "completed")
    assert hanging.calls == 2


def test_a_process_that_was_aborted_still_frees_the_place_of_its_thread(
    start: StartWorkflow, pool: ThreadPool, hanging: Hanging
) -> None:
    process = start(flow_of(step("Call the node", timeout=MOMENT)(hanging.body)))
    pool.start()
    assert hanging.begun.wait(10)
    abort_process(process.pk)
    other = start(flow_of(step("Quick")(lambda: None)))
    pool.ring([other.pk])
    ends(other, "completed")
    process.refresh_from_db()
    assert (process.last_status, rows(process)[-1]) == ("aborted", ("User Aborted", "abort"))


def test_each_step_of_a_group_has_the_time_that_the_group_gives(
    start: StartWorkflow, pool: ThreadPool, hanging: Hanging
) -> None:
    quick = step("Quick")(lambda: None)
    process = start(flow_of(step_group("Deliver", begin >> quick >> step("Call")(hanging.body), timeout=MOMENT)))
    pool.start()
    ends(process, "failed")
    assert rows(process)[-1] == ("Deliver", "failed")
    assert "Step “Call” took longer" in str(process.failed_reason)


def test_a_runner_that_hangs_alone_lets_the_others_in_again(
    start: StartWorkflow, pool: ThreadPool, hanging: Hanging
) -> None:
    process = start(flow_of(step("Call the node", timeout=MOMENT)(hanging.body)))
    Process.every.filter(pk=process.pk).update(lost_claims=2)
    pool.start()
    ends(process, "failed")
    start(flow_of(step("Quick")(lambda: None)))
    wait_for(lambda: statuses() == {"failed", "completed"})


@pytest.mark.parametrize(
    ("own", "of_group", "setting", "seconds"),
    [
        (None, None, 3600.0, 3600),
        (5, None, 3600.0, 5),
        (5, 7, 3600.0, 5),
        (None, 7, 3600.0, 7),
        (math.inf, 7, 3600.0, math.inf),
        (None, None, 0, math.inf),
    ],
)
def test_the_nearest_that_says_something_counts(
    settings: Any, own: float | None, of_group: float | None, setting: float, seconds: float
) -> None:
    settings.STEP_TIMEOUT_SECONDS = setting
    inner = step("Call", timeout=own)(lambda: None)
    group = step_group("Deliver", inner, timeout=of_group)
    assert Place(inner, "Deliver", "Deliver", group).seconds == seconds


def test_no_time_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="needs some time"):
        step("Call", timeout=0)


class TestThreadsThatComeBack:
    """Given up, and back before anybody has done anything about it."""

    def given_up(self, runner: str = "r") -> StepAtWork:
        return StepAtWork(process_id=uuid7(), runner=runner, name="Slow", seconds=0.05, give_up=lambda _: None)

    def test_what_another_thread_has_taken_up_since_is_kept_alive(self) -> None:
        kept = keeper.Keeper("r")
        step = self.given_up()
        step.is_over = True
        kept._watchdog._lost.append(step)
        with kept.keeping(step.process_id):
            kept._end_overdue()
            assert kept.running == {step.process_id}

    def test_its_connection_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It does other work by then: cutting takes seconds where the server does not answer."""
        dog, first, second = Watchdog("r"), self.given_up(), self.given_up()
        severed: list[object] = []

        def cut(one: object, **_: object) -> None:
            severed.append(one)
            dog.end(first)
            dog.end(second)

        monkeypatch.setattr(watchdog, "sever", cut)
        dog.begin(first)
        dog.begin(second)
        time.sleep(0.1)
        dog.start()
        try:
            wait_for(lambda: {step.process_id for step in dog._lost} == {first.process_id, second.process_id})
        finally:
            dog.stop()
        assert len(severed) == 1
