"""Which class is the shape of a product or block in which lifecycle status."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from subscriptions.enums import SubscriptionLifecycle

if TYPE_CHECKING:
    from subscriptions.domain.base import DomainModel
    from subscriptions.domain.subscription import SubscriptionModel

logger = logging.getLogger(__name__)

M = TypeVar("M", bound="type[DomainModel]")
Variants = dict[tuple[type[Any], SubscriptionLifecycle | None], type[Any]]

# (base class, status) to class; status None is the fallback for every status that no class claims.
_variants: Variants = {}

# A subscription may take a status only while the subscriptions that use it have one of these.
SAFE_USER_STATUSES: dict[SubscriptionLifecycle, frozenset[SubscriptionLifecycle]] = {
    SubscriptionLifecycle.INITIAL: frozenset({SubscriptionLifecycle.INITIAL}),
    SubscriptionLifecycle.ACTIVE: frozenset(SubscriptionLifecycle),
    SubscriptionLifecycle.MIGRATING: frozenset(
        {SubscriptionLifecycle.INITIAL, SubscriptionLifecycle.MIGRATING, SubscriptionLifecycle.TERMINATED}
    ),
    SubscriptionLifecycle.PROVISIONING: frozenset(
        {
            SubscriptionLifecycle.INITIAL,
            SubscriptionLifecycle.PROVISIONING,
            SubscriptionLifecycle.ACTIVE,
            SubscriptionLifecycle.TERMINATED,
        }
    ),
    SubscriptionLifecycle.TERMINATED: frozenset({SubscriptionLifecycle.INITIAL, SubscriptionLifecycle.TERMINATED}),
    SubscriptionLifecycle.DISABLED: frozenset(
        {SubscriptionLifecycle.INITIAL, SubscriptionLifecycle.DISABLED, SubscriptionLifecycle.TERMINATED}
    ),
}


def register_variant(cls: type[DomainModel], lifecycle: Iterable[SubscriptionLifecycle] | None) -> None:
    """Make `cls` the shape of its base for these statuses; None makes it the fallback."""
    statuses: list[SubscriptionLifecycle | None] = [*lifecycle] if lifecycle else [None]
    for status in statuses:
        _variants[cls.__base_type__ or cls, status] = cls


def lookup_specialized_type(cls: M, status: SubscriptionLifecycle) -> M:
    """Return the class that holds objects of `cls` in `status`: the exact one, else the fallback, else `cls` itself."""
    base = cls.__base_type__
    if base is None:
        return cls
    found: Any = _variants.get((base, status)) or _variants.get((base, None)) or cls
    return found  # type: ignore[no-any-return]


def swap_variants(variants: Variants) -> Variants:
    """Put other variants in place and return the old ones."""
    global _variants
    old, _variants = _variants, variants
    return old


def copy_variants() -> Variants:
    return dict(_variants)


def is_suited(cls: type[DomainModel], status: SubscriptionLifecycle) -> bool:
    """Say whether `cls` may hold an object in `status`: it is the specialised class or more constrained than it."""
    return issubclass(cls, lookup_specialized_type(cls, status))


def validate_lifecycle_status(
    model: SubscriptionModel, *, mode: Literal["strict", "loose", "ignored"] = "loose"
) -> None:
    """Compare the class of `model` with the one meant for its status, as LIFECYCLE_VALIDATION_MODE says.

    A more constrained class can be loaded without complaint, but probably the wrong class was named.
    `strict` raises ValueError, `loose` logs a warning, `ignored` does nothing.
    """
    wanted = lookup_specialized_type(type(model), model.status)
    if mode == "ignored" or type(model) is wanted:
        return
    message = (
        f"Subscription {model.subscription_id} has status {model.status.value}, for which {wanted.__name__} is meant, "
        f"but {type(model).__name__} is used"
    )
    if mode == "strict":
        raise ValueError(message)
    logger.warning("%s", message)
