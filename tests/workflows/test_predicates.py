"""Conditions of a start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from products import registry
from products.models import Workflow as WorkflowRow
from tests.workflows.views.rows import a_process
from wfo_site.common.clock import now
from workflows import (
    PredicateContext,
    RunPredicateFail,
    RunPredicatePass,
    StepList,
    awaiting_callbacks_exist,
    done,
    init,
    no_uncompleted_instance,
    workflow,
)
from workflows.engine.errors import StartPredicateError
from workflows.engine.registry import RunPredicate
from workflows.enums import ProcessStatus
from workflows.models import InputState, Process, Wait
from workflows.services import start_process
from workflows.states import ENDED


@pytest.fixture(autouse=True)
def own_registry(db: None) -> Iterator[None]:
    with registry.isolated(empty=True):
        yield


def declare(predicate: RunPredicate | None) -> WorkflowRow:
    @workflow("Nightly", run_predicate=predicate)
    def nightly() -> StepList:
        return init >> done

    return WorkflowRow.objects.create(name="nightly", target="SYSTEM", description="Nightly")


@pytest.mark.parametrize("predicate", [None, lambda _: RunPredicatePass()])
def test_without_one_or_with_one_that_holds_it_starts(predicate: RunPredicate | None) -> None:
    """Conformance 105."""
    declare(predicate)
    assert start_process("nightly")


def test_one_that_fails_says_so_and_leaves_nothing() -> None:
    """Conformance 105."""
    asked: list[PredicateContext] = []

    def never(context: PredicateContext) -> RunPredicateFail:
        asked.append(context)
        return RunPredicateFail("Not tonight")

    declare(never)
    with pytest.raises(StartPredicateError, match="Not tonight") as caught:
        start_process("nightly")
    assert (caught.value.message, caught.value.details) == ("Not tonight", {"workflow_key": "nightly"})
    assert (asked[0].workflow_key, asked[0].workflow.name) == ("nightly", "nightly")
    assert not Process.every.exists()
    assert not InputState.objects.exists()


@pytest.mark.parametrize("status", ProcessStatus.values)
def test_no_uncompleted_instance(status: str) -> None:
    """Conformance 107."""
    row = declare(no_uncompleted_instance)
    a_process(workflow=row, last_status=status)
    if status in ENDED:
        assert start_process("nightly")
    else:
        message = r"^Workflow 'nightly' already has 1 uncompleted instance\(s\)$"
        with pytest.raises(StartPredicateError, match=message):
            start_process("nightly")


def test_processes_of_other_workflows_do_not_count() -> None:
    declare(no_uncompleted_instance)
    a_process(last_status="failed")
    assert start_process("nightly")


class TestAwaitingCallbacks:
    """Conformance 108."""

    @staticmethod
    def awaiting(**wait: object) -> Process:
        process = a_process(last_status="awaiting_callback")
        Wait.objects.create(process=process, kind="callback", key="Deliver", created_at=now(), reached=True, **wait)
        return process

    def test_one_with_a_deadline_lets_it_start(self) -> None:
        declare(awaiting_callbacks_exist)
        self.awaiting(deadline=now())
        assert start_process("nightly")

    @pytest.mark.parametrize("wait", [{}, {"deadline": "now", "state": "arrived"}])
    def test_none_or_one_that_waits_for_ever_does_not(self, wait: dict[str, object]) -> None:
        declare(awaiting_callbacks_exist)
        for expected in range(2):
            with pytest.raises(StartPredicateError, match=r"^No processes are awaiting a callback with a timeout$"):
                start_process("nightly")
            if not expected:
                self.awaiting(**(wait | ({"deadline": now()} if "deadline" in wait else {})))

    def test_one_of_its_own_that_is_open_comes_first(self) -> None:
        row = declare(awaiting_callbacks_exist)
        self.awaiting(deadline=now())
        a_process(workflow=row, last_status="failed")
        with pytest.raises(StartPredicateError, match="uncompleted instance"):
            start_process("nightly")
