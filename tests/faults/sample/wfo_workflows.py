"""Workflows of known length, whose steps each do one thing outside and one in our database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection, transaction

from tests.faults.sample import ledger
from tests.faults.sample.wfo_products import Tally
from workflows import (
    State,
    Step,
    StepList,
    SubWorkflow,
    callback_step,
    done,
    init,
    inputstep,
    nothing_to_undo,
    parallel_sub_workflows,
    step,
    step_context,
    store_process_subscription,
    task,
    workflow,
)
from workflows.forms import FormGenerator, FormPage

STEPS = 10


@step("Open tally")
def open_tally() -> State:
    from products.models import Product

    tally = Tally.from_product_id(Product.objects.get(name="tally").product_id, "sample")
    return {"tally": tally, "subscription_id": tally.subscription_id}


def marking(number: int) -> Step:
    """Return a step that calls the ledger and changes the subscription."""

    @step(f"Step {number}")
    def mark(tally: Tally) -> State:
        ledger.call()
        tally.tally.steps.append(number)
        return {"tally": tally}

    return mark


def plain(number: int) -> Step:
    """Return a step that calls the ledger and changes the state, in which one statement writes everything."""

    @step(f"Step {number}")
    def note(trail: list[int] | None = None) -> State:
        ledger.call()
        return {"trail": [*(trail or []), number]}

    return note


def numbered(count: int) -> StepList:
    return StepList(marking(number) if number % 2 else plain(number) for number in range(1, count + 1))


@workflow("Ten steps")
def ten_steps() -> StepList:
    return init >> open_tally >> store_process_subscription() >> numbered(STEPS) >> done


@workflow("Three plain steps")
def three_steps() -> StepList:
    return init >> StepList(plain(number) for number in (1, 2, 3)) >> done


@step("Fail once before")
def fail_before() -> State:
    ledger.call()
    return _fail_first_try("before")


@inputstep("Ask", assignee="NOC")
def ask() -> FormGenerator:
    class Answer(FormPage):
        answer: str

    page = yield Answer
    return page.model_dump()


@step("Fail once after")
def fail_after(answer: str) -> State:
    ledger.call(answer=answer)
    return {**_fail_first_try("after"), "used": answer}


def _fail_first_try(where: str) -> State:
    attempt = step_context().attempt
    if attempt == 1:
        raise ValueError(f"failed {where} the input")
    return {f"attempts_{where}": attempt}


def first_answer() -> FormGenerator:
    class First(FormPage):
        answer: str = "from the start"

    page = yield First
    return page.model_dump()


@workflow("Asking", initial_input_form=first_answer)
def asking() -> StepList:
    return init >> fail_before >> ask >> fail_after >> done


@step("Order")
def order(callback_route: str) -> State:
    ledger.call(route=callback_route)
    return {}


@step("Check answer")
def check_answer(callback_result: dict[str, Any]) -> State:
    return {"answered": callback_result["by"]}


@workflow("Delegating")
def delegating() -> StepList:
    return init >> callback_step("Delegate", order, check_answer) >> done


@workflow("Delegating for a moment")
def delegating_briefly() -> StepList:
    return init >> callback_step("Delegate", order, check_answer, timeout=6) >> done


@step("Leak a cursor and raise")
def raise_in_transaction() -> State:
    if step_context().attempt == 1:
        with transaction.atomic():
            connection.cursor().execute("SELECT 1")
            raise ValueError("raised within a transaction")
    return {}


@step("Leave a transaction open")
def leave_open() -> State:
    if step_context().attempt == 1:
        connection.cursor().execute("BEGIN")
        connection.cursor().execute("SELECT 1")
    return {}


@step("Write and raise", atomic=True)
def write_and_raise(process_id: UUID) -> State:
    from workflows.models import Process

    Process.every.filter(pk=process_id).update(note=f"attempt {step_context().attempt}")
    if step_context().attempt == 1:
        raise ValueError("raised in the transaction of the step")
    return {}


@workflow("Leaking")
def leaking() -> StepList:
    return init >> raise_in_transaction >> leave_open >> write_and_raise >> done


def making(number: int) -> Step:
    """Return a step that makes a thing outside, and can take it away again."""

    def take_away(state: State) -> State:
        ledger.call(takes=number)
        return {}

    @step(f"Make {number}", undo=take_away)
    def make() -> State:
        ledger.call(makes=number)
        return {}

    return make


@step("Stop", undo=nothing_to_undo)
def stop() -> State:
    raise ValueError("this is as far as it goes")


@workflow("Making")
def making_things() -> StepList:
    return init >> StepList(making(number) for number in range(1, STEPS + 1)) >> stop >> done


@task("Failing at first")
def failing_task() -> StepList:
    return StepList([fail_before])


def size() -> FormGenerator:
    class Size(FormPage):
        count: int

    page = yield Size
    return page.model_dump()


def parts(state: State) -> list[SubWorkflow]:
    return [SubWorkflow("three_steps", [{}]) for _ in range(state["count"])]


@workflow("Bulk", initial_input_form=size)
def bulk() -> StepList:
    return init >> parallel_sub_workflows("Parts", parts, allow_aborted=True) >> done
