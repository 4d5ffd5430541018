"""Call a subscription in sync by hand, when the one that locked it will not free it any more."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.db import transaction

from subscriptions import services as subscription_services
from subscriptions.models import Subscription
from wfo_site.common.errors import DomainError, NotFound
from workflows.enums import ProcessKind
from workflows.models import Process


class ProcessesNotEnded(DomainError):
    """Processes of the subscription could still go on and change it."""

    code = "processes_not_ended"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


@transaction.atomic
def set_subscription_in_sync(subscription_id: UUID) -> None:
    """Free the lock of a subscription, whoever holds it; nothing happens if it is in sync.

    Raises NotFound, and ProcessesNotEnded naming the processes (not tasks) that are neither completed nor aborted.
    """
    # The row stays locked: nobody takes the lock over between the look at the processes and its end.
    row = Subscription.objects.select_for_update(no_key=True).filter(pk=subscription_id)
    insync = row.values_list("insync", flat=True).first()
    if insync is None:
        raise NotFound(f"Subscription {subscription_id} not found")
    if insync:
        return
    open_ones = (
        Process.every.uncompleted()
        .exclude(kind=ProcessKind.BRANCH)
        .filter(subscriptions=subscription_id, is_task=False)
        .order_by("started_at")
        .values_list("process_id", flat=True)
    )
    if ids := [str(process_id) for process_id in open_ones]:
        raise ProcessesNotEnded(f"Subscription {subscription_id} has still failed processes with id's: {ids}")
    subscription_services.set_in_sync(subscription_id)
