"""What browsers are told about a process, and when."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from products.models import Product
from subscriptions.models import Subscription
from wfo_site.common import broadcast
from workflows import (
    State,
    StepList,
    callback_step,
    done,
    init,
    inputstep,
    step,
    store_process_subscription,
    workflow,
)
from workflows.forms import FormGenerator, FormPage
from workflows.models import Process
from workflows.services import arrive_callback

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


@pytest.mark.parametrize(("name", "status"), [("good", "completed"), ("bad", "failed")])
def test_pages_of_subscriptions_are_told_of_the_end_and_not_of_each_step(
    start: StartWorkflow, settings: Any, name: str, status: str
) -> None:
    """Conformance 88."""
    from workflows.services import resume_process

    product = Product.objects.create(name="Port", description="", product_type="Port", tag="PORT", status="active")
    subscription = Subscription.objects.create(product=product, customer_id="c", description="A port", status="active")

    @step("Choose")
    def choose() -> State:
        return {"subscription_id": subscription.pk}

    @step("Work")
    def work(name: str) -> None:
        assert name == "good", "bad"

    @workflow("Telling")
    def telling() -> StepList:
        return init >> choose >> store_process_subscription() >> confirm >> work >> done

    listen_with(settings, Listener)
    process = start(telling)
    assert process.last_status == "suspended"
    assert told_of("processes", process.pk)
    assert told_of("subscriptions", subscription.pk) == []
    resume_process(process.pk, [{"name": name}])
    assert told_of("subscriptions", subscription.pk)[-1] == [status]


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
