"""Conditions of a start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from products import registry
from products.models import Workflow as WorkflowRow
from tests.workflows.views.rows import a_process
from workflows import (
    PredicateContext,
    RunPredicateFail,
    RunPredicatePass,
    StepList,
    done,
    init,
    no_uncompleted_instance,
    workflow,
)
from workflows.engine.errors import StartPredicateError
from workflows.engine.registry import RunPredicate
from workflows.enums import ProcessStatus
from workflows.models import InputState, Process
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
