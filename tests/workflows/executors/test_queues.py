"""Where the bells of a process go."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.core.checks import run_checks

from tests.workflows.views.rows import a_process, a_workflow
from workflows.executors.queues import STANDARD_QUEUES, all_queues, message_priority, processes_of, queue_of
from workflows.models import Process


@pytest.fixture
def every_kind(db: None) -> list[Process]:
    """A process of each target, as task and as workflow, created and resumed."""
    made = []
    for target, is_task, status in product(("CREATE", "VALIDATE"), (False, True), ("created", "resumed", "running")):
        workflow = a_workflow(f"{target}_{is_task}", target=target, is_task=is_task)
        made.append(a_process(workflow=workflow, last_status=status))
    return made


def queue_of_process(process: Process) -> str:
    return queue_of(process.workflow.target, is_task=process.is_task, is_new=process.last_status == "created")


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
