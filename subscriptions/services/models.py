"""Save the subscription models among the values that a step returned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from subscriptions.domain.blocks import ProductBlockModel
from subscriptions.domain.storage import storage
from subscriptions.domain.subscription import SubscriptionModel


def save_models(models: Iterable[SubscriptionModel]) -> None:
    """Write what changed in all of these models in one transaction, in the order that keeps locks from crossing.

    Raises SaveConflict, BlockInUse or ValueError, after which nothing is written. No statement when nothing changed.
    """
    storage().save(list(models))


def find_models(value: object) -> list[SubscriptionModel]:
    """Return every subscription model in a value, also inside dicts, lists and tuples; each object once, in order.

    A block that was loaded to be saved (`load_owned_block`) stands for its subscription.
    """
    return list({id(model): model for model in _walk(value)}.values())


def collect_subscription_ids(value: object) -> list[UUID]:
    """Return the ids of the subscriptions whose models are in a value, each once, in order."""
    return list(dict.fromkeys(model.subscription_id for model in _walk(value)))


def _walk(value: object) -> Iterator[SubscriptionModel]:
    match value:
        case SubscriptionModel():
            yield value
        case ProductBlockModel(saved_with=SubscriptionModel() as subscription):
            yield subscription
        case Mapping():
            for item in value.values():
                yield from _walk(item)
        case list() | tuple() | set() | frozenset():
            for item in value:
                yield from _walk(item)
