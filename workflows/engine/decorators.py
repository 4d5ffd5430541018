"""Decorators that make a workflow of a function returning steps, with what its kind adds before and after."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TypeAlias

from products import registry as catalogue
from products.enums import Target
from subscriptions.domain import SubscriptionLifecycle
from workflows.engine.core_steps import resync, set_status, store_process_subscription, unsync, unsync_unchecked
from workflows.engine.registry import RunPredicate, Workflow
from workflows.engine.steps import AuthCallback, FormFactory, Step, StepList, as_steps, begin, done, init

StepListFactory: TypeAlias = Callable[[], "StepList | Step"]
Decorator: TypeAlias = Callable[[StepListFactory], Workflow]


def _register(
    function: StepListFactory,
    *,
    description: str,
    target: Target,
    before: StepList,
    after: StepList,
    products: Iterable[str],
    initial_input_form: FormFactory | None,
    additional_steps: Step | StepList | None,
    authorize_callback: AuthCallback | None,
    retry_auth_callback: AuthCallback | None,
    run_predicate: RunPredicate | None,
    is_task: bool,
) -> Workflow:
    if isinstance(function, Workflow) or not callable(function):
        raise ValueError(f"A workflow decorator takes a function that returns steps, not {function!r}")
    if inspect.signature(function).parameters:
        raise ValueError(f"{function.__name__} takes arguments; a workflow function takes none and returns its steps")
    steps = before >> as_steps(function()) >> as_steps(additional_steps or StepList()) >> after
    made = Workflow(
        name=function.__name__,
        description=description or (inspect.getdoc(function) or "").partition("\n")[0],
        target=target,
        steps=steps,
        initial_input_form=initial_input_form,
        is_task=is_task,
        authorize_callback=authorize_callback,
        retry_auth_callback=retry_auth_callback or authorize_callback,
        run_predicate=run_predicate,
        products=tuple(products),
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


def workflow(
    description: str = "",
    *,
    initial_input_form: FormFactory | None = None,
    target: Target = Target.SYSTEM,
    products: Iterable[str] = (),
    is_task: bool = False,
    authorize_callback: AuthCallback | None = None,
    retry_auth_callback: AuthCallback | None = None,
    run_predicate: RunPredicate | None = None,
) -> Decorator:
    """Make a workflow of exactly the steps that the function returns: it brings `init` and `done` itself."""
    return functools.partial(
        _register,
        description=description,
        target=target,
        before=begin,
        after=begin,
        products=products,
        initial_input_form=initial_input_form,
        additional_steps=None,
        authorize_callback=authorize_callback,
        retry_auth_callback=retry_auth_callback,
        run_predicate=run_predicate,
        is_task=is_task,
    )


def task(
    description: str = "",
    *,
    initial_input_form: FormFactory | None = None,
    additional_steps: Step | StepList | None = None,
    authorize_callback: AuthCallback | None = None,
    retry_auth_callback: AuthCallback | None = None,
    run_predicate: RunPredicate | None = None,
) -> Decorator:
    """Make a task: work of the system, that belongs to no subscription."""
    return functools.partial(
        _register,
        description=description,
        target=Target.SYSTEM,
        before=begin >> init,
        after=begin >> done,
        products=(),
        initial_input_form=initial_input_form,
        additional_steps=additional_steps,
        authorize_callback=authorize_callback,
        retry_auth_callback=retry_auth_callback,
        run_predicate=run_predicate,
        is_task=True,
    )


def create_workflow(
    description: str = "",
    *,
    products: Iterable[str] = (),
    initial_input_form: FormFactory | None = None,
    status: SubscriptionLifecycle = SubscriptionLifecycle.ACTIVE,
    additional_steps: Step | StepList | None = None,
    authorize_callback: AuthCallback | None = None,
    retry_auth_callback: AuthCallback | None = None,
    run_predicate: RunPredicate | None = None,
) -> Decorator:
    """Make a workflow that delivers a new subscription of one of `products` (names or tags). `status` is its last."""
    return functools.partial(
        _register,
        description=description,
        target=Target.CREATE,
        before=begin >> init,
        after=begin >> set_status(status) >> resync >> done,
        products=products,
        initial_input_form=initial_input_form,
        additional_steps=additional_steps,
        authorize_callback=authorize_callback,
        retry_auth_callback=retry_auth_callback,
        run_predicate=run_predicate,
        is_task=False,
    )


def _on_subscription(target: Target, lock: Step, last: StepList, *, is_task: bool = False) -> Callable[..., Decorator]:
    def decorator(
        description: str = "",
        *,
        products: Iterable[str] = (),
        initial_input_form: FormFactory | None = None,
        additional_steps: Step | StepList | None = None,
        authorize_callback: AuthCallback | None = None,
        retry_auth_callback: AuthCallback | None = None,
        run_predicate: RunPredicate | None = None,
    ) -> Decorator:
        return functools.partial(
            _register,
            description=description,
            target=target,
            before=begin >> init >> store_process_subscription() >> lock,
            after=last >> resync >> done,
            products=products,
            initial_input_form=initial_input_form,
            additional_steps=additional_steps,
            authorize_callback=authorize_callback,
            retry_auth_callback=retry_auth_callback,
            run_predicate=run_predicate,
            is_task=is_task,
        )

    return decorator


# Each takes what `create_workflow` takes, but `status`. They lock the subscription, do the steps and unlock it.
modify_workflow = _on_subscription(Target.MODIFY, unsync, begin)
terminate_workflow = _on_subscription(Target.TERMINATE, unsync, begin >> set_status(SubscriptionLifecycle.TERMINATED))
validate_workflow = _on_subscription(Target.VALIDATE, unsync_unchecked, begin, is_task=True)
reconcile_workflow = _on_subscription(Target.RECONCILE, unsync_unchecked, begin)
