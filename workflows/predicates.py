"""Conditions for starting a workflow that many of them need: given as `run_predicate` to a decorator."""

from __future__ import annotations

from workflows.engine.registry import PredicateContext, RunPredicateFail, RunPredicatePass


def no_uncompleted_instance(context: PredicateContext) -> RunPredicatePass | RunPredicateFail:
    """Let a workflow start only if none of its processes is still open; one that failed is, until it is retried or
    aborted. One query."""
    from workflows.models import Process

    number = Process.objects.uncompleted().filter(workflow__name=context.workflow_key).count()
    if number:
        return RunPredicateFail(f"Workflow '{context.workflow_key}' already has {number} uncompleted instance(s)")
    return RunPredicatePass()
