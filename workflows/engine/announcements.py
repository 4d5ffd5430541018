"""What browsers are told of a process that has come to another status."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from wfo_site.common import broadcast
from workflows.engine import fast_path
from workflows.enums import ProcessStatus
from workflows.models import ProcessSubscription
from workflows.states import ENDED, FAILED


def announce(process_id: UUID, status: str, *, parent_id: UUID | None = None, saved: Iterable[UUID] = ()) -> None:
    """Tell of a process, its parent, and `saved` subscriptions; once it has ended or failed, of all that it works on.

    The pages of those say which process holds them and what became of it. One statement then, otherwise none.
    """
    broadcast.processes_changed(process_id)
    changed = set(saved)
    if status != ProcessStatus.RUNNING:
        broadcast.status_counts_changed()
        if parent_id is not None:
            broadcast.processes_changed(parent_id)
    if status in ENDED | FAILED:
        changed |= set(_linked(process_id))
    for subscription_id in changed:
        broadcast.subscription_changed(subscription_id)


def _linked(process_id: UUID) -> list[UUID]:
    if fast_path.is_on():
        return fast_path.linked(process_id)
    return list(ProcessSubscription.objects.filter(process_id=process_id).values_list("subscription_id", flat=True))
