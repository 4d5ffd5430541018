"""Workflows for tests of the API, declared afresh for each test, and what tests do with them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.test import APIClient

from products.models import Workflow as WorkflowRow
from workflows import (
    ProcessFailureError,
    RunPredicateFail,
    State,
    StepList,
    callback_step,
    create_workflow,
    done,
    init,
    inputstep,
    modify_workflow,
    step,
    task,
    workflow,
)
from workflows.engine.registry import PredicateContext, Workflow
from workflows.forms import Choice, FormGenerator, FormPage
from workflows.models import Process, ProcessStep
from workflows.testing import run_until_idle


@step("Work")
def work() -> State:
    return {"worked": True}


@step("Stumble")
def stumble(mended: bool = False) -> State:
    raise ProcessFailureError("The device does not answer", {"device": "r1"})


@inputstep("Ask", assignee="CHANGES")
def ask(state: State) -> FormGenerator:
    class Question(FormPage):
        generic_select: Choice("GenericSelect", [(c, (c, c)) for c in "ABC"])  # type: ignore[valid-type, call-overload]

    page = yield Question
    return page.model_dump()


@step("Hand over")
def hand_over(callback_route: str) -> State:
    return {"handed_over": True}


@step("Check")
def check(callback_result: dict[str, Any]) -> State:
    return {"answer": callback_result}


def two_pages() -> FormGenerator:
    class First(FormPage):
        name: str

    class Second(FormPage):
        size: int

    first = yield First
    second = yield Second
    return {**first.model_dump(), **second.model_dump()}


def not_now(_: PredicateContext) -> RunPredicateFail:
    return RunPredicateFail("Not before the maintenance window")


def declare() -> None:
    """Register the workflows and make their rows."""

    @workflow("Work at once")
    def flow_plain() -> StepList:
        return init >> work >> done

    @workflow("Ask first", initial_input_form=two_pages)
    def flow_form() -> StepList:
        return init >> work >> done

    @workflow("Ask in between")
    def flow_ask() -> StepList:
        return init >> ask >> work >> done

    @workflow("Fail")
    def flow_fail() -> StepList:
        return init >> stumble >> done

    @workflow("Delegate")
    def flow_callback() -> StepList:
        return init >> callback_step("Deliver", hand_over, check) >> done

    @workflow("Not now", run_predicate=not_now)
    def flow_predicate() -> StepList:
        return init >> done

    @task("A task")
    def flow_task() -> StepList:
        return init >> work >> done

    @modify_workflow("Modify")
    def flow_modify() -> StepList:
        return StepList()

    @create_workflow("Create")
    def flow_create() -> StepList:
        return StepList()

    made = [
        flow_plain,
        flow_form,
        flow_ask,
        flow_fail,
        flow_callback,
        flow_predicate,
        flow_task,
        flow_modify,
        flow_create,
    ]
    WorkflowRow.objects.bulk_create([_row(one) for one in made])


def _row(made: Workflow) -> WorkflowRow:
    return WorkflowRow(name=made.name, target=made.target, description=made.description, is_task=made.is_task)


def start(api: APIClient, name: str, pages: Any = None, **query: str) -> UUID:
    """Start a workflow through the API and run it as far as it goes."""
    path = f"/api/processes/{name}"
    response = api.post(path, [{}] if pages is None else pages, format="json", query_params=query)
    assert response.status_code == 201, response.json()
    run_until_idle()
    return UUID(response.json()["id"])


def status_of(process_id: UUID) -> str:
    return Process.objects.values_list("last_status", flat=True).get(pk=process_id)


def rows_of(process_id: UUID) -> list[tuple[str, str]]:
    return list(ProcessStep.objects.filter(process_id=process_id).order_by("seq").values_list("name", "status"))
