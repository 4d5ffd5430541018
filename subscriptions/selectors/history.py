"""The past of a subscription, told from its revisions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from subscriptions.models import SubscriptionRevision
from subscriptions.revision_changes import Change, apply
from subscriptions.revisions import merge
from wfo_site.common.errors import NotFound


def revisions_of(subscription_id: UUID) -> QuerySet[SubscriptionRevision]:
    """Return the revisions, newest first, without their snapshots. 1 statement when read."""
    return SubscriptionRevision.objects.filter(subscription_id=subscription_id).order_by("-number").defer("snapshot")


def subscription_at(subscription_id: UUID, number: int) -> dict[str, Any]:
    """Return the subscription as it was after a revision, in the form of a snapshot. 2 statements.

    Raises NotFound for a revision that does not exist.
    """
    base = (
        SubscriptionRevision.objects.filter(subscription_id=subscription_id, number__lte=number, snapshot__isnull=False)
        .order_by("-number")
        .first()
    )
    if base is None:
        raise NotFound(f"Subscription {subscription_id} has no revision {number}")
    later = list(
        SubscriptionRevision.objects.filter(
            subscription_id=subscription_id, number__gt=base.number, number__lte=number
        ).order_by("number")
    )
    if (later[-1].number if later else base.number) != number:
        raise NotFound(f"Subscription {subscription_id} has no revision {number}")
    snapshot: dict[str, Any] = base.snapshot or {}
    for revision in later:
        snapshot = apply(snapshot, revision.changes)
    return snapshot


def changes_between(subscription_id: UUID, number: int, other: int) -> list[Change]:
    """Return what changed after revision `number` up to and with revision `other`, merged. 1 statement."""
    merged: list[Change] = []
    for changes in (
        SubscriptionRevision.objects.filter(subscription_id=subscription_id, number__gt=number, number__lte=other)
        .order_by("number")
        .values_list("changes", flat=True)
    ):
        merged = merge(merged, changes)
    return merged
