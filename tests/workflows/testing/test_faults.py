"""Fakes stand where clients are found; crashes leave what a killed worker leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from json import dumps

import pytest

from workflows import State, StepList, done, init, step, step_context, workflow
from workflows.engine.registry import Workflow
from workflows.testing import Engine, FaultPoint, swapped

pytestmark = pytest.mark.django_db


class Ledger:
    """Another system: makes a thing once for each key."""

    name = "ledger"

    def __init__(self) -> None:
        self.made: dict[str, int] = {}

    def make(self, key: str, *, size: int = 1) -> int:
        return self.made.setdefault(key, len(self.made) + size)


LEDGER = Ledger()


def get_ledger() -> Ledger:
    return LEDGER


@pytest.fixture(autouse=True)
def empty_ledger() -> Iterator[None]:
    LEDGER.made.clear()
    yield
    LEDGER.made.clear()


def making() -> Workflow:
    @step("Make")
    def make() -> State:
        return {"number": get_ledger().make(str(step_context().idempotency_key))}

    @workflow("Making")
    def makes() -> StepList:
        return init >> make >> done

    return makes


def test_a_function_is_swapped_wherever_it_was_imported() -> None:
    with swapped(json.dumps, lambda _: "fake"):
        assert (json.dumps([1]), dumps([1])) == ("fake", "fake")
    assert (json.dumps([1]), dumps([1])) == ("[1]", "[1]")
    with pytest.raises(AssertionError, match="no name of any module"), swapped(lambda: 1, lambda: 2):
        pass


def test_a_fake_is_used_until_the_test_ends(db: None) -> None:
    fake = Ledger()
    with Engine() as engine:
        engine.swap(get_ledger, lambda: fake)
        engine.start(making()).expect("completed")
    assert (len(fake.made), len(LEDGER.made)) == (1, 0)
    assert get_ledger() is LEDGER


def test_calls_are_noted_and_made_to_fail(engine: Engine) -> None:
    ledger = engine.intercept(get_ledger)
    ledger.fail("make", ConnectionError("away"), when="after")
    run = engine.start(making()).expect("failed", failure="away")
    run.retry().expect("completed")
    assert ledger.operations == ["make", "make"]
    assert ledger.calls[0].args == ledger.calls[1].args
    assert len(LEDGER.made) == 1
    assert get_ledger().name == "ledger"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_dies_within_a_step_leaves_it_to_another(engine: Engine, when: str) -> None:
    ledger = engine.intercept(get_ledger)
    ledger.crash("make", when=when)  # type: ignore[arg-type]
    run = engine.start(making()).expect("running", step="Start")
    assert engine.run_until_idle() == 0
    assert run.process.runner == "test"
    assert engine.recover() == 1
    run.expect("completed")
    assert run.steps == [("Start", "success"), ("Make", "success"), ("Done", "complete")]
    assert len(LEDGER.made) == 1


@pytest.mark.parametrize("point", FaultPoint)
def test_a_worker_that_dies_anywhere_loses_and_doubles_nothing(engine: Engine, point: FaultPoint) -> None:
    of_no_step = point in (FaultPoint.BEFORE_CLAIM, FaultPoint.AFTER_CLAIM)
    engine.crash_at(point, "" if of_no_step else "Make")
    run = engine.start(making())
    engine.recover()
    run.expect("completed")
    assert len(run.steps) == 3
    assert len(LEDGER.made) == 1


def test_a_crash_that_never_comes_is_a_mistake_of_the_test(db: None) -> None:
    engine = Engine()
    engine.__enter__()
    engine.crash_at(FaultPoint.BEFORE_WRITE, "Mkae")
    engine.start(making())
    with pytest.raises(AssertionError, match="'before write' of 'Mkae'"):
        engine.__exit__(None, None, None)
