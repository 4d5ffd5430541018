"""The verbs that write subscriptions."""

from subscriptions.services.descriptions import (
    change_customer_description,
    delete_customer_description,
    put_customer_description,
    set_metadata,
)
from subscriptions.services.locks import lock_holder, resync, set_in_sync, unsync, unsync_unchecked
from subscriptions.services.models import collect_subscription_ids, find_models, save_models

__all__ = [
    "change_customer_description",
    "collect_subscription_ids",
    "delete_customer_description",
    "find_models",
    "lock_holder",
    "put_customer_description",
    "resync",
    "save_models",
    "set_in_sync",
    "set_metadata",
    "unsync",
    "unsync_unchecked",
]
