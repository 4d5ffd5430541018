"""What is usual is read from the newest completed runs, and tells when a running process ends and when it is late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from products.models import Workflow
from wfo_site.common.clock import now
from wfo_site.common.uuid7 import uuid7
from workflows import State, StepList, begin, done, init, inputstep, step, step_group, workflow
from workflows.forms import FormGenerator, FormPage
from workflows.models import Process, ProcessStep, Wait
from workflows.selectors import durations, process_detail
from workflows.selectors.durations import NEWEST, Spread, WorkflowDurations, measure
from workflows.selectors.estimates import estimate_of, late_among
from workflows.testing import Engine

pytestmark = pytest.mark.django_db

Row = tuple[str, float] | tuple[str, float, str]
PLAN = ["Start", "Order", "Install", "Done"]


@pytest.fixture
def flow() -> Workflow:
    return Workflow.objects.create(name="flow", target="SYSTEM", description="Flow")


def a_run(flow: Workflow, rows: Sequence[Row], *, status: str = "completed", ago: float = 0, **values: Any) -> Process:
    """Store a process that began so many seconds ago, with rows of these keys, seconds and statuses, hours apart."""
    pk, moment = uuid7(), now() - timedelta(seconds=ago)
    values = {"last_modified_at": moment, "last_seq": len(rows), **values}
    process = Process.every.create(
        process_id=pk, root_id=pk, workflow=flow, last_status=status, started_at=moment, **values
    )
    for seq, (key, *took) in enumerate(rows, 1):
        began = moment + timedelta(hours=seq)
        a_row(process, seq, key, began, *took)
    return process


def a_row(process: Process, seq: int, key: str, began: datetime, *took: Any) -> None:
    """Store a row; `took`: its seconds and, if not `success`, its status."""
    seconds, status = took if len(took) == 2 else (*took, "success")
    ended = began + timedelta(seconds=seconds)
    ProcessStep.objects.create(
        process=process, seq=seq, name=key, key=key, status=status, started_at=began, completed_at=ended
    )


def both_ways(workflow_id: UUID) -> WorkflowDurations:
    """Measure in Python and, on PostgreSQL, by its own functions: they must agree."""
    found = measure([workflow_id])[workflow_id]
    portable = measure([workflow_id], portable=True)[workflow_id]
    assert found.runs == portable.runs
    assert found.asking == portable.asking
    assert found.steps.keys() == portable.steps.keys()
    spreads = [(found.whole, portable.whole)]
    for key, one in found.steps.items():
        assert one.share == portable.steps[key].share
        spreads.append((one.spread, portable.steps[key].spread))
    for one_spread, other in spreads:
        assert (one_spread is None) == (other is None)
        if one_spread is not None and other is not None:
            assert (one_spread.p50, one_spread.p95) == pytest.approx((other.p50, other.p95))
    return found


def test_median_and_95th_percentile_of_steps_and_runs(flow: Workflow) -> None:
    for number in range(1, 6):
        a_run(flow, [("Order", number), ("Install", 10 * number), ("Done", 0, "complete")])
    found = both_ways(flow.pk)
    assert found.runs == 5
    order = found.steps["Order"].spread
    assert order is not None
    assert (order.p50, order.p95) == pytest.approx((3, 4.8))
    assert found.whole is not None
    assert (found.whole.p50, found.whole.p95) == pytest.approx((33, 52.8))
    assert found.are_known


def test_hours_between_rows_failures_and_skipped_steps_are_no_work(flow: Workflow) -> None:
    for number in range(4):
        skipped = ("Install", 0, "skipped") if number else ("Install", 8)
        a_run(flow, [("Order", 5000, "failed"), ("Order", 2), ("Order", 90, "suspend"), skipped])
    found = both_ways(flow.pk)
    assert found.steps["Order"].spread == Spread(2, 2)
    assert found.steps["Install"].spread == Spread(8, 8)
    assert (found.steps["Install"].share, found.steps["Install"].expected) == (0.25, 0)
    assert found.whole is not None
    assert (found.whole.p50, found.whole.p95) == pytest.approx((2, 8.8))
    assert not found.are_known


def test_only_the_newest_completed_processes_count(flow: Workflow) -> None:
    for _ in range(3):
        a_run(flow, [("Order", 500)], ago=10_000)
    for _ in range(NEWEST):
        a_run(flow, [("Order", 1)], ago=100)
    a_run(flow, [("Order", 900)], status="failed")
    a_run(flow, [("Order", 900)], status="aborted")
    a_run(flow, [("Order", 900)], kind="branch")
    a_run(Workflow.objects.create(name="other", target="SYSTEM", description=""), [("Order", 900)])
    found = both_ways(flow.pk)
    assert (found.runs, found.whole) == (NEWEST, Spread(1, 1))


def test_the_pause_of_a_person_within_a_group_is_no_work_of_it(engine: Engine) -> None:
    @inputstep("Confirm", assignee="NOC")
    def confirm() -> FormGenerator:
        class Confirm(FormPage):
            name: str

        page = yield Confirm
        return page.model_dump()

    @step("Order")
    def order() -> State:
        return {}

    @workflow("Grouped")
    def grouped() -> StepList:
        return init >> step_group("Group", begin >> order >> confirm >> order) >> confirm >> done

    run = engine.start(grouped)
    engine.advance(hours=7)
    run.resume({"name": "x"}).expect("suspended")
    engine.advance(hours=9)
    run.resume({"name": "y"}).expect("completed")
    row = run.step("Group")
    assert row.completed_at - row.started_at > timedelta(hours=7)
    found = both_ways(run.process.workflow_id)
    assert found.asking == {"Group", "Confirm"}
    assert found.whole is not None
    assert found.whole.p95 < 60


@pytest.fixture
def history(flow: Workflow) -> Workflow:
    """Twenty runs of 100 to 119 seconds."""
    for number in range(20):
        a_run(flow, [("Start", 0), ("Order", 20), ("Install", 80 + number), ("Done", 0, "complete")])
    return flow


def under_way(flow: Workflow, *, seconds: float, status: str = "running") -> Process:
    """A process whose Order took 20 seconds, and whose Install has run for so many."""
    process = a_run(flow, [], status=status, ago=20 + seconds)
    a_row(process, 1, "Start", process.started_at, 0)
    a_row(process, 2, "Order", process.started_at, 20)
    return process


def estimate(process: Process) -> tuple[bool, float | None]:
    """Return whether it is late, and in how many seconds it ends."""
    found = estimate_of(process, list(process.steps.order_by("seq")), PLAN[2:])
    left = (found.ends_at - now()).total_seconds() if found.ends_at else None
    assert late_among([process]) == ({process.pk} if found.is_late else set())
    return found.is_late, left


@pytest.mark.parametrize(
    ("seconds", "late", "left"),
    [
        (10, False, 79.5),
        # Past the median it is expected to take as long as slow ones do.
        (90, False, 8.05),
        (99, True, None),
        (5000, True, None),
    ],
)
def test_a_running_process_ends_when_its_steps_usually_do(
    history: Workflow, seconds: float, late: bool, left: float | None
) -> None:
    found = estimate(under_way(history, seconds=seconds))
    assert found[0] is late
    assert found[1] == (None if left is None else pytest.approx(left, abs=2))


def test_another_system_that_takes_too_long_makes_a_process_late(history: Workflow) -> None:
    process = under_way(history, seconds=400, status="awaiting_callback")
    a_row(process, 3, "Install", now() - timedelta(seconds=400), 1, "awaiting_callback")
    process.steps.filter(seq=3).update(sub_step="Await callback")
    assert estimate(process) == (True, None)


def test_a_process_whose_parts_take_too_long_is_late(history: Workflow) -> None:
    process = under_way(history, seconds=400, status="waiting")
    assert estimate(process) == (False, None)
    a_row(process, 3, "Install", now() - timedelta(seconds=400), 0, "waiting")
    Process.every.filter(pk=process.pk).update(wait_kind="children")
    process.refresh_from_db()
    assert estimate(process) == (True, None)


@pytest.mark.parametrize("status", ["created", "suspended", "waiting", "failed", "completed", "aborted"])
def test_what_is_not_at_work_is_neither_estimated_nor_late(history: Workflow, status: str) -> None:
    assert estimate(under_way(history, seconds=5000, status=status)) == (False, None)


def test_nobody_can_tell_the_end_before_a_person_or_a_new_step(history: Workflow) -> None:
    process = under_way(history, seconds=10)
    rows = list(process.steps.order_by("seq"))
    assert estimate_of(process, rows, ["Install", "Brand new", "Done"]).ends_at is None
    for pk in Process.objects.filter(last_status="completed").values_list("pk", flat=True)[:10]:
        Wait.objects.create(
            process_id=pk, kind="input", key="Done", created_at=now(), closed_at=now(), state="cancelled"
        )
    assert estimate_of(process, rows, ["Install", "Done"]).ends_at is None
    assert estimate_of(process, rows, ["Install"]).ends_at is not None


def test_a_retry_hours_after_a_failure_is_not_late(history: Workflow) -> None:
    process = under_way(history, seconds=50_000)
    a_row(process, 3, "Install", process.started_at + timedelta(seconds=20), 5, "failed")
    Process.every.filter(pk=process.pk).update(last_modified_at=now() - timedelta(seconds=10))
    process.refresh_from_db()
    late, left = estimate(process)
    assert (late, left) == (False, pytest.approx(79.5, abs=2))


def test_few_runs_tell_nothing(flow: Workflow) -> None:
    for _ in range(4):
        a_run(flow, [("Install", 1)])
    assert estimate(under_way(flow, seconds=5000)) == (False, None)


def test_the_api_tells_the_end_and_who_is_late(history: Workflow) -> None:
    on_time, late = under_way(history, seconds=1), under_way(history, seconds=500)
    assert process_detail(on_time.pk)["is_late"] is False
    assert process_detail(late.pk)["is_late"] is True


def test_what_was_measured_is_kept_for_a_minute(history: Workflow, settings: Any) -> None:
    settings.CACHES = {**settings.CACHES, "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    ids = [history.pk, Workflow.objects.create(name="other", target="SYSTEM", description="").pk]
    durations.caches["local"].clear()
    with CaptureQueriesContext(connection) as captured:
        first = durations.durations_of(ids)
    assert 1 <= len(captured) <= 3
    with CaptureQueriesContext(connection) as captured:
        assert durations.durations_of(ids) == first
    assert len(captured) == 0


def test_who_is_late_costs_the_same_for_few_and_many(history: Workflow) -> None:
    def count(processes: list[Process]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert late_among(processes) == {process.pk for process in processes}
        return len(captured)

    few = [under_way(history, seconds=500) for _ in range(2)]
    many = [under_way(history, seconds=500) for _ in range(8)]
    assert count(few) == count(many) <= 5
