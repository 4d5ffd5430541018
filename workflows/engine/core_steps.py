"""Steps that the framework brings: lock and unlock a subscription, set its status, note what a process is for."""

from __future__ import annotations

import warnings
from uuid import UUID

from subscriptions.domain import SubscriptionLifecycle, SubscriptionModel
from wfo_site.common.json import to_json
from workflows.engine.errors import ProcessFailureError
from workflows.engine.shared_locks import is_needed_above, is_needed_beside
from workflows.engine.step_context import step_context
from workflows.engine.step_decorators import step
from workflows.engine.steps import (
    OBSOLETE_NAME,
    State,
    Step,
    StepKind,
    StepList,
    as_steps,
    begin,
    nothing_to_undo,
)

OLD_SUBSCRIPTIONS_KEY = "__old_subscriptions__"


def backup(subscription_id: UUID, old_subscriptions: State | None) -> State:
    """Return the copies kept of subscriptions as they were before the process; the first copy of each stays."""
    backups = dict(old_subscriptions or {})
    if str(subscription_id) not in backups:
        backups[str(subscription_id)] = _dump(subscription_id)
    return backups


def _dump(subscription_id: UUID) -> State:
    """Return a subscription as its model dumps it, or as the bare row.

    One that no longer fits its model must still be possible to lock, and so to repair.
    """
    from subscriptions.selectors import plain_subscription

    try:
        dumped: State = to_json(SubscriptionModel.from_subscription(subscription_id))
    except ValueError:
        dumped = to_json(plain_subscription(subscription_id))
    return dumped


@step("Lock subscription", atomic=True, effects="database", undo=nothing_to_undo)
def unsync(subscription_id: UUID, __old_subscriptions__: State | None = None) -> State:
    """Take the lock of a subscription and keep its state before under `__old_subscriptions__`.

    Raises OutOfSync, a ValueError, if another holds the lock.
    """
    from subscriptions import services

    backups = backup(subscription_id, __old_subscriptions__)
    services.unsync(subscription_id)
    return {"subscription": _dump(subscription_id), OLD_SUBSCRIPTIONS_KEY: backups}


@step("Lock subscription", atomic=True, effects="database", undo=nothing_to_undo)
def unsync_unchecked(subscription_id: UUID, __old_subscriptions__: State | None = None) -> State:
    """Take the lock, also from nobody and from a process that has failed or ended."""
    from subscriptions import services

    backups = backup(subscription_id, __old_subscriptions__)
    services.unsync_unchecked(subscription_id)
    return {"subscription": _dump(subscription_id), OLD_SUBSCRIPTIONS_KEY: backups}


@step("Unlock subscription", atomic=True, effects="database", undo=nothing_to_undo)
def resync(subscription: SubscriptionModel, __old_subscriptions__: State | None = None) -> State:
    """Give the lock back, unless another process of the same root needs it, above this one or beside: that one does."""
    from subscriptions import services

    pk = subscription.subscription_id
    before = (__old_subscriptions__ or {}).get(str(pk), {})
    was_locked = not before.get("insync", True)
    if not (was_locked and is_needed_above(pk)) and not is_needed_beside(pk, unlock=resync.name):
        services.resync(pk)
    return {"subscription": SubscriptionModel.from_subscription(pk)}


def set_status(status: SubscriptionLifecycle | str) -> Step:
    """Return a step that takes the subscription to another lifecycle status, checked by the model of that status."""
    wanted = SubscriptionLifecycle(status)

    @step(f"Set subscription to '{wanted.value}'", effects="database", undo=_restore_status)
    def change_status(subscription: SubscriptionModel) -> State:
        return {"subscription": SubscriptionModel.from_other_lifecycle(subscription, wanted)}

    return change_status


def _restore_status(subscription: SubscriptionModel) -> State:
    """Take a subscription back to the status, and the dates, that it had before the step that is undone.

    Raises what `from_other_lifecycle` raises where its values do not fit that status any more.
    """
    undone = step_context().undone
    assert undone is not None
    before = undone.read_before().get("subscription")
    if not isinstance(before, dict) or "status" not in before:
        raise ProcessFailureError("The status that the subscription had before is not in the state of this process")
    if subscription.status == before["status"]:
        return {}
    restored = SubscriptionModel.from_other_lifecycle(subscription, SubscriptionLifecycle(before["status"]))
    restored.start_date = restored.start_date if before.get("start_date") else None
    restored.end_date = restored.end_date if before.get("end_date") else None
    return {"subscription": restored}


def store_process_subscription(workflow_target: str | None = None) -> Step:
    """Return a step that notes which subscription the process works on; harmless when that is noted already."""
    if workflow_target is not None:
        warnings.warn("workflow_target is no longer used; leave it out", DeprecationWarning, stacklevel=2)

    @step("Create Process Subscription relation", atomic=True, effects="database", undo=nothing_to_undo)
    def link(subscription_id: UUID) -> None:
        from subscriptions import hooks

        hooks.link_process(step_context().process_id, [subscription_id])

    return link


def ensure_provisioning_status(steps: Step | StepList) -> StepList:
    """Run steps while the subscription is provisioning; afterwards it is active again."""
    return (
        begin
        >> set_status(SubscriptionLifecycle.PROVISIONING)
        >> as_steps(steps)
        >> set_status(SubscriptionLifecycle.ACTIVE)
    )


class ObsoleteStep(Step):
    """The placeholder; called with the name of a step, it stands for just that one."""

    def __call__(self, name: str) -> Step:
        """Return the placeholder of the removed step `name`: processes that have it done, or stopped at it, fit.

        New processes skip it.
        """
        return Step(name, StepKind.OBSOLETE, conditions=(_never,))


def _never(_: State) -> bool:
    return False


# In the place of one step that was removed, whichever: a process fits that has done there what the code has no more.
obsolete_step = ObsoleteStep(OBSOLETE_NAME, StepKind.OBSOLETE)
