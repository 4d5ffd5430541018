"""What a process changed in its subscriptions, from the revisions that it wrote."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from subscriptions.models import Subscription, SubscriptionRevision
from workflows.models import ProcessSubscription
from workflows.page_selectors.json_limits import readable


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """One path of a subscription: its value before the process first touched it, and after it last did."""

    path: str
    old: Any
    new: Any


@dataclass(frozen=True, kw_only=True)
class SubscriptionChanges:
    """The changes of one subscription, by path."""

    subscription: Subscription
    is_new: bool = False
    fields: list[FieldChange] = field(default_factory=list)


def subscription_changes(process_id: UUID) -> list[SubscriptionChanges]:
    """Return what each subscription of a process looked like before and after it, in 2 queries."""
    ids = ProcessSubscription.objects.filter(process_id=process_id).values_list("subscription_id", flat=True)
    subscriptions = list(Subscription.objects.select_related("product").filter(pk__in=ids).order_by("description"))
    revisions = SubscriptionRevision.objects.filter(
        subscription__in=[subscription.pk for subscription in subscriptions], process_id=process_id
    ).order_by("subscription_id", "number")
    by_subscription: dict[UUID, list[SubscriptionRevision]] = {}
    for revision in revisions.defer("snapshot"):
        by_subscription.setdefault(revision.subscription_id, []).append(revision)
    return [
        SubscriptionChanges(subscription=subscription, is_new=written[0].number == 1, fields=_net_changes(written))
        for subscription in subscriptions
        if (written := by_subscription.get(subscription.pk))
    ]


def _net_changes(revisions: list[SubscriptionRevision]) -> list[FieldChange]:
    """Fold revisions to the first old and last new value of each path; what came back to its old value is no change."""
    first_old: dict[str, Any] = {}
    last_new: dict[str, Any] = {}
    for revision in revisions:
        for change in revision.changes:
            first_old.setdefault(change["path"], change.get("old"))
            last_new[change["path"]] = change.get("new")
    return [
        FieldChange(path=path, old=readable(first_old[path]), new=readable(new))
        for path, new in sorted(last_new.items())
        if first_old[path] != new
    ]
