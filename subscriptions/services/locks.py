"""The lock of a subscription: `insync` and its owner, the root process, change together in one compare-and-set UPDATE.

Flips of the lock are no revisions: they say who works on a subscription, not what it is.
"""

from __future__ import annotations

from uuid import UUID

from subscriptions import hooks
from subscriptions.domain.errors import OutOfSync, SubscriptionNotFound
from subscriptions.models import Subscription
from wfo_site.common import broadcast, context

# How often a lock that changes under our hands is looked at again.
_ATTEMPTS = 5


def unsync(subscription_id: UUID, *, root_id: UUID | None = None) -> None:
    """Take the lock for a root process, by default the one at work. Taking it again within the same root is fine.

    Raises OutOfSync naming the owner when another has it, SubscriptionNotFound for an unknown id.
    """
    owner = _root(root_id)
    if _swap(subscription_id, insync=True, locked_by=None, to_insync=False, to_owner=owner):
        return
    insync, holder = _lock_of(subscription_id)
    if insync or holder is None or holder != owner:
        raise _refused(subscription_id, holder)


def unsync_unchecked(subscription_id: UUID, *, root_id: UUID | None = None) -> None:
    """Take the lock also from nobody, and from an owner that failed, was aborted or completed.

    For workflows that must run on a subscription left out of sync. Raises OutOfSync naming an owner still at work.
    """
    owner = _root(root_id)
    holder: UUID | None = None
    for _attempt in range(_ATTEMPTS):
        insync, holder = _lock_of(subscription_id)
        if not insync and holder is not None:
            if holder == owner:
                return
            if not hooks.owner_is_over(holder):
                break
        if _swap(subscription_id, insync=insync, locked_by=holder, to_insync=False, to_owner=owner):
            return
    raise _refused(subscription_id, holder)


def resync(subscription_id: UUID, *, root_id: UUID | None = None) -> None:
    """Free the lock that a root process holds, by default the one at work; nothing when it is free already.

    Raises OutOfSync when another holds it.
    """
    owner = _root(root_id)
    if _swap(subscription_id, insync=False, locked_by=owner, to_insync=True, to_owner=None):
        return
    insync, holder = _lock_of(subscription_id)
    if not insync:
        raise OutOfSync(
            f"Subscription {subscription_id} is locked by {_named(holder)}, so only that may free it; "
            "use set_in_sync to free it by hand",
            subscription_id=subscription_id,
            locked_by=holder,
        )


def set_in_sync(subscription_id: UUID) -> None:
    """Free the lock by hand, whoever holds it; nothing when it is free already.

    The caller has checked that no process needs it. Raises OutOfSync when the lock changes hands meanwhile.
    """
    insync, holder = _lock_of(subscription_id)
    if insync or _swap(subscription_id, insync=False, locked_by=holder, to_insync=True, to_owner=None):
        return
    insync, now = _lock_of(subscription_id)
    if not insync:
        raise _refused(subscription_id, now)


def lock_holder(subscription_id: UUID) -> UUID | None:
    """Return the root process that holds the lock; None when it is free, or held by nobody."""
    return _lock_of(subscription_id)[1]


def _root(root_id: UUID | None) -> UUID | None:
    current = context.current()
    return root_id or current.root_id or current.process_id


def _swap(
    subscription_id: UUID, *, insync: bool, locked_by: UUID | None, to_insync: bool, to_owner: UUID | None
) -> bool:
    rows = Subscription.objects.filter(pk=subscription_id, insync=insync)
    rows = rows.filter(locked_by__isnull=True) if locked_by is None else rows.filter(locked_by=locked_by)
    won = rows.update(insync=to_insync, locked_by=to_owner) == 1
    if won:
        broadcast.subscription_changed(subscription_id)
    return won


def _lock_of(subscription_id: UUID) -> tuple[bool, UUID | None]:
    row = Subscription.objects.filter(pk=subscription_id).values_list("insync", "locked_by").first()
    if row is None:
        raise SubscriptionNotFound(subscription_id)
    return row


def _named(holder: UUID | None) -> str:
    return f"process {holder}" if holder else "no process"


def _refused(subscription_id: UUID, holder: UUID | None) -> OutOfSync:
    return OutOfSync(
        f"Subscription is already out of sync, cannot continue! It is locked by {_named(holder)}.",
        subscription_id=subscription_id,
        locked_by=holder,
    )
