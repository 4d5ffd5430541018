"""Workflows and subscriptions for a test in a registry of its own, run with the engine's fast path on and off."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from products import registry
from products.models import Product
from products.models import Workflow as WorkflowRow
from subscriptions.domain import isolated
from subscriptions.models import Subscription
from tests.subscriptions.conftest import declare, make_host, stock
from workflows import State
from workflows.engine.history import load_history
from workflows.engine.registry import Workflow
from workflows.engine.tree import ref_to
from workflows.models import Process, ProcessStep
from workflows.services import start_process

from . import fork_steps, networks, undoing

StartWorkflow = Callable[..., Process]
StartOn = Callable[..., Process]


@pytest.fixture(autouse=True)
def nothing_made_yet() -> None:
    """What steps of the helper modules note and make outside is gone."""
    for helpers in (fork_steps, networks, undoing):
        helpers.clean()


@pytest.fixture
def own_registry() -> Iterator[None]:
    with registry.isolated(empty=False):
        yield


WAYS = ["fast", "portable"] if connection.vendor == "postgresql" else ["portable"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, settings: Any) -> str:
    """Run each test both ways of writing a step; there is only one on SQLite."""
    settings.ENGINE_FAST_PATH = request.param == "fast"
    return str(request.param)


@pytest.fixture
def start(own_registry: None, way: str) -> StartWorkflow:
    """Start a workflow that a test has just decorated and run it as far as it goes."""

    def start_workflow(workflow: Workflow, *pages: State, user: str = "alice") -> Process:
        WorkflowRow.objects.get_or_create(
            name=workflow.name,
            defaults={
                "target": workflow.target,
                "description": workflow.description or workflow.name,
                "is_task": workflow.is_task,
            },
        )
        return Process.every.get(pk=start_process(workflow.name, list(pages) or None, user=user))

    return start_workflow


@pytest.fixture
def network(db: None) -> Iterator[SimpleNamespace]:
    """Products whose blocks lie in each other, as `networks` declares them."""
    with isolated(empty=True):
        yield networks.declare()


@pytest.fixture
def shop(start: StartWorkflow) -> Iterator[SimpleNamespace]:
    """Models and products of the test's own; within them it decorates its workflows."""
    with isolated(empty=True):
        yield stock(declare())


@pytest.fixture
def start_on(shop: SimpleNamespace, start: StartWorkflow) -> StartOn:
    """Start a workflow on a subscription, whatever its products were said to be."""

    def start_on(made: Workflow, subscription_id: UUID, *pages: State) -> Process:
        offer(made)
        return start(made, {"subscription_id": str(subscription_id)}, *pages)

    return start_on


def offer(made: Workflow) -> None:
    """Put a workflow into the catalogue, for every product."""
    row = WorkflowRow.objects.get_or_create(
        name=made.name,
        defaults={"target": made.target, "description": made.name, "is_task": made.is_task},
    )[0]
    for product in Product.objects.all():
        product.workflows.add(row)


@pytest.fixture
def host(shop: SimpleNamespace) -> UUID:
    """An active subscription in sync."""
    pk: UUID = make_host(shop).subscription_id
    Subscription.objects.filter(pk=pk).update(insync=True, description="As it was")
    return pk


def lock_of(pk: UUID) -> tuple[bool, UUID | None]:
    return Subscription.objects.values_list("insync", "locked_by").get(pk=pk)


def state_of(process_id: UUID) -> State:
    """Return the state in which a process stands."""
    ref = ref_to(process_id)
    assert ref is not None
    return load_history(ref).state


def rows(process: Process | UUID) -> list[tuple[str, str]]:
    """Return the names and statuses of a process's rows."""
    pk = process if isinstance(process, UUID) else process.pk
    return list(ProcessStep.objects.filter(process_id=pk).order_by("seq").values_list("name", "status"))


def in_thread(act: Callable[[], object]) -> threading.Thread:
    """Do something in a thread with a connection of its own, beside the test."""

    def run_and_close() -> None:
        act()
        connection.close()

    thread = threading.Thread(target=run_and_close)
    thread.start()
    return thread


@pytest.fixture
def bells_reach_nobody(settings: Any) -> None:
    """The executor that bells go to is not started; the one under test is rung by hand, or not at all."""
    settings.EXECUTOR = "threadpool"
    settings.PROCESS_LEASE_SECONDS = 0.8
