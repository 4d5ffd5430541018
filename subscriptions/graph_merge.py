"""What is stored now of the rows that a save changes, read under lock, and whether it allows the change.

Lock order: subscriptions by id, then blocks by id; processes come after, in a layer above.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from subscriptions import bulk
from subscriptions.domain.changes import Difference, Edit, Shape, same_json
from subscriptions.domain.errors import BlockInUse, SaveConflict, SubscriptionNotFound
from subscriptions.domain.subscription import SubscriptionModel
from subscriptions.models import Subscription, SubscriptionInstance, SubscriptionInstanceRelation
from wfo_site.common.json import JsonValue, to_json


@dataclass(slots=True)
class Plan:
    """One subscription to write. `before` is None for a new one."""

    model: SubscriptionModel
    before: Shape | None
    now: Shape
    difference: Difference

    @property
    def id(self) -> UUID:
        return self.model.subscription_id


@dataclass(slots=True)
class Stored:
    """What the database holds of the rows that are about to change, read under lock."""

    values: dict[UUID, dict[str, JsonValue]] = field(default_factory=dict)
    labels: dict[UUID, str | None] = field(default_factory=dict)
    roots: dict[UUID, tuple[str | None, int]] = field(default_factory=dict)
    children: dict[UUID, dict[str | None, list[UUID]]] = field(default_factory=dict)


def lock_subscriptions(plans: Sequence[Plan]) -> dict[UUID, dict[str, Any]]:
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


def lock_blocks(plans: Sequence[Plan]) -> Stored:
    """Lock the blocks that change, in the order of their ids, and read what they hold now."""
    stored = Stored()
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
        _read_relations(stored, holders, dropped, let_go=let_go_by(edits))
    return stored


def let_go_by(edits: Iterable[Edit]) -> set[bulk.Pair]:
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
    stored: Stored, holders: Sequence[UUID], dropped: Sequence[UUID], *, let_go: set[bulk.Pair]
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


def check_blocks(plan: Plan, stored: Stored) -> None:
    """Raise SaveConflict when another changed what this model changes, to something else."""
    for edit in plan.difference.edited:
        row, before = edit.row, edit.before
        if row.id not in stored.values:
            raise SaveConflict(row.path, row.name, None, subscription_id=plan.id)
        theirs = stored.values[row.id]
        for key, (_loaded, mine) in edit.values.items():
            if not any(same_json(theirs.get(key), known) for known in (before.stored.get(key), mine)):
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
