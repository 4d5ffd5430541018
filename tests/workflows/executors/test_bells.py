"""What a Celery worker does when it hears a bell, in the test's own thread."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from workflows import StepList, done, init, workflow
from workflows import tasks as bells
from workflows.executors import celery as module
from workflows.testing import Engine

pytestmark = pytest.mark.django_db(transaction=True)

BELLS = [bells.new_workflow, bells.new_task, bells.resume_workflow, bells.resume_task]


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[module.Worker]:
    """The worker of this operating system process, which ends with the test."""
    made = module.Worker()
    monkeypatch.setattr(module, "_worker", made)
    yield made
    made.here.keeper.stop(timeout=20)
    made.room.remove()


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("bell", BELLS, ids=lambda bell: bell.name)
def test_a_bell_runs_what_is_due_and_answers_with_its_process(engine: Engine, bell: Any) -> None:
    """Item 95. It needs nothing to be initialised first, and looks at the table, whatever it was rung for."""

    @workflow("Brief")
    def brief() -> StepList:
        return init >> done

    due, another = engine.queue(brief), str(uuid4())
    assert bell(another) == another
    due.expect("completed")


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("bell", BELLS, ids=lambda bell: bell.name)
def test_a_bell_that_comes_to_nothing_answers_none_and_says_why(
    bell: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Items 94 and 95: here the queues of targets are corrupt, which a system check refuses at the start."""
    settings.CELERY_TARGET_QUEUES = ["VALIDATE"]
    process_id = str(uuid4())
    with caplog.at_level(logging.ERROR, "workflows.tasks"):
        assert bell(process_id) is None
    assert f"process {process_id}: its bell was heard in vain" in caplog.text


def test_the_application_knows_the_bells_as_soon_as_it_is_imported() -> None:
    """Item 95: there is one application, and nothing is to be called once, or first."""
    from wfo_site.celery import app

    app.loader.import_default_modules()
    assert {bell.name for bell in BELLS} <= set(app.tasks)
    assert {bell.app.main for bell in BELLS} == {app.main}
