"""Save subscriptions: what changed since they were loaded, merged with what others changed meanwhile.

Lock order: subscriptions by id, then blocks by id; processes come after, in a layer above. The number of statements
does not depend on the number of blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from products.models import ProductBlock
from subscriptions import bulk, hooks
from subscriptions.domain.changes import (
    SUBSCRIPTION_COLUMNS,
    Difference,
    Edit,
    Shape,
    difference,
    shape_of,
)
from subscriptions.domain.errors import BlockInUse, SaveConflict, SubscriptionNotFound
from subscriptions.domain.subscription import SubscriptionModel
from subscriptions.models import Subscription, SubscriptionInstance, SubscriptionInstanceRelation
from subscriptions.revision_changes import changes_of
from subscriptions.revisions import record
from subscriptions.services.locks import resync, unsync
from subscriptions.transaction_mark import TransactionMark
from wfo_site.common import broadcast, context
from wfo_site.common.json import JsonValue, to_json


@dataclass(slots=True)
class _Plan:
    """One subscription to write. `before` is None for a new one."""

    model: SubscriptionModel
    before: Shape | None
    now: Shape
    difference: Difference

    @property
    def id(self) -> UUID:
        return self.model.subscription_id


@dataclass(slots=True)
class _Stored:
    """What the database holds of the rows that are about to change, read under lock."""

    values: dict[UUID, dict[str, JsonValue]] = field(default_factory=dict)
    labels: dict[UUID, str | None] = field(default_factory=dict)
    roots: dict[UUID, tuple[str | None, int]] = field(default_factory=dict)
    children: dict[UUID, dict[str | None, list[UUID]]] = field(default_factory=dict)


def save(models: Iterable[SubscriptionModel]) -> None:
    """Write what changed in `models`; nothing, without any statement, when nothing did.

    Two models of one subscription are saved after each other. Raises SaveConflict, BlockInUse or ValueError, after
    which nothing is written.
    """
    plans = [plan for model in models if (plan := _plan(model)) is not None]
    if not plans:
        return
    with transaction.atomic():
        while plans:
            # A second model of a subscription waits for the next round.
            this_round = list({plan.id: plan for plan in reversed(plans)}.values())
            plans = [plan for plan in plans if plan not in this_round]
            _write(sorted(this_round, key=lambda plan: plan.id))


def _plan(model: SubscriptionModel) -> _Plan | None:
    now = shape_of(model)
    for name in ("start_date", "end_date"):
        moment = now.columns[name]
        if isinstance(moment, datetime) and moment.tzinfo is None:
            raise ValueError(f"{name} of subscription {model.subscription_id} has no time zone")
    before = model.baseline()
    empty = Shape(dict.fromkeys(SUBSCRIPTION_COLUMNS), insync=now.insync)
    found = difference(before or empty, now)
    return _Plan(model, before, now, found) if found or before is None else None


def _write(plans: Sequence[_Plan]) -> None:
    new = [plan for plan in plans if plan.before is None]
    changed = [plan for plan in plans if plan.before is not None and plan.difference.has_content()]
    rows = _lock_subscriptions(changed)
    stored = _lock_blocks([*new, *changed])
    for plan in changed:
        _check_blocks(plan, stored)
    block_ids = _catalogue(plans)
    _insert_subscriptions(new)
    _write_blocks([*new, *changed], stored, block_ids)
    for plan in changed:
        _write_columns(plan, rows[plan.id])
    for plan in plans:
        _write_lock(plan)
    record(
        {plan.id: changes_of(plan.now, plan.difference) for plan in [*new, *changed]}, created={plan.id for plan in new}
    )
    _link(new + changed)
    mark = TransactionMark()
    for plan in plans:
        plan.model.mark_saved(_as_saved(plan), mark)
        broadcast.subscription_changed(plan.id)


def _lock_subscriptions(plans: Sequence[_Plan]) -> dict[UUID, dict[str, Any]]:
    """Lock the subscriptions: revisions are numbered and written one after the other. Raises SaveConflict."""
    if not plans:
        return {}
    locked = Subscription.objects.select_for_update(no_key=True).filter(pk__in=[plan.id for plan in plans])
    rows: dict[UUID, dict[str, Any]] = {row["subscription_id"]: {**row} for row in locked.order_by("pk").values()}
    for plan in plans:
        if plan.id not in rows:
            raise SubscriptionNotFound(plan.id)
        for name, (loaded, mine) in plan.difference.columns.items():
            if rows[plan.id][name] not in (loaded, mine):
                raise SaveConflict(name, to_json(mine), to_json(rows[plan.id][name]), subscription_id=plan.id)
    return rows


def _lock_blocks(plans: Sequence[_Plan]) -> _Stored:
    """Lock the blocks that change, in the order of their ids, and read what they hold now."""
    stored = _Stored()
    edits = [edit for plan in plans for edit in plan.difference.edited]
    dropped = [row.id for plan in plans for row in plan.difference.dropped]
    touched = [edit.row.id for edit in edits] + dropped
    if not touched:
        return stored
    blocks = SubscriptionInstance.objects.select_for_update(no_key=not dropped).filter(pk__in=touched)
    for row in blocks.order_by("pk").values("pk", "values", "label", "root_attr", "root_order"):
        stored.values[row["pk"]] = row["values"]
        stored.labels[row["pk"]] = row["label"]
        stored.roots[row["pk"]] = (row["root_attr"], row["root_order"])
    holders = [edit.row.id for edit in edits if edit.children]
    if holders or dropped:
        _read_relations(stored, holders, dropped, let_go=_let_go(edits))
    return stored


def _let_go(edits: Iterable[Edit]) -> set[bulk.Pair]:
    """Return the (holder, held) pairs that the model no longer has."""
    gone: set[bulk.Pair] = set()
    for edit in edits:
        kept = {child.id for held in edit.row.children.values() for child in held}
        gone |= {
            (edit.row.id, child.id)
            for before, _now in edit.children.values()
            for child in before
            if child.id not in kept
        }
    return gone


def _read_relations(
    stored: _Stored, holders: Sequence[UUID], dropped: Sequence[UUID], *, let_go: set[bulk.Pair]
) -> None:
    """Read what the holders hold now. Raises BlockInUse when a dropped block is still held by another."""
    relations = SubscriptionInstanceRelation.objects.filter(in_use_by_id__in=holders)
    if dropped:
        relations |= SubscriptionInstanceRelation.objects.filter(depends_on_id__in=dropped)
    gone = set(dropped)
    for holder, held, attr, owner in relations.order_by("order_id", "pk").values_list(
        "in_use_by_id", "depends_on_id", "domain_model_attr", "in_use_by__subscription_id"
    ):
        stored.children.setdefault(holder, {}).setdefault(attr, []).append(held)
        if held in gone and holder not in gone and (holder, held) not in let_go:
            raise BlockInUse(
                f"Block {held} cannot be deleted, because block {holder} of subscription {owner} holds it; "
                "take it out there first",
                subscription_instance_id=str(held),
                in_use_by_subscription_id=str(owner),
            )


def _check_blocks(plan: _Plan, stored: _Stored) -> None:
    """Raise SaveConflict when another changed what this model changes, to something else."""
    for edit in plan.difference.edited:
        row, before = edit.row, edit.before
        if row.id not in stored.values:
            raise SaveConflict(row.path, row.name, None, subscription_id=plan.id)
        theirs = stored.values[row.id]
        for key, (_loaded, mine) in edit.values.items():
            if theirs.get(key) not in (before.stored.get(key), mine):
                raise SaveConflict(f"{row.path}.{key}", mine, theirs.get(key), subscription_id=plan.id)
        if edit.label and stored.labels[row.id] not in (before.label, row.label):
            raise SaveConflict(f"{row.path}.label", row.label, stored.labels[row.id], subscription_id=plan.id)
        held = stored.children.get(row.id, {})
        for attr, (loaded, now) in edit.children.items():
            present = held.get(attr, [])
            # Relations of older data have no attribute; those among them that were loaded into this one count.
            present = present + [id_ for id_ in held.get(None, []) if any(id_ == child.id for child in loaded)]
            if set(present) not in ({child.id for child in loaded}, {child.id for child in now}):
                raise SaveConflict(
                    f"{row.path}.{attr}",
                    [str(child.id) for child in now],
                    [str(id_) for id_ in present],
                    subscription_id=plan.id,
                )


def _catalogue(plans: Sequence[_Plan]) -> dict[str, UUID]:
    """Return the ids of the blocks to insert. Raises ValueError for a block or attribute that the catalogue lacks."""
    wanted: dict[str, set[str]] = {}
    for plan in plans:
        for row in plan.difference.inserted:
            wanted.setdefault(row.name, set()).update(row.values)
        for edit in plan.difference.edited:
            added = {key for key, (_loaded, mine) in edit.values.items() if mine is not None}
            if unknown := added - edit.before.stored.keys():
                wanted.setdefault(edit.row.name, set()).update(unknown)
    if not wanted:
        return {}
    ids: dict[str, UUID] = {}
    known: dict[str, set[str]] = {}
    for name, block_id, resource_type in ProductBlock.objects.filter(name__in=wanted).values_list(
        "name", "product_block_id", "resource_types__resource_type"
    ):
        ids[name] = block_id
        known.setdefault(name, set()).add(resource_type)
    for name, keys in wanted.items():
        if name not in ids:
            raise ValueError(f"The catalogue has no product block {name!r}; run `manage.py sync_catalogue` to add it")
        if missing := sorted(keys - known[name]):
            raise ValueError(
                f"The catalogue has no resource types {missing} for product block {name!r}; "
                "run `manage.py sync_catalogue` to add them"
            )
    return ids


def _insert_subscriptions(plans: Sequence[_Plan]) -> None:
    if plans:
        root = context.current().root_id or context.current().process_id
        Subscription.objects.bulk_create(
            [
                Subscription(
                    subscription_id=plan.id,
                    insync=plan.now.insync,
                    locked_by=None if plan.now.insync else root,
                    **plan.now.columns,
                )
                for plan in plans
            ]
        )


def _write_blocks(plans: Sequence[_Plan], stored: _Stored, block_ids: dict[str, UUID]) -> None:
    edits = [edit for plan in plans for edit in plan.difference.edited]
    dropped = [row.id for plan in plans for row in plan.difference.dropped]
    bulk.insert_instances(
        [
            {
                "subscription_instance_id": row.id,
                "subscription_id": plan.id,
                "product_block_id": block_ids[row.name],
                "label": row.label,
                "values": row.values,
                "root_attr": row.root[0] if row.root else None,
                "root_order": row.root[1] if row.root else 0,
            }
            for plan in plans
            for row in plan.difference.inserted
        ]
    )
    bulk.delete_relations(pairs=_let_go(edits), users=dropped)
    bulk.put_relations(
        [
            {"in_use_by_id": holder, "depends_on_id": child.id, "domain_model_attr": attr, "order_id": order}
            for holder, attr, held in [
                *(
                    (row.id, a, h)
                    for plan in plans
                    for row in plan.difference.inserted
                    for a, h in row.children.items()
                ),
                *((edit.row.id, a, h) for edit in edits for a, (_before, h) in edit.children.items()),
            ]
            for order, child in enumerate(held)
        ]
    )
    bulk.update_instances([_merged(edit, stored) for edit in edits if edit.touches_row()])
    bulk.delete_instances(dropped)


def _merged(edit: Edit, stored: _Stored) -> dict[str, object]:
    """Return the columns of a block with our changes over what is stored now, so that both writers' changes survive."""
    row = edit.row
    values = dict(stored.values[row.id])
    for key, (_loaded, mine) in edit.values.items():
        if mine is None:
            values.pop(key, None)
        else:
            values[key] = mine
    root = (row.root or (None, 0)) if edit.root else stored.roots[row.id]
    return {
        "subscription_instance_id": row.id,
        "label": row.label if edit.label else stored.labels[row.id],
        "values": values,
        "root_attr": root[0],
        "root_order": root[1],
    }


def _write_columns(plan: _Plan, stored: dict[str, Any]) -> None:
    columns = {name: mine for name, (_loaded, mine) in plan.difference.columns.items() if stored[name] != mine}
    if columns:
        Subscription.objects.filter(pk=plan.id).update(**columns)


def _write_lock(plan: _Plan) -> None:
    if plan.difference.insync is True:
        resync(plan.id)
    elif plan.difference.insync is False:
        unsync(plan.id)


def _link(plans: Sequence[_Plan]) -> None:
    """Link what was saved to the process that is at work, or to the one that a new subscription was made for."""
    current = context.current().process_id
    by_process: dict[UUID, set[UUID]] = {}
    for plan in plans:
        for process_id in {current, plan.model.process_id}:
            if process_id is not None:
                by_process.setdefault(process_id, set()).add(plan.id)
    for process_id, subscription_ids in by_process.items():
        hooks.link_process(process_id, subscription_ids)


def _as_saved(plan: _Plan) -> Shape:
    """Return the shape that the next save is compared with: what is stored is what was loaded, with our changes."""
    now = plan.now
    for row in plan.difference.inserted:
        row.stored, row.stored_label = dict(row.values), row.label
    edited = {edit.row.id: edit for edit in plan.difference.edited}
    for id_, row in now.rows.items():
        before = plan.before.rows.get(id_) if plan.before else None
        if edit := edited.get(id_):
            changed: dict[str, JsonValue] = {
                key: mine for key, (_loaded, mine) in edit.values.items() if mine is not None
            }
            row.stored = {k: v for k, v in edit.before.stored.items() if k not in edit.values} | changed
        elif before is not None:
            row.stored = before.stored
    return now
