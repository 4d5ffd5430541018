"""Parts that really run at the same time, in threads: the join happens once, and no more are at work than allowed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from workflows import State, StepList, branch, done, foreach, init, parallel, step, workflow
from workflows.executors import get_executor
from workflows.models import Process, ProcessStep, Wait

from .conftest import StartWorkflow, state_of

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS = 40
AT_ONCE = 3


class Gauge:
    """How many bodies run at this moment, and how many there ever were at once."""

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.now = self.most = 0

    def __enter__(self) -> None:
        with self.mutex:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self.mutex:
            self.now -= 1


@pytest.fixture
def pool(settings: Any) -> Iterator[None]:
    settings.EXECUTOR = "threadpool"
    executor = get_executor()
    executor.start()
    yield
    executor.stop(20)


def end_of(process: Process) -> Process:
    until = time.monotonic() + 60
    while process.last_status not in {"completed", "failed", "aborted"}:
        assert time.monotonic() < until, f"still {process.last_status} at {process.last_step}"
        time.sleep(0.02)
        process.refresh_from_db()
    return process


def test_items_at_once_are_joined_once_and_never_too_many(start: StartWorkflow, pool: None) -> None:
    gauge, chance = Gauge(), random.Random(7)

    @step("Configure")
    def configure(item: int) -> State:
        with gauge:
            time.sleep(chance.random() / 200)
        return {"square": item * item}

    @workflow("Configure all")
    def configuring() -> StepList:
        return init >> foreach("Configure all", lambda _: range(ITEMS), configure, max_parallel=AT_ONCE) >> done

    process = end_of(start(configuring))
    assert process.last_status == "completed", process.failed_reason
    assert [result["square"] for result in state_of(process.pk)["results"]] == [n * n for n in range(ITEMS)]
    assert gauge.most <= AT_ONCE
    assert Wait.objects.filter(process=process, kind="children", state="arrived").count() == 1
    assert ProcessStep.objects.filter(process=process, name="Configure all").count() == 1
    assert set(Process.every.filter(parent=process).values_list("last_status", "epoch")) == {("completed", 1)}


def test_branches_that_end_in_the_same_moment_wake_the_parent_once(start: StartWorkflow, pool: None) -> None:
    together = threading.Barrier(2)

    def meeting(name: str) -> Any:
        @step(name)
        def meet() -> State:
            together.wait(20)
            return {name: True}

        return branch(name, meet)

    @workflow("Meeting")
    def both() -> StepList:
        return init >> parallel("Both", meeting("a"), meeting("b")) >> done

    for _ in range(10):
        process = end_of(start(both))
        assert process.last_status == "completed"
        # Claimed at its start and once more after the join: two wakes would be a claim too many.
        assert process.epoch == 3
