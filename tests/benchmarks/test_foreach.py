"""A step that runs others for each of many items: each costs as many statements, whatever their number."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from tests.benchmarks.conftest import Counter, in_catalogue
from workflows import State, StepList, done, foreach, init, step, workflow
from workflows.models import Process
from workflows.services import start_process
from workflows.testing import run_until_idle

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("nobody_runs"),
    pytest.mark.benchmark_suite,
]

AT_ONCE = 16


def run_foreach(number: int) -> tuple[float, int]:
    """Run a `foreach` of so many items to its end; return the seconds and the statements that it took."""

    @step("Configure")
    def configure(item: int) -> State:
        return {"configured": item}

    @workflow("Configure all")
    def configuring() -> StepList:
        return init >> foreach("Configure all", lambda _: range(number), configure, max_parallel=AT_ONCE) >> done

    process_id = start_process(in_catalogue(configuring).name)
    began = time.perf_counter()
    counter = Counter()
    with connection.execute_wrapper(counter):
        run_until_idle()
    seconds = time.perf_counter() - began
    process = Process.every.get(pk=process_id)
    assert process.last_status == "completed", process.failed_reason
    assert Process.every.filter(parent=process, last_status="completed").count() == number
    return seconds, counter.number


@pytest.mark.parametrize("many", [300, pytest.param(1_000, marks=pytest.mark.long)])
def test_many_items_cost_no_more_each_than_few(many: int, capsys: pytest.CaptureFixture[str]) -> None:
    _, of_few = run_foreach(50)
    seconds, of_many = run_foreach(many)
    with capsys.disabled():
        print(f"\n{connection.vendor}: foreach of {many:,} in {seconds:.1f} s, {of_many / many:.1f} statements an item")
    assert of_many / many <= 1.1 * of_few / 50
