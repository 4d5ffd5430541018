"""What is kept beside a subscription: the names that customers give it, and free metadata."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction

from subscriptions.domain.errors import SubscriptionNotFound
from subscriptions.models import Subscription, SubscriptionCustomerDescription, SubscriptionMetadata
from wfo_site.common import broadcast
from wfo_site.common.errors import StaleData
from wfo_site.common.json import to_json


@transaction.atomic
def put_customer_description(
    *, subscription_id: UUID, customer_id: str, description: str, version: int | None = None
) -> SubscriptionCustomerDescription:
    """Set what a customer calls a subscription, and return the row.

    Raises StaleData when `version` is given and not the stored one, SubscriptionNotFound for an unknown subscription.
    """
    if not Subscription.objects.filter(pk=subscription_id).exists():
        raise SubscriptionNotFound(subscription_id)
    row, created = SubscriptionCustomerDescription.objects.select_for_update().get_or_create(
        subscription_id=subscription_id, customer_id=customer_id, defaults={"description": description}
    )
    if not created:
        _change(row, description, version)
    broadcast.subscription_changed(subscription_id)
    return row


@transaction.atomic
def change_customer_description(
    *, subscription_id: UUID, customer_id: str, description: str, version: int | None = None
) -> bool:
    """Change what a customer calls a subscription; say whether there was anything to change. Raises StaleData."""
    rows = SubscriptionCustomerDescription.objects.select_for_update()
    row = rows.filter(subscription_id=subscription_id, customer_id=customer_id).first()
    if row is None:
        return False
    _change(row, description, version)
    broadcast.subscription_changed(subscription_id)
    return True


def _change(row: SubscriptionCustomerDescription, description: str, version: int | None) -> None:
    if version is not None and version != row.version:
        raise StaleData(version, row.version)
    SubscriptionCustomerDescription.objects.filter(pk=row.pk).update(description=description)
    row.refresh_from_db()


def delete_customer_description(description_id: UUID) -> bool:
    """Delete one; say whether there was one."""
    row = SubscriptionCustomerDescription.objects.filter(pk=description_id).first()
    if row is None:
        return False
    row.delete()
    broadcast.subscription_changed(row.subscription_id)
    return True


@transaction.atomic
def set_metadata(*, subscription_id: UUID, metadata: Mapping[str, object]) -> SubscriptionMetadata:
    """Replace the metadata of a subscription. Raises SubscriptionNotFound."""
    if not Subscription.objects.filter(pk=subscription_id).exists():
        raise SubscriptionNotFound(subscription_id)
    row, _created = SubscriptionMetadata.objects.update_or_create(
        subscription_id=subscription_id, defaults={"metadata": to_json(metadata)}
    )
    broadcast.subscription_changed(subscription_id)
    return row
