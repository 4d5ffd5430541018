"""The history of subscriptions: one revision for each subscription and transaction, written in that transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Max

from subscriptions.models import (
    Subscription,
    SubscriptionInstance,
    SubscriptionInstanceRelation,
    SubscriptionRevision,
)
from subscriptions.revision_changes import Change, attribute_of, relation_order
from subscriptions.transaction_mark import TransactionMark
from wfo_site.common import clock, context
from wfo_site.common.json import JsonValue, to_json

SNAPSHOT_EVERY = 20

# The revisions begun in the open transaction of each connection: subscription to (revision, mark at its beginning).
_begun: WeakKeyDictionary[BaseDatabaseWrapper, dict[UUID, tuple[UUID, TransactionMark]]] = WeakKeyDictionary()


def record(changes: Mapping[UUID, list[Change]], *, created: Collection[UUID] = ()) -> None:
    """Write down what changed in each subscription, inside the transaction that changes it.

    The caller holds the rows of the subscriptions locked, so numbers have no gaps and no doubles. A second change in
    the same transaction is merged into its revision. At most 7 statements, and one more for each revision merged into.
    """
    if not changes:
        return
    begun = _revisions_begun()
    open_ids = [begun[id_][0] for id_ in changes if id_ in begun]
    opened = {
        revision.subscription_id: revision
        for revision in (SubscriptionRevision.objects.filter(pk__in=open_ids) if open_ids else ())
    }
    for subscription_id, revision in opened.items():
        revision.changes = merge(revision.changes, changes[subscription_id])
    new = _new_revisions({id_: changes[id_] for id_ in changes if id_ not in opened})
    _take_snapshots([*opened.values(), *new], created)
    for revision in opened.values():
        SubscriptionRevision.objects.filter(pk=revision.pk).update(changes=revision.changes, snapshot=revision.snapshot)
    if new:
        SubscriptionRevision.objects.bulk_create(new)
        mark = TransactionMark()
        for revision in new:
            begun[revision.subscription_id] = (revision.revision_id, mark)


def merge(earlier: Iterable[Change], later: Iterable[Change]) -> list[Change]:
    """Return the two lists of changes as one: for each path the first's old value and the last's new one."""
    merged: dict[tuple[JsonValue, JsonValue], Change] = {}
    for change in [*earlier, *later]:
        identity = (change.get("subscription_instance_id"), attribute_of(change))
        known = merged.get(identity)
        merged[identity] = change if known is None else {**change, "old": known["old"]}
    return [change for change in merged.values() if change["old"] != change["new"]]


def _revisions_begun() -> dict[UUID, tuple[UUID, TransactionMark]]:
    wrapper = connection._connections[connection._alias]  # type: ignore[attr-defined]
    begun = _begun.setdefault(wrapper, {})
    for subscription_id in [id_ for id_, (_revision, mark) in begun.items() if not mark.is_open()]:
        del begun[subscription_id]
    return begun


def _new_revisions(changes: Mapping[UUID, list[Change]]) -> list[SubscriptionRevision]:
    if not changes:
        return []
    last = dict(
        SubscriptionRevision.objects.filter(subscription_id__in=changes)
        .order_by()
        .values_list("subscription_id")
        .annotate(Max("number"))
    )
    current = context.current()
    now = clock.now()
    return [
        SubscriptionRevision(
            subscription_id=subscription_id,
            number=last.get(subscription_id, 0) + 1,
            created_at=now,
            created_by=current.user,
            process_id=current.process_id,
            step=current.step,
            changes=entries,
            snapshot=None,
        )
        for subscription_id, entries in changes.items()
    ]


def _take_snapshots(revisions: Iterable[SubscriptionRevision], created: Collection[UUID]) -> None:
    due = [
        revision
        for revision in revisions
        if revision.subscription_id in created or revision.number == 1 or revision.number % SNAPSHOT_EVERY == 0
    ]
    if due:
        snapshots = snapshots_of([revision.subscription_id for revision in due])
        for revision in due:
            revision.snapshot = snapshots[revision.subscription_id]


def snapshots_of(subscription_ids: Collection[UUID]) -> dict[UUID, dict[str, JsonValue]]:
    """Return each subscription whole, as stored: {"subscription": columns, "instances": blocks with relations}.

    Blocks of other subscriptions appear as ids in the relations only. 3 statements.
    """
    columns = ("product_id", "customer_id", "description", "status", "start_date", "end_date", "note")
    relations: dict[UUID, list[dict[str, Any]]] = {}
    for holder, held, attr, order in (
        SubscriptionInstanceRelation.objects.filter(in_use_by__subscription_id__in=subscription_ids)
        .order_by("pk")
        .values_list("in_use_by_id", "depends_on_id", "domain_model_attr", "order_id")
    ):
        relations.setdefault(holder, []).append({"attr": attr, "order": order, "subscription_instance_id": str(held)})
    instances: dict[UUID, list[JsonValue]] = {}
    for row in (
        SubscriptionInstance.objects.filter(subscription_id__in=subscription_ids)
        .order_by("pk")
        .values("pk", "subscription_id", "product_block__name", "label", "values", "root_attr", "root_order")
    ):
        holds = sorted(relations.get(row["pk"], []), key=relation_order)
        instances.setdefault(row["subscription_id"], []).append(
            {
                "subscription_instance_id": str(row["pk"]),
                "name": row["product_block__name"],
                "label": row["label"],
                "values": row["values"],
                "root_attr": row["root_attr"],
                "root_order": row["root_order"],
                "relations": [*holds],
            }
        )
    return {
        row["subscription_id"]: {
            "subscription": {name: to_json(row[name]) for name in columns},
            "instances": instances.get(row["subscription_id"], []),
        }
        for row in Subscription.objects.filter(pk__in=subscription_ids).values("subscription_id", *columns)
    }
