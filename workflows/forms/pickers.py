"""Where pickers find what they offer: a source for each format, asked for a page of matches at a time, not for all."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings
from django.core import signing
from django.db.models import Q
from django.urls import reverse

from products.models import Product
from subscriptions.models import Subscription
from wfo_site.common.errors import DomainError
from workflows.forms.selections import Selection

PAGE_SIZE = 20
_MAX_TEXT = 200
_SALT = "workflows.forms.picker"


@dataclass(frozen=True)
class Offer:
    """One thing to pick: the value that is posted, what it is called, and what tells it from its namesakes."""

    value: str
    label: str
    detail: str = ""


class Source(Protocol):
    """Finds what may be picked. Texts are what a person typed; each word must be found."""

    def search(self, selection: Selection, text: str, offset: int, limit: int) -> list[Offer]: ...

    def describe(self, value: str) -> Offer | None:
        """Return the offer of a chosen value, None where it does not exist."""
        ...


class UnknownPicker(DomainError):
    """The address of a picker was changed, or was made by another installation."""

    code = "unknown_picker"


class SubscriptionSource:
    """Subscriptions, newest first."""

    def search(self, selection: Selection, text: str, offset: int, limit: int) -> list[Offer]:
        rows = selection.subscriptions()
        for word in text.split():
            condition = (
                Q(description__icontains=word)
                | Q(product__name__icontains=word)
                | Q(product__tag__iexact=word)
                | Q(customer_id__iexact=word)
            )
            if (exact := _uuid(word)) is not None:
                condition |= Q(subscription_id=exact)
            rows = rows.filter(condition)
        return [_subscription_offer(row) for row in rows[offset : offset + limit]]

    def describe(self, value: str) -> Offer | None:
        key = _uuid(value)
        row = Subscription.objects.select_related("product").filter(subscription_id=key).first() if key else None
        return _subscription_offer(row) if row else None


class ProductSource:
    """Products by name."""

    def search(self, selection: Selection, text: str, offset: int, limit: int) -> list[Offer]:
        rows = selection.products()
        for word in text.split():
            rows = rows.filter(
                Q(name__icontains=word)
                | Q(description__icontains=word)
                | Q(tag__iexact=word)
                | Q(product_type__iexact=word)
            )
        return [_product_offer(row) for row in rows[offset : offset + limit]]

    def describe(self, value: str) -> Offer | None:
        key = _uuid(value)
        row = Product.objects.filter(product_id=key).first() if key else None
        return _product_offer(row) if row else None


class DefaultCustomerSource:
    """The one customer of the settings; an installation that keeps customers registers a source of its own."""

    def search(self, selection: Selection, text: str, offset: int, limit: int) -> list[Offer]:
        offer = self._offer()
        found = all(word.lower() in f"{offer.label} {offer.detail}".lower() for word in text.split())
        wanted = not selection.customer_id or selection.customer_id == offer.value
        return [offer][offset : offset + limit] if found and wanted else []

    def describe(self, value: str) -> Offer | None:
        offer = self._offer()
        return offer if offer.value == value else None

    @staticmethod
    def _offer() -> Offer:
        return Offer(
            str(settings.DEFAULT_CUSTOMER_IDENTIFIER),
            str(settings.DEFAULT_CUSTOMER_FULLNAME),
            str(settings.DEFAULT_CUSTOMER_SHORTCODE),
        )


_sources: dict[str, Source] = {
    "subscriptionId": SubscriptionSource(),
    "productId": ProductSource(),
    "customerId": DefaultCustomerSource(),
}
_sources["organisationId"] = _sources["customerId"]


def register_picker(format_name: str, source: Source) -> None:
    """Let fields of a format be picked from `source`; the last one to register wins, so a package can replace ours."""
    _sources[format_name] = source
    if format_name == "customerId":
        _sources["organisationId"] = source


def describe(format_name: str, value: object) -> Offer | None:
    """Return what to show for a chosen value; None where there is no value or nothing of that id."""
    source = _sources.get(format_name)
    return source.describe(str(value)) if source is not None and value not in (None, "") else None


def picker_url(format_name: str, extra: Mapping[str, Any]) -> str:
    """Return the address that answers searches of a field; what it may offer is signed into it."""
    content = {"format": format_name, "extra": Selection.from_extra(extra).to_extra()}
    token = signing.dumps(content, salt=_SALT, compress=True)
    return f"{reverse('workflows:forms:picker-options')}?source={token}"


def search(token: str, text: str, offset: int = 0) -> tuple[list[Offer], bool]:
    """Return a page of at most PAGE_SIZE offers and whether there are more. Raises UnknownPicker for a forged token."""
    try:
        content = signing.loads(token, salt=_SALT)
        source = _sources[content["format"]]
        selection = Selection.from_extra(content["extra"])
    except (signing.BadSignature, KeyError, TypeError, ValueError) as error:
        raise UnknownPicker("This list of choices is not known; reload the page") from error
    found = source.search(selection, text.replace("\0", "").strip()[:_MAX_TEXT], max(offset, 0), PAGE_SIZE + 1)
    return found[:PAGE_SIZE], len(found) > PAGE_SIZE


def _subscription_offer(row: Subscription) -> Offer:
    # Ids begin with their time: the end is what tells neighbours apart.
    detail = f"{row.product.name} · {row.status} · …{str(row.subscription_id)[-4:]}"
    return Offer(str(row.subscription_id), row.description or str(row.subscription_id), detail)


def _product_offer(row: Product) -> Offer:
    return Offer(str(row.product_id), row.name, f"{row.tag} · {row.status}")


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
