"""Conditions for starting a workflow that many of them need: given as `run_predicate` to a decorator."""

from __future__ import annotations

from typing import Final

from workflows.engine.registry import PredicateContext, RunPredicateFail, RunPredicatePass

NOTHING_AWAITED: Final = "No processes are awaiting a callback with a timeout"


def no_uncompleted_instance(context: PredicateContext) -> RunPredicatePass | RunPredicateFail:
    """Let a workflow start only if none of its processes is still open; one that failed is, until it is retried or
    aborted. One query."""
    from workflows.models import Process

    number = Process.objects.uncompleted().filter(workflow__name=context.workflow_key).count()
    if number:
        return RunPredicateFail(f"Workflow '{context.workflow_key}' already has {number} uncompleted instance(s)")
    return RunPredicatePass()


def awaiting_callbacks_exist(context: PredicateContext) -> RunPredicatePass | RunPredicateFail:
    """Let a workflow start only if none of its processes is still open, and some process awaits a callback that can
    time out. Two queries."""
    from workflows.enums import ProcessStatus, WaitKind, WaitState
    from workflows.models import Process

    answer = no_uncompleted_instance(context)
    if isinstance(answer, RunPredicateFail):
        return answer
    awaiting = Process.every.filter(
        last_status=ProcessStatus.AWAITING_CALLBACK,
        waits__kind=WaitKind.CALLBACK,
        waits__state=WaitState.OPEN,
        waits__deadline__isnull=False,
    )
    return RunPredicatePass() if awaiting.exists() else RunPredicateFail(NOTHING_AWAITED)
