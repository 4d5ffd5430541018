"""Where the bells of a process go."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.core.checks import run_checks

from tests.workflows.views.rows import a_process, a_workflow
from workflows.executors import celery as celery_executor
from workflows.executors.monitor import Monitor, OnlineWorker
from workflows.executors.queues import (
    STANDARD_QUEUES,
    QueuesOfWorker,
    all_queues,
    message_priority,
    processes_of,
    queue_of_process,
)
from workflows.models import Process
from workflows.selectors import process_detail, why_not_running


@pytest.fixture
def every_kind(db: None) -> list[Process]:
    """A process of each target, as task and as workflow, created and resumed."""
    made = []
    for target, is_task, status in product(("CREATE", "VALIDATE"), (False, True), ("created", "resumed", "running")):
        workflow = a_workflow(f"{target}_{is_task}", target=target, is_task=is_task)
        made.append(a_process(workflow=workflow, last_status=status))
    return made


def test_a_process_goes_to_the_queue_of_its_kind_or_of_its_target(every_kind: list[Process], settings: Any) -> None:
    """Item 94."""
    assert {queue_of_process(process) for process in every_kind} == set(STANDARD_QUEUES)
    settings.CELERY_TARGET_QUEUES = {"VALIDATE": "validations"}
    assert {queue_of_process(process) for process in every_kind} == {*STANDARD_QUEUES, "validations"}
    assert {queue_of_process(p) for p in every_kind if p.workflow.target == "VALIDATE"} == {"validations"}


@pytest.mark.parametrize("own", [{}, {"VALIDATE": "validations"}, {"CREATE": "new_tasks", "VALIDATE": "validations"}])
def test_a_worker_looks_for_the_processes_of_its_queues_and_no_others(
    every_kind: list[Process], settings: Any, own: dict[str, str]
) -> None:
    settings.CELERY_TARGET_QUEUES = own
    names = all_queues(own.values())
    for queues in ([name] for name in names):
        expected = {process.pk for process in every_kind if queue_of_process(process) in queues}
        assert set(Process.every.filter(processes_of(queues)).values_list("pk", flat=True)) == expected
    assert Process.every.filter(processes_of(names)).count() == len(every_kind)
    assert Process.every.filter(processes_of(["somebody_elses"])).count() == 0


@pytest.mark.parametrize(
    ("url", "levels"),
    [("redis://host/0", [0, 0, 3, 9, 9]), ("amqp://host//", [9, 9, 6, 0, 0]), ("pyamqp://host//", [9, 9, 6, 0, 0])],
)
def test_each_broker_gets_the_priority_as_it_counts(settings: Any, url: str, levels: list[int]) -> None:
    settings.CELERY_BROKER_URL = url
    assert [message_priority(priority) for priority in (-5, 0, 3, 9, 100)] == levels


def test_a_step_that_asks_for_a_queue_goes_there_and_nowhere_else(every_kind: list[Process], settings: Any) -> None:
    settings.CELERY_TARGET_QUEUES = {"VALIDATE": "validations"}
    asking = every_kind[0]
    Process.every.filter(pk=asking.pk).update(queue="gpu")
    asking.refresh_from_db()
    assert queue_of_process(asking) == "gpu"
    standard = all_queues(["validations"])
    assert asking.pk not in Process.every.filter(processes_of(standard)).values_list("pk", flat=True)
    assert Process.every.filter(processes_of(standard)).count() == len(every_kind) - 1
    assert Process.every.filter(processes_of(["gpu"])).get() == asking
    assert Process.every.filter(processes_of([*standard, "gpu"])).count() == len(every_kind)


def test_a_worker_goes_on_with_what_belongs_to_its_queues(settings: Any) -> None:
    settings.CELERY_TARGET_QUEUES = {"VALIDATE": "validations"}
    worker = QueuesOfWorker(frozenset({"gpu", "validations", "resume_tasks"}))
    assert worker.takes("gpu", target="MODIFY", is_task=False)
    assert not worker.takes("tpu", target="VALIDATE", is_task=True)
    assert worker.takes(None, target="VALIDATE", is_task=False)
    assert worker.takes(None, target="SYSTEM", is_task=True)
    assert not worker.takes(None, target="MODIFY", is_task=False)


def known_workers(monkeypatch: pytest.MonkeyPatch, *queues: frozenset[str] | None) -> None:
    online = [OnlineWorker(f"celery@{number}", 1, names) for number, names in enumerate(queues)]
    monkeypatch.setattr(celery_executor, "monitor", Monitor(lambda: online))


def test_a_queue_that_nobody_serves_is_the_reason_why_nothing_happens(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = a_process(last_status="running", queue="gpu")
    sentence = "No worker serves the queue gpu; it goes on when one is started for it."
    assert why_not_running(process) == "Waits for a runner to take it over.", "the thread pool serves every queue"
    settings.EXECUTOR = "celery"
    known_workers(monkeypatch, frozenset(STANDARD_QUEUES), frozenset({"tpu"}))
    assert why_not_running(process) == sentence
    assert process_detail(process.pk)["why"] == sentence
    for somebody in (frozenset({"gpu"}), None):
        known_workers(monkeypatch, frozenset(STANDARD_QUEUES), somebody)
        assert why_not_running(process) == "Waits for a runner to take it over."
    process.queue = None
    known_workers(monkeypatch, frozenset({"gpu"}))
    assert why_not_running(process).startswith("No worker serves the queue resume_workflows;")


def errors() -> list[str]:
    return [str(message.msg) for message in run_checks(tags=["executor"])]


def test_a_target_that_there_is_not_and_a_queue_without_a_name_are_refused(settings: Any) -> None:
    """Items 94 and 203."""
    settings.CELERY_TARGET_QUEUES = {"CREATE": "creates"}
    assert errors() == []
    settings.CELERY_TARGET_QUEUES = {"CREATES": "creates", "MODIFY": " "}
    assert errors() == [
        "CELERY_TARGET_QUEUES names the target 'CREATES', which there is not.",
        "CELERY_TARGET_QUEUES gives the target 'MODIFY' a queue without a name.",
    ]
    settings.CELERY_TARGET_QUEUES = ["CREATE"]
    assert errors() == ["CELERY_TARGET_QUEUES is ['CREATE']; it must map targets to names of queues."]


def test_celery_workers_without_a_shared_channel_layer_are_warned_of(settings: Any) -> None:
    settings.EXECUTOR = "celery"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    assert len(errors()) == 1
    assert errors()[0].startswith("Celery workers cannot tell browsers what changed")
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}}
    assert errors() == []
