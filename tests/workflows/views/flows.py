"""Workflows for tests of pages, registered in a registry of the test's own."""

from __future__ import annotations

from products.enums import Target
from products.models import Product
from products.models import Workflow as WorkflowRow
from workflows import (
    RunPredicateFail,
    State,
    StepList,
    begin,
    callback_step,
    done,
    init,
    inputstep,
    modify_workflow,
    step,
    task,
    workflow,
)
from workflows.engine.registry import PredicateContext, Workflow
from workflows.forms import FormGenerator, FormPage, SubmitFormPage

ATTEMPTS: list[int] = []


def two_pages(product_name: str) -> FormGenerator:
    class Place(FormPage):
        city: str

    place = yield Place

    class Speed(SubmitFormPage):
        speed: int

    speed = yield Speed
    return {**place.model_dump(), **speed.model_dump(), "named": product_name}


@step("Reserve address")
def reserve(city: str) -> State:
    return {"address": f"10.0.0.1 in {city}"}


@inputstep("Check cabling", assignee="NOC")
def check_cabling(city: str) -> FormGenerator:
    class Cabling(FormPage):
        port: str

    cabling = yield Cabling

    class Remarks(SubmitFormPage):
        remarks: str = f"Cabled in {city}"

    remarks = yield Remarks
    return {**cabling.model_dump(), **remarks.model_dump()}


@step("Fail once")
def fail_once() -> State:
    ATTEMPTS.append(1)
    if len(ATTEMPTS) == 1:
        raise ValueError("The node did not answer")
    return {"answered": True}


def nothing() -> State:
    return {}


def in_the_evening_only(context: PredicateContext) -> RunPredicateFail:
    return RunPredicateFail(f"{context.workflow_key} runs in the evening only")


def register() -> None:
    """Register the workflows and store their rows; the product "Port 10G" has the create and modify ones."""
    ATTEMPTS.clear()

    # Not `create_workflow`, whose steps need a domain model.
    @workflow("Create port", target=Target.CREATE, products=["Port 10G"], initial_input_form=two_pages)
    def create_test_port() -> StepList:
        return init >> reserve >> check_cabling >> fail_once >> done

    @modify_workflow("Modify port", products=["Port 10G"])
    def modify_test_port() -> StepList:
        return begin

    @task("Clean up")
    def task_clean_up() -> StepList:
        return init >> fail_once >> done

    @task("Evening task", run_predicate=in_the_evening_only)
    def task_evening() -> StepList:
        return init >> done

    @task("Ask another system")
    def task_ask() -> StepList:
        return init >> callback_step("Run playbook", step("Call")(nothing), step("Read answer")(nothing)) >> done

    product = Product.objects.get_or_create(
        name="Port 10G", defaults={"description": "A port", "product_type": "Port", "tag": "PORT"}
    )[0]
    made: list[Workflow] = [create_test_port, modify_test_port, task_clean_up, task_evening, task_ask]
    for one in made:
        row = WorkflowRow.objects.get_or_create(
            name=one.name,
            defaults={
                "target": one.target,
                "description": one.description,
                "is_task": one.is_task,
            },
        )[0]
        if one.target in {Target.CREATE, Target.MODIFY} and not one.is_task:
            product.workflows.add(row)
