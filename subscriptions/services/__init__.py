"""The verbs that write subscriptions."""

from subscriptions.services.locks import lock_holder, resync, set_in_sync, unsync, unsync_unchecked
from subscriptions.services.models import collect_subscription_ids, find_models, save_models

__all__ = [
    "collect_subscription_ids",
    "find_models",
    "lock_holder",
    "resync",
    "save_models",
    "set_in_sync",
    "unsync",
    "unsync_unchecked",
]
