"""The only way to ask for the values of blocks, because only this one uses the index.

PostgreSQL answers containment from a `jsonb_path_ops` index; SQLite reads the JSON of each block.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal
from uuid import UUID

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, JSONField, Q, QuerySet, Value
from django.db.models.fields.json import KeyTransform
from django.db.models.lookups import Exact
from django.db.models.sql.compiler import SQLCompiler

from subscriptions.models import Subscription, SubscriptionInstance
from wfo_site.common.json import JsonValue, to_json

Op = Literal["eq", "contains", "in"]


def instances_with(field: str, value: object, op: Op = "eq") -> QuerySet[SubscriptionInstance]:
    """Return the blocks whose `field` is `value` ("eq"), a list that has it ("contains") or one of several ("in").

    Types count: 5 is not "5", true is not 1. Ranges and parts of texts are questions for the search index. Raises
    NotJson for a value that JSON cannot hold, ValueError for None.
    """
    if op == "in":
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise ValueError(f"'in' takes several values, not {value!r}")
        conditions = [_condition(field, to_json(item), "eq") for item in value]
        if not conditions:
            return SubscriptionInstance.objects.none()
        either = Q(conditions[0])
        for condition in conditions[1:]:
            either |= Q(condition)
        return SubscriptionInstance.objects.filter(either)
    return SubscriptionInstance.objects.filter(Q(_condition(field, to_json(value), op)))


def subscription_by_instance_value(
    resource_type: str, value: object, statuses: Iterable[str] | None = None
) -> Subscription | None:
    """Return the one subscription with a block of this value, None when there is none. 1 statement.

    A text also finds the number or truth value that it spells. Raises ValueError when there are several.
    """
    instances = instances_with(resource_type, _spellings(value), "in")
    found = Subscription.objects.filter(pk__in=instances.values("subscription_id")).select_related("product")
    if statuses is not None:
        found = found.filter(status__in=list(statuses))
    subscriptions = list(found[:2])
    if len(subscriptions) > 1:
        raise ValueError(f"More than one subscription has {resource_type} {value}")
    return subscriptions[0] if subscriptions else None


def _spellings(value: object) -> list[object]:
    if not isinstance(value, str):
        return [str(value), value] if isinstance(value, UUID) else [value]
    try:
        parsed = json.loads(value)
    except ValueError:
        return [value]
    return [value, parsed] if isinstance(parsed, bool | int | float) else [value]


def _condition(field: str, value: JsonValue, op: Literal["eq", "contains"]) -> Any:
    if value is None:
        raise ValueError(f"No block stores None for {field}: what is not set is left out")
    if connection.vendor != "postgresql":
        return _SqliteValue(field, value, op)
    if op == "contains":
        return Q(values__contains={field: [value]})
    # Containment uses the index, but a list also contains a shorter one: compare what the index found.
    exactly = Exact(KeyTransform(field, "values"), Value(value, output_field=JSONField()))
    return Q(values__contains={field: value}) & Q(exactly)


class _SqliteValue(Func):
    """The condition for SQLite: the type has to agree too, since SQLite reads true as 1."""

    output_field = BooleanField()

    def __init__(self, field: str, value: JsonValue, op: Literal["eq", "contains"]) -> None:
        super().__init__(F("values"))
        self._path = f"$.{json.dumps(field)}"
        self._value = value
        self._op = op

    def as_sql(  # type: ignore[override]  # it needs no words for Func's template
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,  # noqa: ARG002 - Django passes it
        **_extra: Any,
    ) -> tuple[str, tuple[Any, ...]]:
        column, params = compiler.compile(self.source_expressions[0])
        test, values = _same(self._value)
        place = (*params, self._path)
        if self._op == "eq":
            # As a list of one, so that both questions read the same; -> gives lists as JSON too.
            return (
                f"EXISTS (SELECT 1 FROM json_each(json_array({column} -> %s)) AS found WHERE {test})",  # noqa: S608
                (*place, *values),
            )
        is_list = f"json_type({column}, %s) = 'array'"
        return (
            f"EXISTS (SELECT 1 FROM json_each({column}, %s) AS found WHERE {is_list} AND {test})",  # noqa: S608
            (*place, *place, *values),
        )


def _same(value: JsonValue) -> tuple[str, tuple[object, ...]]:
    match value:
        case bool():
            return "found.type = %s", ("true" if value else "false",)
        case int() | float():
            return "found.type IN ('integer', 'real') AND found.value = %s", (value,)
        case str():
            return "found.type = 'text' AND found.value = %s", (value,)
    return "found.type IN ('array', 'object') AND found.value = json(%s)", (json.dumps(value),)
