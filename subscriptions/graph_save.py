"""Save subscriptions: what changed since they were loaded, merged with what others changed meanwhile.

The number of statements does not depend on the number of blocks. Locks: see `graph_merge`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from products.models import ProductBlock
from subscriptions import bulk, hooks
from subscriptions.domain.changes import SUBSCRIPTION_COLUMNS, Edit, Shape, difference, shape_of
from subscriptions.domain.subscription import SubscriptionModel
from subscriptions.graph_merge import Plan, Stored, check_blocks, let_go_by, lock_blocks, lock_subscriptions
from subscriptions.models import (
    CUSTOMER_ID_LENGTH,
    DESCRIPTION_LENGTH,
    LABEL_LENGTH,
    NOTE_LENGTH,
    Subscription,
)
from subscriptions.revision_changes import changes_of
from subscriptions.revisions import record
from subscriptions.services.locks import resync, unsync
from subscriptions.transaction_mark import TransactionMark
from wfo_site.common import broadcast, context
from wfo_site.common.json import JsonValue

_LENGTHS = {"customer_id": CUSTOMER_ID_LENGTH, "description": DESCRIPTION_LENGTH, "note": NOTE_LENGTH}


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


def _plan(model: SubscriptionModel) -> Plan | None:
    now = shape_of(model)
    _check_columns(now, model.subscription_id)
    before = model.baseline()
    empty = Shape(dict.fromkeys(SUBSCRIPTION_COLUMNS), insync=now.insync)
    found = difference(before or empty, now)
    return Plan(model, before, now, found) if found or before is None else None


def _check_columns(shape: Shape, subscription_id: UUID) -> None:
    """Raise ValueError for a moment without a time zone, and for a text that its column cannot hold.

    SQLite would take a text of any length, PostgreSQL refuse it without a name.
    """
    for name in ("start_date", "end_date"):
        moment = shape.columns[name]
        if isinstance(moment, datetime) and moment.tzinfo is None:
            raise ValueError(f"{name} of subscription {subscription_id} has no time zone")
    texts = [(name, shape.columns[name], limit) for name, limit in _LENGTHS.items()]
    texts += [(f"{row.path}.label", row.label, LABEL_LENGTH) for row in shape.rows.values()]
    for path, text, limit in texts:
        if text is not None and len(text) > limit:
            raise ValueError(
                f"{path} of subscription {subscription_id} has {len(text)} characters, but at most {limit} fit"
            )


def _write(plans: Sequence[Plan]) -> None:
    new = [plan for plan in plans if plan.before is None]
    changed = [plan for plan in plans if plan.before is not None and plan.difference.has_content()]
    rows = lock_subscriptions(changed)
    stored = lock_blocks([*new, *changed])
    for plan in changed:
        check_blocks(plan, stored)
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


def _catalogue(plans: Sequence[Plan]) -> dict[str, UUID]:
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


def _insert_subscriptions(plans: Sequence[Plan]) -> None:
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


def _write_blocks(plans: Sequence[Plan], stored: Stored, block_ids: dict[str, UUID]) -> None:
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
    bulk.delete_relations(pairs=let_go_by(edits), users=dropped)
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


def _merged(edit: Edit, stored: Stored) -> dict[str, object]:
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


def _write_columns(plan: Plan, stored: dict[str, Any]) -> None:
    columns = {name: mine for name, (_loaded, mine) in plan.difference.columns.items() if stored[name] != mine}
    if columns:
        Subscription.objects.filter(pk=plan.id).update(**columns)


def _write_lock(plan: Plan) -> None:
    if plan.difference.insync is True:
        resync(plan.id)
    elif plan.difference.insync is False:
        unsync(plan.id)


def _link(plans: Sequence[Plan]) -> None:
    """Link what was saved to the process that is at work, or to the one that a new subscription was made for."""
    current = context.current().process_id
    by_process: dict[UUID, set[UUID]] = {}
    for plan in plans:
        for process_id in {current, plan.model.process_id}:
            if process_id is not None:
                by_process.setdefault(process_id, set()).add(plan.id)
    for process_id, subscription_ids in by_process.items():
        hooks.link_process(process_id, subscription_ids)


def _as_saved(plan: Plan) -> Shape:
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
