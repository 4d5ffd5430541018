"""Statements that write any number of blocks and relations at once: the rows travel as one JSON parameter.

Django's own bulk writes fall apart into batches on SQLite, and know no update of different rows to different values.
What differs between the databases is only how JSON becomes rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from uuid import UUID

from django.db import connection

from wfo_site.common.json import JsonValue

Kind = Literal["uuid", "text", "int", "json"]
Pair = tuple[UUID, UUID]

_INSTANCE_COLUMNS: dict[str, Kind] = {
    "subscription_instance_id": "uuid",
    "subscription_id": "uuid",
    "product_block_id": "uuid",
    "label": "text",
    "values": "json",
    "root_attr": "text",
    "root_order": "int",
}
_RELATION_COLUMNS: dict[str, Kind] = {
    "in_use_by_id": "uuid",
    "depends_on_id": "uuid",
    "domain_model_attr": "text",
    "order_id": "int",
}
_INSTANCES = "subscriptions_subscriptioninstance"
_RELATIONS = "subscriptions_subscriptioninstancerelation"

_CASTS = {"uuid": "::uuid", "text": "", "int": "::integer", "json": "::jsonb"}


def _rows_of(columns: Mapping[str, Kind]) -> str:
    """Return a SELECT that turns the JSON parameter, a list of objects, into rows of these columns."""
    if connection.vendor == "postgresql":
        selected = ", ".join(f"(item->>'{name}'){_CASTS[kind]} AS \"{name}\"" for name, kind in columns.items())
        return f"SELECT {selected} FROM jsonb_array_elements(%s::jsonb) AS item"  # noqa: S608 - our own column names
    selected = ", ".join(f"json_extract(item.value, '$.{name}') AS \"{name}\"" for name in columns)
    return f"SELECT {selected} FROM json_each(%s) AS item"  # noqa: S608 - our own column names


def _run(sql: str, rows: Iterable[Mapping[str, object]]) -> int:
    packed = json.dumps([{name: _packed(value) for name, value in row.items()} for row in rows])
    with connection.cursor() as cursor:
        cursor.execute(sql, [packed])
        return int(cursor.rowcount)


def _packed(value: object) -> object:
    match value:
        case UUID():
            return value.hex
        case dict():
            # As text inside the text, so that no database touches its numbers on the way.
            return json.dumps(value)
    return value


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def insert_instances(rows: Sequence[Mapping[str, object]]) -> None:
    """Insert blocks; each row has every column, `values` as a dict."""
    if rows:
        _run(
            f"INSERT INTO {_INSTANCES} ({_names(_INSTANCE_COLUMNS)}) {_rows_of(_INSTANCE_COLUMNS)}",
            rows,
        )


def update_instances(rows: Sequence[Mapping[str, object]]) -> None:
    """Set label, values and place of blocks, named by their id."""
    if not rows:
        return
    columns = {
        name: kind for name, kind in _INSTANCE_COLUMNS.items() if name not in ("subscription_id", "product_block_id")
    }
    changed = ", ".join(f'"{name}" = new."{name}"' for name in columns if name != "subscription_instance_id")
    _run(
        f"UPDATE {_INSTANCES} SET {changed} FROM ({_rows_of(columns)}) AS new "  # noqa: S608
        f"WHERE {_INSTANCES}.subscription_instance_id = new.subscription_instance_id",
        rows,
    )


def delete_instances(ids: Sequence[UUID]) -> None:
    """Delete blocks, which nothing may hold any more."""
    if ids:
        columns: dict[str, Kind] = {"subscription_instance_id": "uuid"}
        _run(
            f"DELETE FROM {_INSTANCES} WHERE subscription_instance_id IN ({_rows_of(columns)})",  # noqa: S608
            [{"subscription_instance_id": id_} for id_ in ids],
        )


def put_relations(rows: Sequence[Mapping[str, JsonValue | UUID]]) -> None:
    """Insert relations, or set attribute and place of those that exist."""
    if rows:
        # "WHERE true" tells SQLite's parser that ON belongs to the conflict and not to a join.
        _run(
            f"INSERT INTO {_RELATIONS} ({_names(_RELATION_COLUMNS)}) {_rows_of(_RELATION_COLUMNS)} WHERE true "
            "ON CONFLICT (in_use_by_id, depends_on_id) DO UPDATE "
            "SET domain_model_attr = excluded.domain_model_attr, order_id = excluded.order_id",
            rows,
        )


def delete_relations(*, pairs: Iterable[Pair], users: Iterable[UUID]) -> None:
    """Delete the relations of these (holder, held) pairs, and every relation in which one of `users` holds another."""
    rows: list[dict[str, UUID | None]] = [{"in_use_by_id": holder, "depends_on_id": held} for holder, held in pairs]
    rows += [{"in_use_by_id": user, "depends_on_id": None} for user in users]
    if rows:
        columns: dict[str, Kind] = {"in_use_by_id": "uuid", "depends_on_id": "uuid"}
        _run(
            f"DELETE FROM {_RELATIONS} WHERE EXISTS (SELECT 1 FROM ({_rows_of(columns)}) AS gone "  # noqa: S608
            f"WHERE gone.in_use_by_id = {_RELATIONS}.in_use_by_id "
            f"AND (gone.depends_on_id IS NULL OR gone.depends_on_id = {_RELATIONS}.depends_on_id))",
            rows,
        )
