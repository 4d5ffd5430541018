"""What browsers are told about a process, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.db.models.functions import Now

from products.models import Product
from subscriptions.domain import isolated
from subscriptions.models import Subscription
from tests.subscriptions.conftest import declare, make_host, stock
from wfo_site.common import broadcast
from workflows import (
    ApiException,
    InconsistentDataError,
    State,
    Step,
    StepList,
    abort,
    callback_step,
    done,
    init,
    inputstep,
    step,
    store_process_subscription,
    unsync,
    unsync_unchecked,
    workflow,
)
from workflows.engine import deadlines
from workflows.engine.registry import Workflow
from workflows.forms import FormGenerator, FormPage
from workflows.models import Process, Wait
from workflows.services import abort_process, arrive_callback, resume_process
from workflows.testing import run_until_idle

from .conftest import StartWorkflow

pytestmark = pytest.mark.django_db(transaction=True)

# What was told, and what the database said of all processes at that moment.
TOLD: list[tuple[dict[str, str], list[str]]] = []


class Listener:
    """A channel layer that notes what it is given, and looks into the database from outside."""

    def __init__(self, **_: Any) -> None: ...

    async def group_send(self, _group: str, message: dict[str, Any]) -> None:
        TOLD.append((message["event"]["value"], await sync_to_async(statuses)()))


class Broken(Listener):
    async def group_send(self, _group: str, _message: dict[str, Any]) -> None:
        raise ConnectionError("No channel layer")


def statuses() -> list[str]:
    found = list(Process.every.values_list("last_status", flat=True))
    connection.close()
    return found


def listen_with(settings: Any, layer: type[Listener]) -> None:
    broadcast.flush()
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": f"{__name__}.{layer.__name__}"}}
    TOLD.clear()


def told_of(kind: str, pk: UUID) -> list[list[str]]:
    assert broadcast.flush()
    return [stored for value, stored in TOLD if value == {"type": kind, "id": str(pk)}]


def told_since() -> list[dict[str, str]]:
    """Return all that was told since this was last asked."""
    assert broadcast.flush()
    values = [value for value, _ in TOLD]
    TOLD.clear()
    return values


@inputstep("Confirm", assignee="NOC")
def confirm() -> FormGenerator:
    class Confirm(FormPage):
        name: str

    page = yield Confirm
    return page.model_dump()


def test_the_end_is_told_after_it_is_stored(start: StartWorkflow, settings: Any) -> None:
    """Conformance 87."""
    listen_with(settings, Listener)

    @workflow("Short")
    def short() -> StepList:
        return init >> done

    process = start(short)
    assert told_of("processes", process.pk)[-1] == ["completed"]


def test_nothing_is_told_that_is_not_stored(settings: Any) -> None:
    """Conformance 87."""
    listen_with(settings, Listener)
    with transaction.atomic():
        broadcast.publish({"type": "engineStatus"})
        assert told_since() == []
    assert told_since() == [{"type": "engineStatus"}]
    with transaction.atomic():
        broadcast.publish({"type": "engineStatus"})
        transaction.set_rollback(True)
    assert told_since() == []


def test_each_change_of_a_process_is_told_of_it_alone(start: StartWorkflow, settings: Any) -> None:
    """Conformance 131."""
    listen_with(settings, Listener)

    @workflow("Asking")
    def asking() -> StepList:
        return init >> confirm >> done

    def told_of_a_change(process: Process) -> bool:
        ids = ({"id": "LIST"}, {"id": str(process.pk)})
        wanted = [{"type": "processes", **one} for one in ids] + [{"type": "processStatusCounts"}]
        values = told_since()
        return all(value in wanted for value in values) and all(value in values for value in wanted)

    one = start(asking)
    assert one.last_status == "suspended"
    assert told_of_a_change(one)
    other = start(asking)
    assert told_of_a_change(other)
    resume_process(one.pk, [{"name": "x"}])
    assert told_of_a_change(one)
    abort_process(other.pk)
    assert told_of_a_change(other)


def test_browsers_that_cannot_be_told_are_no_failure_of_a_process(
    start: StartWorkflow, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Conformance 87."""
    listen_with(settings, Broken)

    @workflow("Short")
    def short_and_deaf() -> StepList:
        return init >> done

    process = start(short_and_deaf)
    assert broadcast.flush()
    assert (process.last_status, process.failed_reason) == ("completed", None)
    assert "could not be sent" in caplog.text


@pytest.fixture
def port(db: None) -> UUID:
    """A subscription that processes of `telling` work on."""
    product = Product.objects.create(name="Port", description="", product_type="Port", tag="PORT", status="active")
    made = Subscription.objects.create(product=product, customer_id="c", description="A port", status="active")
    return made.pk


def telling(port: UUID, *steps: Step, is_task: bool = False) -> Workflow:
    """Return a workflow that asks, once it is linked with the subscription, and then does these steps."""

    @step("Choose")
    def choose() -> State:
        return {"subscription_id": port}

    @workflow("Telling", is_task=is_task)
    def telling() -> StepList:
        return init >> choose >> store_process_subscription() >> confirm >> StepList([*steps, done])

    return telling


def raising(error: Exception) -> Step:
    @step("Work")
    def work() -> None:
        raise error

    return work


@step("Work")
def work() -> None: ...


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (work, "completed"),
        (raising(ValueError("bad")), "failed"),
        (raising(ApiException(503, "away")), "api_unavailable"),
        (raising(InconsistentDataError("Two truths")), "inconsistent_data"),
        (abort, "aborted"),
    ],
)
def test_pages_of_subscriptions_are_told_of_the_end_and_not_of_each_step(
    start: StartWorkflow, settings: Any, port: UUID, last: Step, status: str
) -> None:
    """Conformance 88."""
    listen_with(settings, Listener)
    process = start(telling(port, last, is_task=status in ("api_unavailable", "inconsistent_data")))
    assert process.last_status == "suspended"
    assert told_of("processes", process.pk)
    assert told_of("subscriptions", port) == []
    resume_process(process.pk, [{"name": "x"}])
    assert told_of("subscriptions", port)[-1] == [status]


def test_they_are_told_of_an_abort(start: StartWorkflow, settings: Any, port: UUID) -> None:
    """Conformance 88."""
    listen_with(settings, Listener)
    abort_process(start(telling(port)).pk)
    assert told_of("subscriptions", port)[-1] == ["aborted"]


def test_they_are_told_of_an_answer_that_did_not_come(start: StartWorkflow, settings: Any, port: UUID) -> None:
    """Conformance 88."""
    listen_with(settings, Listener)
    process = start(telling(port, callback_step("Deliver", work, work, timeout=60)))
    resume_process(process.pk, [{"name": "x"}])
    assert told_of("subscriptions", port) == []
    Wait.objects.filter(process=process, kind="callback").update(deadline=Now() - timedelta(seconds=1))
    assert deadlines.expire_due() == 1
    assert told_of("subscriptions", port)[-1] == ["failed"]


def test_they_are_told_of_a_process_that_the_engine_cannot_run(
    start: StartWorkflow, settings: Any, port: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    """Conformance 88: somebody has damaged a row."""
    listen_with(settings, Listener)
    process = start(telling(port))
    process.steps.filter(seq=1).update(delta=[1])
    Process.every.filter(pk=process.pk).update(last_status="resumed")
    run_until_idle()
    assert "the engine cannot run it" in caplog.text
    assert told_of("subscriptions", port)[-1] == ["failed"]


@pytest.mark.parametrize(("take", "insync"), [(unsync, True), (unsync_unchecked, True), (unsync_unchecked, False)])
def test_they_are_told_of_a_lock_that_is_taken(start: StartWorkflow, settings: Any, take: Step, insync: bool) -> None:
    """Conformance 62."""
    with isolated(empty=True):
        host = make_host(stock(declare())).subscription_id
        Subscription.objects.filter(pk=host).update(insync=insync)

        @step("Choose")
        def choose() -> State:
            return {"subscription_id": host}

        @workflow("Locking")
        def locking() -> StepList:
            return init >> choose >> take >> confirm >> done

        listen_with(settings, Listener)
        assert start(locking).last_status == "suspended"
        assert told_of("subscriptions", host)


def test_an_answer_changes_how_many_there_are_in_each_status(start: StartWorkflow, settings: Any) -> None:
    """It resumes a process, as a person does who answers a form."""
    routes: list[str] = []

    @step("Hand over")
    def hand_over(callback_route: str) -> None:
        routes.append(callback_route)

    @step("Check nothing")
    def nothing() -> None: ...

    @workflow("Delegating")
    def delegating() -> StepList:
        return init >> callback_step("Deliver", hand_over, nothing) >> done

    process = start(delegating)
    # Bells reach nobody from here on: what is told is told of the answer alone.
    settings.EXECUTOR = "threadpool"
    listen_with(settings, Listener)
    arrive_callback(process.pk, routes[0].rsplit("/", 1)[1], {})
    assert told_of("processes", process.pk) == [["resumed"]]
    assert {"type": "processStatusCounts"} in [value for value, _ in TOLD]
