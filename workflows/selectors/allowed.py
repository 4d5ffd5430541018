"""Which workflows may start on a subscription, and for each that may not the reason why."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from products.enums import Target
from products.models import Workflow as WorkflowRow
from subscriptions import selectors as subscription_selectors
from subscriptions.enums import SubscriptionLifecycle
from subscriptions.models import Subscription
from wfo_site.common.errors import NotFound
from workflows.engine.authorization import Asker, AuthAction, allows
from workflows.engine.registry import get_workflow
from workflows.engine.usable import (
    WF_BLOCKED_BY_IN_USE_BY_SUBSCRIPTIONS,
    WF_BLOCKED_BY_PARENTS,
    WF_USABLE_MAP,
    WF_USABLE_WHILE_OUT_OF_SYNC,
)

NOT_IN_SYNC: Final = "subscription.not_in_sync"
RELATIONS_NOT_IN_SYNC: Final = "subscription.relations_not_in_sync"
INVALID_STATUS: Final = "subscription.no_modify_invalid_status"
IN_USE: Final = "subscription.no_modify_subscription_in_use_by_others"
NOT_PERMITTED: Final = "subscription.insufficient_workflow_permissions"

REASONS: Final = {
    NOT_IN_SYNC: "Subscription already has a running process or task",
    RELATIONS_NOT_IN_SYNC: "This subscription can not be modified because some related subscriptions are not insync",
    INVALID_STATUS: "This subscription can not be modified because of the status it has",
    IN_USE: "This subscription can not be modified as it is used in other subscriptions",
    NOT_PERMITTED: "You are not authorized to start this workflow",
}

_USABLE_WHEN: Final = {
    Target.CREATE: [],
    Target.MODIFY: [SubscriptionLifecycle.ACTIVE],
    Target.TERMINATE: [SubscriptionLifecycle.ACTIVE, SubscriptionLifecycle.PROVISIONING],
    Target.SYSTEM: [SubscriptionLifecycle.ACTIVE],
    Target.VALIDATE: [SubscriptionLifecycle.ACTIVE],
    Target.RECONCILE: [SubscriptionLifecycle.ACTIVE],
}

Reason = dict[str, Any]


def reason_text(reason: Reason) -> str:
    """Return the sentence for a reason; an unknown key stands for itself."""
    key: str = reason["reason"]
    return REASONS.get(key, key)


class _Neighbours:
    """What the rules ask about a subscription's surroundings, each read once."""

    def __init__(self, subscription: Subscription, root_id: UUID | None = None) -> None:
        self.subscription = subscription
        self.root_id = root_id
        self.in_use_by = list(subscription_selectors.in_use_by_subscriptions(subscription.subscription_id))
        self.depends_on = list(subscription_selectors.depends_on_subscriptions(subscription.subscription_id))

    def sync_reason(self) -> Reason | None:
        """Say why nothing may start that needs the lock; neighbours locked by the same root process do not count."""
        if not self.subscription.insync:
            return {"reason": NOT_IN_SYNC}
        locked = [
            other
            for other in (*self.in_use_by, *self.depends_on)
            if not other.insync and (self.root_id is None or other.locked_by != self.root_id)
        ]
        if not locked:
            return None
        return {
            "reason": RELATIONS_NOT_IN_SYNC,
            "locked_relations": [str(other.subscription_id) for other in locked],
            "locked_relations_detail": _details(locked),
        }

    def unterminated_users(self) -> list[Subscription]:
        return [other for other in self.in_use_by if other.status != SubscriptionLifecycle.TERMINATED]


def _details(subscriptions: list[Subscription]) -> list[dict[str, str]]:
    return [
        {"subscription_id": str(other.subscription_id), "subscription_description": other.description}
        for other in subscriptions
    ]


def _reason(row: WorkflowRow, neighbours: _Neighbours, sync_reason: Reason | None) -> Reason | None:
    exempt = row.name in WF_USABLE_WHILE_OUT_OF_SYNC or row.is_task or row.target == Target.RECONCILE
    if sync_reason and not exempt:
        return sync_reason
    reason = _status_reason(row, neighbours.subscription)
    by_default = WF_BLOCKED_BY_PARENTS.get(row.name, row.target == Target.TERMINATE)
    blocked = WF_BLOCKED_BY_IN_USE_BY_SUBSCRIPTIONS.get(row.name, by_default)
    if blocked and (users := neighbours.unterminated_users()):
        reason = {
            **(reason or {}),
            "reason": IN_USE,
            "unterminated_in_use_by_subscriptions": [str(user.subscription_id) for user in users],
            "unterminated_in_use_by_subscriptions_detail": _details(users),
            "action": _action(row),
        }
    return reason


def _status_reason(row: WorkflowRow, subscription: Subscription) -> Reason | None:
    usable_when = [str(status) for status in WF_USABLE_MAP.get(row.name, _USABLE_WHEN[Target(row.target)])]
    if subscription.status in usable_when:
        return None
    return {
        "reason": INVALID_STATUS,
        "usable_when": usable_when,
        "status": subscription.status,
        "action": _action(row),
    }


def _action(row: WorkflowRow) -> str:
    return "terminated" if row.target == Target.TERMINATE else "modified"


def workflow_reason(subscription: Subscription, row: WorkflowRow, *, root_id: UUID | None = None) -> Reason | None:
    """Return why a workflow may not start on a subscription; None if it may.

    `root_id`: the root of the process to be, where it is the part of another that may hold the lock of a neighbour.
    """
    neighbours = _Neighbours(subscription, root_id)
    return _reason(row, neighbours, neighbours.sync_reason())


def _permission_reason(row: WorkflowRow, user_model: Asker) -> Reason | None:
    workflow = get_workflow(row.name)
    if workflow is None or allows(workflow.authorize_callback, user_model, AuthAction.START, workflow):
        return None
    return {"reason": NOT_PERMITTED}


def subscription_workflows(subscription_id: Any, user_model: Asker = None) -> dict[str, Any]:
    """Return the workflows of a subscription's product by target, each with its reason where it may not start.

    Whether `user_model` may start them is asked last, of those that could be started. Shape: {reason?,
    locked_relations?, ..., create: [{name, description, reason?, ...}], modify: [...], ...}. Raises NotFound.
    """
    subscription = Subscription.objects.select_related("product").filter(pk=subscription_id).first()
    if subscription is None:
        raise NotFound(f"Subscription with id: {subscription_id}, not found")
    neighbours = _Neighbours(subscription)
    sync_reason = neighbours.sync_reason()
    result: dict[str, Any] = {**(sync_reason or {}), **{target.value.lower(): [] for target in Target}}
    for row in subscription.product.workflows.filter(deleted_at__isnull=True).order_by("name"):
        reason = _reason(row, neighbours, sync_reason) or _permission_reason(row, user_model)
        item = {"name": row.name, "description": row.description, **(reason or {})}
        result[row.target.lower()].append(item)
    return result
