"""What subscriptions ask of processes, which live in a layer above and therefore register the answers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from uuid import UUID

OwnerIsOver = Callable[[UUID], bool]
LinkProcess = Callable[[UUID, Collection[UUID]], None]

_owner_is_over: OwnerIsOver | None = None
_link_process: LinkProcess | None = None


def register_owner_is_over(rule: OwnerIsOver) -> None:
    """Say with `rule(root_process_id)` whether the owner of a lock failed, was aborted, completed or is gone."""
    global _owner_is_over  # noqa: PLW0603 - registered once at start
    _owner_is_over = rule


def owner_is_over(root_id: UUID) -> bool:
    """Return what the rule says; without a rule an owner is never over, which is the careful answer."""
    return _owner_is_over is not None and _owner_is_over(root_id)


def register_process_link(link: LinkProcess) -> None:
    """Link with `link(process_id, subscription_ids)` the subscriptions that a step saved; called in its transaction.

    It must do nothing for those linked already.
    """
    global _link_process  # noqa: PLW0603 - registered once at start
    _link_process = link


def link_process(process_id: UUID, subscription_ids: Collection[UUID]) -> None:
    if _link_process is not None:
        _link_process(process_id, subscription_ids)
