"""The lock of a subscription belongs to a root process, and all that it has started share it: who gives it back.

A process above may need it longer, and so may one beside, be it a sibling or started by one. The last gives it back.
"""

from __future__ import annotations

from uuid import UUID

from workflows.engine.step_context import step_context
from workflows.enums import ProcessKind, StepStatus
from workflows.states import ENDED


def is_needed_above(subscription_id: UUID) -> bool:
    """Say whether a process above this one works on a subscription. Up to a statement for each level, and one more."""
    from workflows.models import ProcessSubscription

    _, above = _ancestry()
    links = ProcessSubscription.objects.filter(process_id__in=above, subscription_id=subscription_id)
    return bool(above) and links.exclude(process__last_status__in=ENDED).exists()


def is_needed_beside(subscription_id: UUID, *, unlock: str) -> bool:
    """Say whether another process of the same root, not above this one, has a step named `unlock` still to do.

    Call it in the transaction of that step: of two that unlock at the same time one waits here, and finds the other's
    step done.
    """
    from subscriptions.models import Subscription
    from workflows.engine.registry import get_workflow
    from workflows.models import Process, ProcessStep

    own, above = _ancestry()
    others = (
        Process.every.filter(root_id=step_context().root_id, kind=ProcessKind.PROCESS)
        .exclude(pk__in=own + above)
        .exclude(last_status__in=ENDED)
        .filter(process_subscriptions__subscription_id=subscription_id)
    )
    if not others.exists():
        return False
    Subscription.objects.select_for_update(no_key=True).filter(pk=subscription_id).values_list("pk").first()
    done = ProcessStep.objects.filter(name=unlock, status=StepStatus.SUCCESS).values("process_id")
    for name in set(others.exclude(pk__in=done).values_list("workflow__name", flat=True)):
        workflow = get_workflow(name)
        if workflow is not None and any(step.name == unlock for step in workflow.steps):
            return True
    return False


def _ancestry() -> tuple[list[UUID], list[UUID]]:
    """Return the processes that this one is a part of, itself first, and those above that are others."""
    from workflows.models import Process

    context = step_context()
    own: list[UUID] = []
    above: list[UUID] = []
    # A branch is a part of its process.
    is_own = True
    process_id: UUID | None = context.process_id
    while process_id is not None:
        (own if is_own else above).append(process_id)
        if process_id == context.root_id:
            break
        kind, process_id = Process.every.values_list("kind", "parent_id").get(pk=process_id)
        is_own = is_own and kind == ProcessKind.BRANCH
    return own, above
