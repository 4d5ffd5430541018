"""What is lost with its runner again and again: first run alone, then held until a person releases it."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from wfo_site.common.errors import Conflict, Forbidden, NotFound
from wfo_site.common.uuid7 import uuid7
from workflows import AuthContext, StepList, begin, done, init, step, step_group, workflow
from workflows.engine import claims, losses
from workflows.engine.fault_points import FaultPoint, install
from workflows.engine.runner import run
from workflows.executors.room import Room
from workflows.executors.threadpool import ThreadPool
from workflows.executors.worker_process import WorkerProcess
from workflows.models import EngineSettings, Process
from workflows.selectors import why_not_running
from workflows.services import pause_engine, release_process

from .conftest import StartWorkflow, in_thread, rows
from .test_executors import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

HELD = (
    "Is held: its worker was lost 3 times in a row in the step after “Start”, the last time with nothing else running "
    "there; release it to try once more, or abort it."
)


@pytest.fixture(autouse=True)
def nobody_runs(settings: Any) -> None:
    settings.EXECUTOR = "threadpool"


@pytest.fixture
def process(start: StartWorkflow) -> Process:
    @step("One")
    def one() -> None: ...

    @step("Two")
    def two() -> None: ...

    @workflow("Two steps")
    def two_steps() -> StepList:
        return init >> one >> two >> done

    return start(two_steps)


def lose_in(step_name: str, process: Process, *, alone: bool = False) -> None:
    """Let a runner die in a step, and its lease run out."""

    def die(point: FaultPoint, at: str) -> None:
        if (point, at) == (FaultPoint.BEFORE_WRITE, step_name):
            raise SystemExit

    install(die)
    try:
        with pytest.raises(SystemExit):
            run(process.pk, runner="r", alone=alone)
    finally:
        install(None)
    Process.every.filter(pk=process.pk).update(lease_until=Now() - timedelta(seconds=1))


def lost(process: Process) -> int:
    return Process.every.get(pk=process.pk).lost_claims


def hold(process: Process) -> Process:
    lose_in("One", process)
    lose_in("One", process)
    lose_in("One", process, alone=True)
    assert losses.hold_what_kills() == 1
    process.refresh_from_db()
    return process


def test_each_claim_that_dies_in_the_same_step_counts_and_a_stored_step_begins_anew(process: Process) -> None:
    """The first claim has stored Start before it dies."""
    lose_in("One", process)
    assert lost(process) == 1
    lose_in("One", process)
    assert lost(process) == 2
    lose_in("Two", process, alone=True)
    assert lost(process) == 1
    assert run(process.pk, runner="r")
    assert lost(process) == 0


def test_giving_back_in_good_order_is_no_loss(process: Process) -> None:
    lose_in("One", process)
    asked: list[int] = []
    run(process.pk, runner="r", should_stop=lambda: bool(asked) or asked.append(1) is not None)
    assert lost(process) == 0


def test_giving_back_before_the_step_is_begun_keeps_what_was_lost_in_it(process: Process) -> None:
    """Others hand back when one wants to be alone: one that kills must not be as good as new by that."""
    lose_in("One", process)
    assert run(process.pk, runner="r", should_stop=lambda: True)
    assert lost(process) == 1
    lose_in("One", process)
    assert run(process.pk, runner="r", alone=True, should_stop=lambda: True)
    assert lost(process) == 2


def test_a_runner_that_ends_within_a_step_takes_back_only_its_own_claim(process: Process) -> None:
    lose_in("One", process)
    assert claims.claim(process.pk, "r") is not None
    assert lost(process) == 2
    claims.leave([process.pk], "r")
    assert lost(process) == 1
    left = Process.every.get(pk=process.pk)
    assert left.lease_until is not None
    assert left.rung_at is None
    claims.leave([process.pk], "another")
    assert lost(process) == 1


def test_one_that_was_lost_twice_is_claimed_only_by_a_runner_that_is_alone(process: Process) -> None:
    lose_in("One", process)
    lose_in("One", process)
    assert claims.claim(process.pk, "r") is None
    assert [due.is_dangerous for due in claims.next_up(10)] == [True]
    process.refresh_from_db()
    assert why_not_running(process) == (
        "Its worker was lost twice; it goes on when a worker has nothing else to do, alone."
    )
    assert claims.claim(process.pk, "r", alone=True) is not None


def test_one_that_was_lost_three_times_is_held_with_the_reason_and_run_by_nobody(process: Process) -> None:
    held = hold(process)
    assert why_not_running(held) == HELD
    assert (held.last_status, held.lost_claims) == ("running", 3)
    assert claims.claim(process.pk, "r", alone=True) is None
    assert claims.next_up(10) == []
    assert claims.due(10) == []
    assert losses.hold_what_kills() == 0


def test_one_that_is_being_run_is_not_held(process: Process) -> None:
    lose_in("One", process)
    lose_in("One", process)
    assert claims.claim(process.pk, "r", alone=True) is not None
    assert losses.hold_what_kills() == 0


def test_released_it_runs_alone_and_is_held_again_at_the_next_loss(process: Process) -> None:
    hold(process)
    release_process(process.pk, user="alice")
    assert claims.claim(process.pk, "r") is None
    lose_in("One", process, alone=True)
    assert losses.hold_what_kills() == 1
    release_process(process.pk, user="alice")
    assert run(process.pk, runner="r", alone=True)
    assert rows(process)[-1] == ("Done", "complete")


def test_a_release_is_refused_for_what_is_not_held_or_held_for_another_reason(process: Process) -> None:
    with pytest.raises(Conflict, match="not held; it is created"):
        release_process(process.pk)
    Process.every.filter(pk=process.pk).update(held_because="waits for approval")
    with pytest.raises(Conflict, match=r"held for another reason.*waits for approval"):
        release_process(process.pk)
    assert Process.every.get(pk=process.pk).held_because == "waits for approval"
    with pytest.raises(NotFound):
        release_process(uuid7())


def test_whoever_may_not_retry_may_not_release(start: StartWorkflow) -> None:
    def only_bob(context: AuthContext) -> bool:
        return context.user is not None and context.user.get_username() == "bob"

    @step("One")
    def one() -> None: ...

    @workflow("Guarded", retry_auth_callback=only_bob)
    def guarded() -> StepList:
        return init >> one >> done

    process = hold(start(guarded))
    with pytest.raises(Forbidden):
        release_process(process.pk, user="alice", user_model=User(username="alice"))
    release_process(process.pk, user="bob", user_model=User(username="bob"))


def test_a_paused_engine_releases_nothing(process: Process) -> None:
    hold(process)
    pause_engine()
    with pytest.raises(Exception, match="locked"):
        release_process(process.pk)
    EngineSettings.objects.update(global_lock=False)


class Crowd:
    """Workflows that note who is at work, and one that was lost twice."""

    def __init__(self, start: StartWorkflow) -> None:
        self.at_work: set[str] = set()
        self.seen_by_dangerous: list[set[str]] = []
        self.dangerous_ran, self.release = threading.Event(), threading.Event()

        @step("Be there")
        def be_there(n: int = 0) -> dict[str, int]:
            self.at_work.add(threading.current_thread().name)
            self.release.wait(20)
            self.at_work.discard(threading.current_thread().name)
            return {"n": n + 1}

        @step("Look around")
        def look_around() -> None:
            self.seen_by_dangerous.append(set(self.at_work))
            self.dangerous_ran.set()

        @workflow("Innocent")
        def innocent() -> StepList:
            return init >> be_there >> be_there >> be_there >> done

        @workflow("Dangerous")
        def dangerous() -> StepList:
            return init >> look_around >> look_around >> done

        self.innocent = [start(innocent) for _ in range(2)]
        self.dangerous = start(dangerous)
        Process.every.filter(pk=self.dangerous.pk).update(lost_claims=2)


def test_one_that_was_lost_twice_waits_until_it_has_the_pool_to_itself(start: StartWorkflow) -> None:
    """The others hand back between two steps, come in again when its first step is stored, and it goes on with them."""
    crowd = Crowd(start)
    Process.every.filter(pk=crowd.dangerous.pk).update(held_because="not yet")
    pool = ThreadPool(3)
    pool.start()
    try:
        wait_for(lambda: len(crowd.at_work) == 2)
        Process.every.filter(pk=crowd.dangerous.pk).update(held_because=None)
        pool.ring([crowd.dangerous.pk])
        wait_for(pool.room.asks_to_leave)
        assert not crowd.dangerous_ran.is_set()
        crowd.release.set()
        wait_for(lambda: set(Process.every.values_list("last_status", flat=True)) == {"completed"})
    finally:
        pool.stop(20)
    assert crowd.seen_by_dangerous[0] == set()
    for process in crowd.innocent:
        assert rows(process).count(("Be there", "success")) == 3
    assert set(Process.every.values_list("lost_claims", flat=True)) == {0}


def test_one_that_cannot_be_alone_in_time_is_left_for_later(
    start: StartWorkflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workflows.executors import worker_process

    monkeypatch.setattr(worker_process, "_PATIENCE_SECONDS", 0.1)
    crowd = Crowd(start)
    for process in crowd.innocent:
        Process.every.filter(pk=process.pk).update(held_because="not now")
    room = Room()
    worker = WorkerProcess(room, ring=lambda _: None, replace=lambda _: None)
    with room.among_others():
        assert worker.run_next() is False
    left = Process.every.get(pk=crowd.dangerous.pk)
    assert left.not_before is not None
    assert (left.lost_claims, left.last_status) == (2, "created")
    room.remove()


def test_only_one_worker_empties_itself_for_it(start: StartWorkflow) -> None:
    """While the first waits until it is alone, the second goes on with everything else."""
    crowd = Crowd(start)
    for process in crowd.innocent:
        Process.every.filter(pk=process.pk).update(held_because="not now")
    rooms = [Room(), Room()]
    first, second = (WorkerProcess(room, ring=lambda _: None, replace=lambda _: None) for room in rooms)
    crowd.release.set()
    with rooms[0].among_others():
        waiting = in_thread(first.run_next)
        wait_for(rooms[0].asks_to_leave)
        assert second.run_next() is False
        assert not rooms[1].asks_to_leave()
        assert Process.every.get(pk=crowd.dangerous.pk).last_step is None
    waiting.join(20)
    # Alone it does one step.
    assert Process.every.get(pk=crowd.dangerous.pk).last_step == "Start"
    for room in rooms:
        room.remove()


def test_the_thread_that_comes_second_leaves_the_lease_of_the_first_alone(start: StartWorkflow, settings: Any) -> None:
    """Both found the same process due. It is one lease, kept until the first is done."""
    process = start_waiting(start)
    room = Room()
    worker = WorkerProcess(room, ring=lambda _: None, replace=lambda _: None)
    with worker.keeper.keeping(process.pk) as is_ours:
        assert is_ours
        with worker.keeper.keeping(process.pk) as is_ours_too:
            assert not is_ours_too
        assert worker.keeper.running == {process.pk}
        assert worker.run_next() is False
    assert worker.keeper.running == set()
    room.remove()


def start_waiting(start: StartWorkflow) -> Process:
    @workflow("Nothing")
    def nothing() -> StepList:
        return init >> done

    return start(nothing)


def test_a_claim_that_lost_the_database_is_given_back_when_it_is_there_again(process: Process, settings: Any) -> None:
    """The runner lives, so nobody need wait for its lease to run out, and nothing counts as lost."""
    settings.PROCESS_LEASE_SECONDS = 0.4
    from django.db import OperationalError

    def lose_database(point: FaultPoint, at: str) -> None:
        if (point, at) == (FaultPoint.BEFORE_WRITE, "One"):
            raise OperationalError("the connection is closed")

    room = Room()
    worker = WorkerProcess(room, ring=lambda _: None, replace=lambda _: None)
    worker.keeper.start()
    settings.PROCESS_LEASE_SECONDS = 1_000.0
    install(lose_database)
    try:
        assert worker.run_next()
    finally:
        install(None)
    wait_for(lambda: Process.every.get(pk=process.pk).lease_until is None)
    assert lost(process) == 0
    worker.keeper.stop()
    room.remove()


def test_a_runner_that_is_alone_does_the_first_step_of_a_group(start: StartWorkflow) -> None:
    """It is asked whether it should stop before the group and before its first step: nothing is stored in between."""

    @step("One")
    def one() -> None: ...

    @workflow("Grouped")
    def grouped() -> StepList:
        return init >> step_group("Group", begin >> one >> one) >> done

    process = start(grouped)
    asked = iter([False, True])
    assert run(process.pk, runner="r", should_stop=lambda: next(asked))
    Process.every.filter(pk=process.pk).update(lost_claims=2)
    room = Room()
    worker = WorkerProcess(room, ring=lambda _: None, replace=lambda _: None)
    assert worker.run_next()
    stored = process.steps.get(name="Group")
    assert (stored.status, stored.sub_step, lost(process)) == ("success", "One", 0)
    assert worker.run_next()
    assert rows(process) == [("Start", "success"), ("Group", "success"), ("Done", "complete")]
    room.remove()
