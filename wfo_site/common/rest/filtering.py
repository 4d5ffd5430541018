"""The language of `filter=field,value`: negation, alternatives, ranges; and of `sort=field,order`.

A value is `!x` (not x; `!!x` is x), `x|y` or `x-y` (x or y). Fields of moments and identifiers are split at `|` only,
because their values contain hyphens. Several fields must all match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

from django.db import connection
from django.db.models import F, Q
from django.db.models.expressions import OrderBy
from django.db.models.functions import Lower

from wfo_site.common.errors import DomainError
from wfo_site.common.rest.like import like, matches

# From the alternatives of a value to the condition that one of them holds.
Condition: TypeAlias = Callable[[Sequence[str]], Q]

NOTHING = Q(pk__in=[])
# More values, alternatives included, than any list of a page holds; each is a comparison for every row.
MAX_VALUES = 200


class InvalidFilter(DomainError):
    """The filter or sort of a list cannot be understood; the message names field and reason."""

    code = "invalid_filter"


@dataclass(frozen=True, kw_only=True)
class FilterField:
    """How one field is compared. `hyphen_splits`: whether a hyphen separates alternatives."""

    condition: Condition
    hyphen_splits: bool = True


def text(path: str) -> FilterField:
    """One value compares like ILIKE; several must be equal to one of them, in whatever case."""
    return FilterField(condition=lambda values: _any(Q(like(path, value)) for value in values))


def choice(path: str, known: Sequence[str]) -> FilterField:
    """Text of a closed set, compared by equality so that an index serves."""

    def condition(values: Sequence[str]) -> Q:
        return Q(**{f"{path}__in": [one for one in known if any(matches(value, one) for value in values)]})

    return FilterField(condition=condition)


def boolean(path: str) -> FilterField:
    """`true` or `false`; anything else matches no row."""

    def condition(values: Sequence[str]) -> Q:
        wanted = {"true": True, "false": False}
        return Q(**{f"{path}__in": [wanted[value.lower()] for value in values if value.lower() in wanted]})

    return FilterField(condition=condition)


def identifier(path: str, *, whole: bool = False) -> FilterField:
    """A UUID: a whole one by equality, else like ILIKE on its text, unless `whole` is demanded: then no row matches."""

    def one(value: str) -> Q:
        try:
            return Q(**{path: UUID(value)})
        except ValueError:
            pattern = value if connection.features.has_native_uuid_field else value.replace("-", "")
            return NOTHING if whole else Q(like(path, pattern))

    return FilterField(condition=lambda values: _any(one(value) for value in values), hyphen_splits=False)


def equal(path: str) -> FilterField:
    """An identifier that is text: equality only."""
    return FilterField(condition=lambda values: Q(**{f"{path}__in": list(values)}), hyphen_splits=False)


def moment(path: str) -> FilterField:
    """`>=`, `<=`, `>` or `<` before an ISO moment, UTC unless it says otherwise; else like ILIKE on its text."""
    operators = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt"}

    def one(value: str) -> Q:
        found = re.match(r"(>=|<=|>|<)(.*)", value, re.DOTALL)
        if not found:
            return Q(like(path, value))
        try:
            given = datetime.fromisoformat(found[2].strip())
            # In UTC, as it is stored; what falls out of the calendar there is no moment to compare with.
            limit = given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            raise InvalidFilter(f"{found[2]} is not a valid date", field=path) from error
        return Q(**{f"{path}__{operators[found[1]]}": limit})

    return FilterField(condition=lambda values: _any(one(value) for value in values), hyphen_splits=False)


def _any(conditions: Iterable[Q]) -> Q:
    result = Q()
    for condition in conditions:
        result |= condition
    return result


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def pairs_of(parameter: str | None) -> list[tuple[str, str]]:
    """Split `field,value,field,value`. Absent or empty gives none. Raises InvalidFilter for an odd number."""
    if not parameter:
        return []
    items = parameter.split(",")
    if len(items) % 2:
        raise InvalidFilter("Invalid number of filter arguments", field="filter")
    return list(zip(items[::2], items[1::2], strict=True))


def condition_for(filters: Iterable[tuple[str, str]], fields: Mapping[str, FilterField]) -> Q:
    """Return the condition that all `filters` hold; names may be camelCase or snake_case. Raises InvalidFilter."""
    result = Q()
    total = 0
    for name, value in filters:
        field = fields.get(snake(name))
        if field is None:
            known = ", ".join(sorted(fields))
            raise InvalidFilter(f"Invalid filter arguments: unknown field {name!r}; known are {known}", field="filter")
        wanted = value.lstrip("!")
        separators = r"[-|]" if field.hyphen_splits else r"\|"
        alternatives = [part for part in re.split(separators, wanted) if part]
        if not alternatives:
            raise InvalidFilter(f"Invalid filter arguments: no value for {name!r}", field="filter")
        total += len(alternatives)
        if total > MAX_VALUES:
            raise InvalidFilter(f"Invalid filter arguments: more than {MAX_VALUES} values", field="filter")
        condition = field.condition(alternatives)
        result &= ~condition if (len(value) - len(wanted)) % 2 else condition
    return result


def order_for(parameter: str | None, orders: Mapping[str, str], *, lowered: frozenset[str]) -> list[OrderBy]:
    """Return the order that `sort=field,order[,field,order]` asks for; a missing last order is ascending.

    `orders` maps names to expressions' paths, `lowered` names paths that ignore case. NULLs stand where PostgreSQL puts
    them, on every database. Raises InvalidFilter.
    """
    result = []
    items = parameter.split(",") if parameter else []
    if len(items) > 2 * len(orders):
        raise InvalidFilter("Invalid sort arguments: more fields than there are", field="sort")
    for position in range(0, len(items), 2):
        name = items[position]
        direction = (items[position + 1] if position + 1 < len(items) else "asc").lower()
        if name not in orders:
            known = ", ".join(sorted(orders))
            raise InvalidFilter(f"Invalid sort arguments: unknown field {name!r}; known are {known}", field="sort")
        if direction not in {"asc", "desc"}:
            raise InvalidFilter(f"Invalid sort arguments: {name} asc or desc, not {direction!r}", field="sort")
        path = orders[name]
        expression = Lower(path) if path in lowered else F(path)
        result.append(expression.desc(nulls_first=True) if direction == "desc" else expression.asc(nulls_last=True))
    return result
