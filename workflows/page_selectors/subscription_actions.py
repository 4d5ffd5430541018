"""What may be started on a subscription, in the groups and words of its page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from products.enums import Target
from workflows.engine.authorization import Asker
from workflows.selectors import reason_text, subscription_workflows

_GROUPS: Final = (
    (Target.MODIFY, "Modify"),
    (Target.VALIDATE, "Validate"),
    (Target.RECONCILE, "Reconcile"),
    (Target.TERMINATE, "Terminate"),
    (Target.SYSTEM, "System"),
)


@dataclass(frozen=True, kw_only=True)
class OtherSubscription:
    """Another subscription that stands in the way."""

    subscription_id: str
    description: str


@dataclass(frozen=True, kw_only=True)
class SubscriptionAction:
    """One workflow. `reason` says why it may not start, `because_of` names the subscriptions in the way."""

    label: str
    target: str
    url: str
    reason: str = ""
    because_of: list[OtherSubscription] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ActionGroup:
    name: str
    items: list[SubscriptionAction]


def subscription_action_groups(
    subscription_id: UUID, user_model: Asker = None
) -> tuple[list[ActionGroup], list[OtherSubscription]]:
    """Return the workflows by group, and the neighbours whose lock keeps them from starting. Raises NotFound."""
    found: dict[str, Any] = subscription_workflows(subscription_id, user_model)
    query = urlencode({"subscriptionId": str(subscription_id)})
    groups = []
    for target, name in _GROUPS:
        items = [_action(item, target, query) for item in found[target.value.lower()]]
        if items:
            groups.append(ActionGroup(name=name, items=sorted(items, key=lambda item: item.label)))
    return groups, _others(found.get("locked_relations_detail", []))


def _action(item: dict[str, Any], target: Target, query: str) -> SubscriptionAction:
    return SubscriptionAction(
        label=item["description"] or item["name"],
        target=target.value,
        url=f"{reverse('workflows:process-start', args=[item['name']])}?{query}",
        reason=reason_text(item) if item.get("reason") else "",
        because_of=_others(item.get("unterminated_in_use_by_subscriptions_detail", [])),
    )


def _others(details: list[dict[str, str]]) -> list[OtherSubscription]:
    return [
        OtherSubscription(subscription_id=one["subscription_id"], description=one["subscription_description"])
        for one in details
    ]
