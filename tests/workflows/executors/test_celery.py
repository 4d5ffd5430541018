"""Bells on real brokers: their names, queues and order, and what becomes of them when there is no broker."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

import pytest
import redis
from celery import Celery, current_app
from django.db import connection
from kombu import Connection

from tests.workflows.views.rows import a_process, a_workflow
from wfo_site.settings.base import broker_transport_options
from workflows.executors import celery as module
from workflows.executors.celery import CeleryExecutor
from workflows.executors.queues import STANDARD_QUEUES
from workflows.executors.reaping import Reaping
from workflows.models import Process

pytestmark = pytest.mark.django_db(transaction=True)

# Nobody has declared it.
ASKED_FOR = "gpu_of_the_tests"
URLS = {
    "redis": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379") + "/12",
    "rabbitmq": os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
}


@pytest.fixture(params=sorted(URLS))
def broker(request: pytest.FixtureRequest, settings: Any) -> Iterator[Connection]:
    """A broker with empty queues. Where there is none the test is left out, except in CI."""
    url = URLS[request.param]
    with speaking_to(url, settings):
        try:
            with current_app.connection_for_write() as to_broker:
                if request.param == "redis":
                    redis.Redis.from_url(url, socket_connect_timeout=3).flushdb()
                for queue in STANDARD_QUEUES:
                    current_app.amqp.queues[queue](to_broker.default_channel).declare()
                    current_app.amqp.queues[queue](to_broker.default_channel).purge()
                to_broker.default_channel.queue_delete(ASKED_FOR)
                yield to_broker
        except (redis.RedisError, OSError) as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"no broker at {url}: {error}")


@contextmanager
def speaking_to(url: str, settings: Any) -> Iterator[None]:
    """Let another Celery application, which speaks to this broker, be the one of this process for the block."""
    before = current_app._get_current_object()
    settings.CELERY_BROKER_URL = url
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = broker_transport_options(url)
    app = Celery("bells")
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.task_queues = before.conf.task_queues
    try:
        app.set_current()
        app.set_default()
        yield
    finally:
        app.close()
        before.set_current()
        before.set_default()


def heard(broker: Connection, queue: str, number: int = 0) -> list[tuple[str, str]]:
    """Take all bells off a queue: name of the task and process, in the order in which a worker gets them.

    `number`: so many are on their way; RabbitMQ takes a moment to put them in.
    """
    bound = current_app.amqp.queues[queue](broker.default_channel)
    until = time.monotonic() + 10
    if broker.transport.driver_type == "amqp":
        while bound.queue_declare(passive=True).message_count < number and time.monotonic() < until:
            time.sleep(0.01)
    bells = []
    while (message := bound.get(no_ack=True)) is not None:
        bells.append((message.headers["task"], message.payload[0][0]))
    return bells


def a_waiting(name: str, **values: Any) -> Process:
    return a_process(workflow=a_workflow(name, is_task=name.startswith("task")), **values)


def test_bells_have_the_names_and_queues_of_their_kind(broker: Connection) -> None:
    """Items 94 and 95: names by kind of process and by whether it is new."""
    rung = {
        (kind, status): a_waiting(kind, last_status=status)
        for kind in ("workflow", "task")
        for status in ("created", "resumed")
    }
    CeleryExecutor().ring([process.pk for process in rung.values()])
    for (kind, status), process in rung.items():
        verb = "new" if status == "created" else "resume"
        assert heard(broker, f"{verb}_{kind}s", 1) == [(f"tasks.{verb}_{kind}", str(process.pk))]


def test_the_bells_of_a_target_go_to_its_own_queue(broker: Connection, settings: Any) -> None:
    """Item 94: new or resumed, workflow or task."""
    settings.CELERY_TARGET_QUEUES = {"VALIDATE": "bells_of_validations"}
    current_app.amqp.queues["bells_of_validations"](broker.default_channel).declare()
    current_app.amqp.queues["bells_of_validations"](broker.default_channel).purge()
    rung = [
        (f"tasks.{verb}_{kind}", a_process(workflow=workflow, last_status=status))
        for kind in ("workflow", "task")
        for workflow in [a_workflow(f"validate_{kind}", target="VALIDATE", is_task=kind == "task")]
        for verb, status in (("new", "created"), ("resume", "resumed"))
    ]
    CeleryExecutor().ring([process.pk for _, process in rung])
    assert heard(broker, "bells_of_validations", 4) == [(name, str(process.pk)) for name, process in rung]
    assert [heard(broker, queue) for queue in STANDARD_QUEUES] == [[], [], [], []]


def test_a_step_that_asks_for_a_queue_is_rung_for_there(broker: Connection) -> None:
    """Nobody has declared this queue: it is made for the bell, as Celery makes that of a worker's `--queues`."""
    process = a_waiting("workflow", last_status="running", queue=ASKED_FOR)
    CeleryExecutor().ring([process.pk])
    assert heard(broker, ASKED_FOR, 1) == [("tasks.resume_workflow", str(process.pk))]
    assert heard(broker, "resume_workflows") == []


def test_bells_for_people_come_before_those_of_batches(broker: Connection) -> None:
    batch = [a_waiting("workflow", last_status="created", priority=6) for _ in range(5)]
    planned = a_waiting("workflow", last_status="created", priority=3)
    urgent = a_waiting("workflow", last_status="created", priority=0)
    executor = CeleryExecutor()
    for process in [*batch, planned, urgent]:
        executor.ring([process.pk])
    assert [pk for _, pk in heard(broker, "new_workflows", 7)] == [str(p.pk) for p in (urgent, planned, *batch)]


def test_a_crowd_rung_for_at_once_is_a_few_bells_for_the_most_urgent(
    broker: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each bell leads to another while there is work."""
    monkeypatch.setattr(module, "_BELLS_PER_SECOND", 10)
    workflow = a_workflow("workflow")
    made = [a_process(workflow=workflow, last_status="created", priority=6) for _ in range(105)]
    urgent = [a_process(workflow=workflow, last_status="created") for _ in range(3)]
    CeleryExecutor().ring([process.pk for process in [*made, *urgent]])
    bells = heard(broker, "new_workflows", 10)
    assert 10 <= len(bells) < 100
    assert [pk for _, pk in bells[:3]] == [str(process.pk) for process in urgent]


def test_a_child_begins_with_a_bell_for_what_is_next(broker: Connection) -> None:
    """The one before it may have died, and with it the bell that led from its process to the next."""
    a_waiting("workflow", last_status="created", priority=6)
    urgent = a_waiting("workflow", last_status="created")
    worker = module.Worker()
    worker.note_child()
    ringing = [thread for thread in threading.enumerate() if thread.name == "ring-at-birth"]
    for thread in ringing:
        thread.join()
    assert heard(broker, "new_workflows", 1) == [("tasks.new_workflow", str(urgent.pk))]
    worker.room.remove()


def test_a_worker_looks_often_for_children_that_have_died() -> None:
    """By itself the pool looks when one closes its files, often a moment too early, and then every five seconds."""
    from wfo_site.celery import app

    assert Reaping in app.steps["consumer"]
    consumer, hub = Mock(), Mock()
    Reaping(consumer).register_with_event_loop(consumer, hub)
    seconds, look = hub.call_repeatedly.call_args.args
    assert seconds < 1
    look()
    consumer.pool.maintain_pool.assert_called_once_with()


def test_a_broker_that_is_away_is_left_alone_for_a_while(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A start stands, nothing is raised, and the next one does not try."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        with speaking_to(f"redis://127.0.0.1:{port}/0", settings):
            executor = CeleryExecutor()
            process = a_waiting("workflow", last_status="created")
            assert executor.try_to_ring([process.pk]) is False
            assert executor.try_to_ring([process.pk]) is False
    assert len([record for record in caplog.records if "could not be rung" in record.message]) == 1


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_takes_the_connection_and_says_nothing_holds_nobody_up(scheme: str, settings: Any) -> None:
    """The listener accepts in the kernel and never answers. Not to come back would be the failure."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        tail = "0" if scheme == "redis" else "/"
        with speaking_to(f"{scheme}://127.0.0.1:{port}/{tail}", settings):
            process = a_waiting("workflow", last_status="created")
            answers: list[bool] = []
            thread = threading.Thread(target=lambda: answers.append(ring_in_thread(process)), daemon=True)
            thread.start()
            thread.join(20)
            assert answers == [False]


def ring_in_thread(process: Process) -> bool:
    try:
        return CeleryExecutor().try_to_ring([process.pk])
    finally:
        connection.close()
