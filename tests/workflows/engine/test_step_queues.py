"""Steps that ask for a queue: done by those who serve it, and handed over in the write of the step before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from workflows import (
    State,
    StepList,
    begin,
    callback_step,
    conditional,
    done,
    foreach,
    init,
    inputstep,
    retrystep,
    step,
    step_group,
    workflow,
)
from workflows.engine import claims
from workflows.engine.runner import run
from workflows.executors.queues import QueuesOfWorker
from workflows.forms import FormGenerator, FormPage
from workflows.models import Process
from workflows.services import resume_process, undo_process

from .conftest import StartWorkflow, rows

pytestmark = pytest.mark.django_db(transaction=True)

PLAIN = QueuesOfWorker(frozenset({"new_workflows", "resume_workflows"}))
GPU = QueuesOfWorker(frozenset({"gpu"}))


@pytest.fixture(autouse=True)
def bells_reach_nobody(settings: Any) -> None:
    settings.EXECUTOR = "threadpool"


@dataclass
class Where:
    """Which worker did which step."""

    done: list[str]
    worker: str = ""

    def note(self, name: str) -> None:
        self.done.append(f"{name} on {self.worker}")

    def work(self, *, only: str = "") -> list[str]:
        """Let two workers run what each of them would take, in turns, until neither finds anything."""
        workers = {name: queues for name, queues in (("plain", PLAIN), ("gpu", GPU)) if only in ("", name)}
        while True:
            ran = 0
            for self.worker, queues in workers.items():
                for due in claims.next_up(10, where=queues.processes):
                    ran += run(due.process_id, runner=self.worker, served=queues)
            if not ran:
                return self.done


@pytest.fixture
def where() -> Where:
    return Where([])


def flow(*steps: Any) -> Any:
    @workflow("Queued")
    def queued() -> StepList:
        listed = begin >> init
        for one in steps:
            listed = listed >> one
        return listed >> done

    return queued


def at(process: Process) -> tuple[str, str | None, str | None]:
    process.refresh_from_db()
    return process.last_status, process.last_step, process.queue


def named(where: Where, name: str, **options: Any) -> Any:
    @step(name, **options)
    def body() -> None:
        where.note(name)

    return body


@pytest.mark.parametrize("atomic", [False, True])
def test_a_step_is_done_where_it_asks_to_be_and_the_next_one_goes_back(
    start: StartWorkflow, where: Where, atomic: bool
) -> None:
    steps = [
        named(where, "One", atomic=atomic),
        named(where, "Two", queue="gpu", atomic=atomic),
        named(where, "Three", queue="gpu"),
        named(where, "Four"),
    ]
    process = start(flow(*steps))
    where.work(only="plain")
    assert at(process) == ("running", "One", "gpu")
    assert (process.runner, process.lease_until, process.lost_claims) == (None, None, 0)
    assert claims.claim(process.pk, "plain", queues=PLAIN.names) is None
    where.work(only="gpu")
    assert at(process) == ("running", "Three", None)
    assert where.work() == ["One on plain", "Two on gpu", "Three on gpu", "Four on plain"]
    assert at(process) == ("completed", "Done", None)
    assert process.steps.count() == 6


def test_a_worker_that_serves_all_hands_nothing_over(start: StartWorkflow, where: Where) -> None:
    process = start(flow(named(where, "One"), named(where, "Two", queue="gpu"), named(where, "Three")))
    assert run(process.pk, runner="all")
    assert at(process)[0] == "completed"
    assert process.epoch == 1


def test_a_failure_is_tried_again_where_it_belongs(start: StartWorkflow, where: Where) -> None:
    tries: list[int] = []

    @step("Train", queue="gpu")
    def train() -> None:
        where.note("Train")
        tries.append(1)
        if len(tries) < 2:
            raise RuntimeError("no memory")

    @retrystep("Again", queue="gpu")
    def again() -> None:
        where.note("Again")
        tries.append(1)
        if len(tries) < 4:
            raise RuntimeError("not yet")

    process = start(flow(train, again))
    where.work()
    assert at(process) == ("failed", "Train", "gpu")
    resume_process(process.pk)
    where.work(only="plain")
    assert at(process)[0] == "resumed"
    where.work()
    assert at(process) == ("waiting", "Again", "gpu")
    resume_process(process.pk)
    where.work()
    assert where.done == ["Train on gpu", "Train on gpu", "Again on gpu", "Again on gpu"]
    assert at(process) == ("completed", "Done", None)


def test_a_group_is_done_on_one_queue_also_after_it_has_waited(start: StartWorkflow, where: Where) -> None:
    @inputstep("Ask", assignee="NOC")
    def ask() -> FormGenerator:
        class Ask(FormPage):
            name: str

        page = yield Ask
        return page.model_dump()

    group = step_group("Both", named(where, "One") >> ask >> named(where, "Two"), queue="gpu")
    process = start(flow(group, named(where, "After")))
    where.work()
    assert at(process) == ("suspended", "Both", "gpu")
    resume_process(process.pk, {"name": "x"})
    assert where.work() == ["One on gpu", "Two on gpu", "After on plain"]
    assert at(process)[0] == "completed"


def test_a_group_has_one_queue() -> None:
    with pytest.raises(ValueError, match="'Two' asks for the queue 'gpu' within step_group 'Both'"):
        step_group("Both", step("One")(lambda: None) >> step("Two", queue="gpu")(lambda: None))
    action, check = step("Act")(lambda: None), step("Check")(lambda: None)
    assert callback_step("Call", action, check, queue="gpu").options.queue == "gpu"


@pytest.mark.parametrize("name", ["", "two words", "a,b", "x" * 101])
def test_what_cannot_be_the_name_of_a_queue(name: str) -> None:
    with pytest.raises(ValueError, match="queue is "):
        step("One", queue=name)


def test_a_step_that_is_skipped_needs_nobody(start: StartWorkflow, where: Where) -> None:
    skipped = conditional(lambda state: bool(state.get("wanted")))(named(where, "Train", queue="gpu"))
    process = start(flow(named(where, "One"), skipped, named(where, "Two")))
    where.work(only="plain")
    assert at(process)[0] == "completed"
    assert ("Train", "skipped") in rows(process)


def test_a_first_step_and_the_items_of_a_fork_find_their_workers(start: StartWorkflow, where: Where) -> None:
    @step("Item", queue="gpu")
    def item_step(item: int) -> State:
        where.note(f"Item {item}")
        return {"doubled": 2 * item}

    @step("Numbers", queue="gpu")
    def numbers() -> State:
        where.note("Numbers")
        return {"numbers": [1, 2]}

    @workflow("Forked")
    def forked() -> StepList:
        return begin >> numbers >> foreach("Each", "numbers", item_step >> named(where, "Rest")) >> done

    process = start(forked)
    where.work(only="gpu")
    assert at(process)[0] == "created", "its own workers find out that it is for others"
    where.work(only="plain")
    assert at(process)[2] == "gpu"
    where.work()
    assert at(process)[0] == "completed"
    assert sorted(where.done) == [
        "Item 1 on gpu",
        "Item 2 on gpu",
        "Numbers on gpu",
        "Rest on plain",
        "Rest on plain",
    ]


def test_an_undo_is_done_where_its_step_was(start: StartWorkflow, where: Where) -> None:
    @step("Train", queue="gpu", undo=lambda: where.note("Undo of Train"))
    def train() -> None:
        where.note("Train")

    @step("Fail", undo=step("Untrain", queue="tpu")(lambda: where.note("Untrain")))
    def fail() -> None:
        raise RuntimeError("no")

    inner = step("Inner", undo=lambda: where.note("Undo of Inner"))(lambda: where.note("Inner"))
    process = start(flow(train, step_group("Group", inner, queue="gpu"), fail))
    where.work()
    assert at(process)[0] == "failed"
    undo = Process.every.get(pk=undo_process(process.pk))
    where.work()
    assert at(undo)[2] == "tpu"
    where.worker = "tpu"
    assert run(undo.pk, runner="tpu", served=QueuesOfWorker(frozenset({"tpu"})))
    where.work()
    assert at(undo)[0] == "completed"
    assert where.done[-3:] == ["Untrain on tpu", "Undo of Inner on gpu", "Undo of Train on gpu"]


def test_code_that_names_another_queue_now_is_followed(start: StartWorkflow, where: Where) -> None:
    process = start(flow(named(where, "One")))
    Process.every.filter(pk=process.pk).update(queue="gpu")
    where.work(only="gpu")
    assert at(process) == ("running", None, None)
    assert where.work() == ["One on plain"]


def test_a_queue_that_is_lost_with_its_runner_is_found_again(start: StartWorkflow, where: Where) -> None:
    """The step is begun and its worker dies: the process waits for another worker of the same queue."""

    class Died(BaseException):
        pass

    @step("Train", queue="gpu")
    def train() -> None:
        where.note("Train")
        if len(where.done) == 1:
            raise Died

    process = start(flow(train))
    where.work(only="plain")
    with pytest.raises(Died):
        where.work(only="gpu")
    Process.every.filter(pk=process.pk).update(lease_until=None)
    assert where.work() == ["Train on gpu", "Train on gpu"]
    assert at(process)[0] == "completed"


def test_handing_over_is_part_of_the_write_of_the_step_before(start: StartWorkflow, where: Where) -> None:
    process = start(flow(named(where, "One"), named(where, "Two", queue="gpu")))
    with CaptureQueriesContext(connection) as queries:
        run(process.pk, runner="plain", served=PLAIN)
    assert at(process) == ("running", "One", "gpu")
    updates = [query["sql"] for query in queries if re.search(r'UPDATE "?workflows_process"? ', query["sql"])]
    assert len(updates) == 3, "the claim, Start and One"
    assert re.search(r'"?queue"? = ', updates[-1])
