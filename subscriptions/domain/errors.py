"""What the domain models raise beside plain ValueError: errors that pages and APIs show."""

from __future__ import annotations

from uuid import UUID

from wfo_site.common.errors import Conflict, NotFound
from wfo_site.common.json import JsonValue


class ProductNotInRegistryError(NotFound, LookupError):
    """No model class is registered for the product of a subscription."""

    code = "product_not_in_registry"


class SubscriptionNotFound(NotFound, ValueError):
    """There is no subscription of this id."""

    code = "subscription_not_found"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(f"Subscription with id: {subscription_id}, does not exist")


class SaveConflict(Conflict):
    """Another writer changed the same value since this model was loaded, to something else.

    `mine` and `theirs` are the two values, as JSON.
    """

    code = "save_conflict"

    def __init__(self, path: str, mine: JsonValue, theirs: JsonValue, *, subscription_id: UUID) -> None:
        super().__init__(
            f"{path} of subscription {subscription_id} was changed to {theirs!r} by another since it was loaded, "
            f"so it cannot be set to {mine!r}; load the subscription again and retry",
            field=path,
            subscription_id=str(subscription_id),
            mine=mine,
            theirs=theirs,
        )
        self.mine = mine
        self.theirs = theirs


class BlockInUse(Conflict):
    """A block cannot be deleted, because a block of another subscription holds it."""

    code = "block_in_use"


class OutOfSync(Conflict, ValueError):
    """The subscription is locked by another process, or by hand.

    `locked_by` is the root process that holds the lock; None when no process does.
    """

    code = "subscription_out_of_sync"

    def __init__(self, message: str, *, subscription_id: UUID, locked_by: UUID | None) -> None:
        super().__init__(
            message,
            field="subscription_id",
            subscription_id=str(subscription_id),
            locked_by=str(locked_by) if locked_by else None,
        )
        self.locked_by = locked_by
