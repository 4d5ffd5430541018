"""Decorators that make a workflow of a function returning steps, with what its kind adds before and after."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TypeAlias, TypedDict, Unpack

from products import registry as catalogue
from products.enums import Target
from subscriptions.domain import SubscriptionLifecycle
from workflows.engine.core_steps import resync, set_status, store_process_subscription, unsync, unsync_unchecked
from workflows.engine.registry import RunPredicate, Workflow
from workflows.engine.steps import AuthCallback, FormFactory, Step, StepList, as_steps, begin, done, init

StepListFactory: TypeAlias = Callable[[], "StepList | Step"]
Decorator: TypeAlias = Callable[[StepListFactory], Workflow]


class Options(TypedDict, total=False):
    """What every workflow decorator takes beside the description.

    `products`: names or tags of the products it is for. `additional_steps`: come after those of the function.
    `authorize_callback` says who may start and resume it, `retry_auth_callback` who may retry it (default: the same).
    `max_running`: so many of its processes, branches included, are run at the same time; the others wait.
    """

    products: Iterable[str]
    initial_input_form: FormFactory | None
    additional_steps: Step | StepList | None
    authorize_callback: AuthCallback | None
    retry_auth_callback: AuthCallback | None
    run_predicate: RunPredicate | None
    max_running: int | None


def _decorator(
    description: str, options: Options, *, target: Target, before: StepList, after: StepList, is_task: bool
) -> Decorator:
    def decorate(function: StepListFactory) -> Workflow:
        _check_decorated(function)
        max_running = options.get("max_running")
        if max_running is not None and max_running < 1:
            raise ValueError(f"max_running of {function.__name__} is {max_running}; at least one must be able to run")
        authorize = options.get("authorize_callback")
        made = Workflow(
            name=function.__name__,
            description=description or (inspect.getdoc(function) or "").partition("\n")[0],
            target=target,
            written=before >> as_steps(function()) >> as_steps(options.get("additional_steps") or begin) >> after,
            initial_input_form=options.get("initial_input_form"),
            is_task=is_task,
            authorize_callback=authorize,
            retry_auth_callback=options.get("retry_auth_callback") or authorize,
            run_predicate=options.get("run_predicate"),
            max_running=max_running,
            products=tuple(options.get("products", ())),
        )
        functools.update_wrapper(made, function, updated=())
        catalogue.register_workflow(
            catalogue.WorkflowSpec(
                name=made.name,
                target=target,
                description=made.description,
                products=made.products,
                is_task=is_task,
                factory=made,
            )
        )
        return made

    return decorate


def _check_decorated(function: StepListFactory) -> None:
    if isinstance(function, Workflow) or not callable(function):
        raise ValueError(f"A workflow decorator takes a function that returns steps, not {function!r}")
    if inspect.signature(function).parameters:
        raise ValueError(f"{function.__name__} takes arguments; a workflow function takes none and returns its steps")


def workflow(
    description: str = "", *, target: Target = Target.SYSTEM, is_task: bool = False, **options: Unpack[Options]
) -> Decorator:
    """Make a workflow of exactly the steps that the function returns: it brings `init` and `done` itself."""
    return _decorator(description, options, target=target, before=begin, after=begin, is_task=is_task)


def task(description: str = "", **options: Unpack[Options]) -> Decorator:
    """Make a task: work of the system, that belongs to no subscription."""
    return _decorator(
        description, options, target=Target.SYSTEM, before=begin >> init, after=begin >> done, is_task=True
    )


def create_workflow(
    description: str = "",
    *,
    status: SubscriptionLifecycle = SubscriptionLifecycle.ACTIVE,
    **options: Unpack[Options],
) -> Decorator:
    """Make a workflow that delivers a new subscription; `status` is what it ends in."""
    return _decorator(
        description,
        options,
        target=Target.CREATE,
        before=begin >> init,
        after=begin >> set_status(status) >> resync >> done,
        is_task=False,
    )


def modify_workflow(description: str = "", **options: Unpack[Options]) -> Decorator:
    """Make a workflow that changes a subscription, which is locked meanwhile."""
    return _on_subscription(description, options, target=Target.MODIFY, lock=unsync)


def terminate_workflow(description: str = "", **options: Unpack[Options]) -> Decorator:
    """Make a workflow that ends a subscription."""
    last = begin >> set_status(SubscriptionLifecycle.TERMINATED)
    return _on_subscription(description, options, target=Target.TERMINATE, lock=unsync, last=last)


def validate_workflow(description: str = "", **options: Unpack[Options]) -> Decorator:
    """Make a task that compares a subscription with the outside; it may take the lock from a process that is over."""
    return _on_subscription(description, options, target=Target.VALIDATE, lock=unsync_unchecked, is_task=True)


def reconcile_workflow(description: str = "", **options: Unpack[Options]) -> Decorator:
    """Make a workflow that brings the outside in line with a subscription, also with one that is out of sync."""
    return _on_subscription(description, options, target=Target.RECONCILE, lock=unsync_unchecked)


def _on_subscription(
    description: str, options: Options, *, target: Target, lock: Step, last: StepList = begin, is_task: bool = False
) -> Decorator:
    return _decorator(
        description,
        options,
        target=target,
        before=begin >> init >> store_process_subscription() >> lock,
        after=last >> resync >> done,
        is_task=is_task,
    )
