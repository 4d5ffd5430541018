"""Who the customers are. A subscription knows only an id; whoever keeps the customers registers how to name them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings


@dataclass(frozen=True)
class CustomerName:
    """What people call a customer, in full and in short."""

    fullname: str
    shortcode: str


class CustomerSource(Protocol):
    """Where customers are kept, usually a table of a product package."""

    def named(self, customer_ids: Collection[str]) -> Mapping[str, CustomerName]:
        """Return the names of those ids that are known. One statement."""
        ...

    def matching(self, text: str) -> Collection[str]:
        """Return the ids of customers whose name holds `text`, a few hundred at most. One statement."""
        ...


_sources: list[CustomerSource] = []


def register_customers(source: CustomerSource) -> Callable[[], None]:
    """Ask `source` for names from now on; call the result to take it away again, as tests do."""
    _sources.append(source)
    return lambda: _sources.remove(source)


def customer_names(customer_ids: Collection[str]) -> dict[str, CustomerName]:
    """Return the names of those ids that anybody knows. One statement for each source."""
    wanted = set(customer_ids)
    found: dict[str, CustomerName] = {}
    if settings.DEFAULT_CUSTOMER_IDENTIFIER in wanted:
        found[settings.DEFAULT_CUSTOMER_IDENTIFIER] = _default()
    for source in _sources:
        if missing := wanted - found.keys():
            found |= source.named(missing)
    return found


def customers_matching(text: str) -> set[str]:
    """Return the ids of customers whose name holds `text`, whatever the case. One statement for each source."""
    found = {customer_id for source in _sources for customer_id in source.matching(text)}
    default = _default()
    if text.lower() in f"{default.fullname}\n{default.shortcode}".lower():
        found.add(settings.DEFAULT_CUSTOMER_IDENTIFIER)
    return found


def _default() -> CustomerName:
    return CustomerName(settings.DEFAULT_CUSTOMER_FULLNAME, settings.DEFAULT_CUSTOMER_SHORTCODE)
