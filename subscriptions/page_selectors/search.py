"""What a person types into the search field of a list of subscriptions, as a condition."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.db.models import Q

from products.models import Product
from subscriptions.customers import customers_matching

LONGEST = 200
_TRUE: Final = {"true", "yes", "1", "t", "y"}


def condition(text: str) -> Q:
    """Return what all words of `text` ask for.

    Each word has to stand in the description, note, product's name or tag, or the customer's name, or begin the id of
    the subscription or customer. `"two words"` belong together, `-word` must not stand there, and `field:word` looks
    in one field only: id, description, note, product, tag, status, customer, insync. Up to two statements per word.
    """
    wanted = Q()
    for word in _words(text[:LONGEST]):
        negated = word.startswith("-") and len(word) > 1
        bare = word[1:] if negated else word
        field, colon, value = bare.partition(":")
        look = _FIELDS.get(field.lower()) if colon and value else None
        found = look(value) if look else _anywhere(bare)
        wanted &= ~found if negated else found
    return wanted


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text.replace("'", r"\'"))
    except ValueError:
        # A quotation that is still being typed.
        return text.replace('"', " ").split()


def _anywhere(word: str) -> Q:
    found = Q(description__icontains=word) | Q(note__icontains=word) | _product(word) | _customer(word)
    return found | _id(word) if _id_bounds(word) else found


def _product(word: str) -> Q:
    # Products are few: their ids first, so that the big table is asked by its index.
    ids = Product.objects.filter(Q(name__icontains=word) | Q(tag__icontains=word)).values_list("pk", flat=True)
    return Q(product_id__in=list(ids))


def _tag(word: str) -> Q:
    return Q(product_id__in=list(Product.objects.filter(tag__iexact=word).values_list("pk", flat=True)))


def _customer(word: str) -> Q:
    named = Q(customer_id__in=sorted(customers_matching(word)))
    # Two letters begin thousands of ids; from four on it is meant.
    return named | Q(customer_id__istartswith=word) if len(word) >= 4 else named


def _id(word: str) -> Q:
    bounds = _id_bounds(word)
    return Q(subscription_id__range=bounds) if bounds else Q(pk__in=[])


def _id_bounds(word: str) -> tuple[UUID, UUID] | None:
    """Return the first and the last id that begin with `word`; None when it does not look like the beginning of one."""
    digits = word.replace("-", "").lower()
    if not 4 <= len(digits) <= 32 or any(digit not in "0123456789abcdef" for digit in digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


_FIELDS: Final[dict[str, Callable[[str], Q]]] = {
    "id": _id,
    "description": lambda word: Q(description__icontains=word),
    "note": lambda word: Q(note__icontains=word),
    "product": _product,
    "tag": _tag,
    "status": lambda word: Q(status__istartswith=word),
    "customer": _customer,
    "insync": lambda word: Q(insync=word.lower() in _TRUE),
}
