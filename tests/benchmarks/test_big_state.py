"""A state of a megabyte costs what it takes to store it once, not once for each step."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from tests.benchmarks.conftest import Counter, in_catalogue
from tests.benchmarks.plain.steps import numbered
from workflows import State, StepList, begin, done, init, step, workflow
from workflows.engine.history import SNAPSHOT_ROWS
from workflows.engine.runner import run
from workflows.models import Process, ProcessStep
from workflows.services import start_process

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("nobody_runs"),
    pytest.mark.benchmark_suite,
]

STEPS = 100
MEGABYTE = 1_000_000


@step("Read configuration")
def read_configuration() -> State:
    """A thousand interfaces of a kilobyte each."""
    return {"configuration": [{"interface": f"et-0/0/{number}", "text": "x" * 960} for number in range(1_000)]}


@step("Keep little")
def keep_little() -> State:
    return {"configuration": []}


def seconds_with(first: object) -> tuple[float, int, int]:
    """Run a hundred steps after one that leaves this state; return seconds, statements and the characters stored."""

    @workflow("Big state")
    def big_state() -> StepList:
        return begin >> init >> first >> StepList(numbered(index) for index in range(STEPS)) >> done

    process_id = start_process(in_catalogue(big_state).name)
    counter, began = Counter(), time.perf_counter()
    with connection.execute_wrapper(counter):
        run(process_id, runner="bench")
    seconds = time.perf_counter() - began
    assert Process.every.get(pk=process_id).last_status == "completed"
    rows = ProcessStep.objects.filter(process_id=process_id).values_list("delta", "snapshot")
    return seconds, counter.number, sum(len(str(delta)) + len(str(snapshot)) for delta, snapshot in rows)


def test_a_megabyte_through_a_hundred_steps(capsys: pytest.CaptureFixture[str]) -> None:
    _, statements_of_little, _ = seconds_with(keep_little)
    seconds, statements, stored = seconds_with(read_configuration)
    with capsys.disabled():
        print(
            f"\n{connection.vendor}: 1 MB through {STEPS} steps in {seconds:.1f} s, {stored / MEGABYTE:.1f} MB stored"
        )
    assert statements == statements_of_little
    # Once where it came in, and in each snapshot.
    assert stored < (1 + STEPS / SNAPSHOT_ROWS + 1) * 1.1 * MEGABYTE
