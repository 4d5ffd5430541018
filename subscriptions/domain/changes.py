"""What a model would write: its present shape as flat rows, and the difference from how it was loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from subscriptions.domain.base import fields_of
from subscriptions.domain.fields import BlockField
from subscriptions.domain.graph import Instance
from subscriptions.domain.lifecycle import lookup_specialized_type
from wfo_site.common.json import JsonValue

if TYPE_CHECKING:
    from subscriptions.domain.base import DomainModel
    from subscriptions.domain.blocks import ProductBlockModel
    from subscriptions.domain.subscription import SubscriptionModel

# The columns of the row that a model writes; `insync` goes by the lock's own rules, `version` by trigger.
SUBSCRIPTION_COLUMNS = ("product_id", "customer_id", "description", "status", "start_date", "end_date", "note")


@dataclass(frozen=True, slots=True)
class Child:
    """A block held in an attribute, at a place in its list."""

    id: UUID
    name: str
    # Owned by another subscription.
    foreign: bool = False


@dataclass(slots=True)
class Row:
    """A block of the model as it would be stored.

    `values` are the JSON of the model's attributes that are set, `keys` the names of all of them. `stored` is the JSON
    object as it was in the database when loaded, which may hold more or be spelled otherwise. `children` maps each
    attribute that holds blocks to them, in order; those in `lists` are lists.
    """

    id: UUID
    name: str
    path: str
    label: str | None
    values: dict[str, JsonValue]
    keys: frozenset[str]
    children: dict[str, list[Child]]
    lists: frozenset[str]
    root: tuple[str, int] | None
    stored: dict[str, JsonValue] = field(default_factory=dict)
    stored_label: str | None = None
    # Set when the block came from the database, with the present subscription or by itself.
    loaded: Instance | None = None
    block: ProductBlockModel | None = None

    def check(self, keys: Iterable[str]) -> None:
        """Validate what pydantic did not see change. Raises ValidationError."""
        if self.block is not None:
            self.block.check_values(keys)


@dataclass(slots=True)
class Shape:
    """A subscription and the blocks that it owns, flat.

    `roots` maps the subscription's attributes to their blocks; those in `lists` are lists.
    """

    columns: dict[str, Any]
    insync: bool
    rows: dict[UUID, Row] = field(default_factory=dict)
    roots: dict[str, list[Child]] = field(default_factory=dict)
    lists: frozenset[str] = frozenset()


def shape_of(model: SubscriptionModel) -> Shape:
    """Flatten a model: blocks of other subscriptions appear as children, not as rows.

    Raises ValueError for a block of another subscription directly below this one, for a block linked twice from one
    place, for a list that is too short or too long, and for a block whose class does not suit the status.
    """
    shape = Shape(
        columns={
            "product_id": model.product.product_id,
            "customer_id": model.customer_id,
            "description": model.description,
            "status": model.status.value,
            "start_date": model.start_date,
            "end_date": model.end_date,
            # An empty note is no note.
            "note": ((model.note or "").strip() and model.note) or None,
        },
        insync=model.insync,
        lists=_list_keys(type(model)),
    )
    for name, held in _held(model, model.subscription_id).items():
        shape.roots[name] = [Child(block.subscription_instance_id, block.name) for _, block in held]
        for order, (path, block) in enumerate(held):
            if block.owner_subscription_id != model.subscription_id:
                raise ValueError(
                    "Attempting to save a Foreign `Subscription Instance` directly below a subscription. "
                    f"This is not allowed. ({path} is owned by {block.owner_subscription_id})"
                )
            _add(shape, model, block, path, root=(name, order))
    return shape


def _add(
    shape: Shape, model: SubscriptionModel, block: ProductBlockModel, path: str, root: tuple[str, int] | None
) -> None:
    if block.subscription_instance_id in shape.rows:
        return
    wanted = lookup_specialized_type(type(block), model.status)
    if not isinstance(block, wanted):
        raise ValueError(
            f"Lifecycle status {model.status.value} requires specialized type {wanted!r}, was: {type(block)!r} ({path})"
        )
    held = _held(block, model.subscription_id, path)
    row = Row(
        id=block.subscription_instance_id,
        name=block.name,
        path=path,
        label=block.label,
        values=block.stored_values(),
        keys=frozenset(entry.key for entry in fields_of(type(block)).values.values()),
        children={
            key: [
                Child(item.subscription_instance_id, item.name, item.owner_subscription_id != model.subscription_id)
                for _, item in items
            ]
            for key, items in held.items()
        },
        lists=_list_keys(type(block)),
        root=root,
        block=block,
    )
    if block.stored is not None and block.stored.subscription_id == model.subscription_id:
        row.loaded, row.stored, row.stored_label = block.stored, block.stored.values, block.stored.label
    shape.rows[row.id] = row
    for items in held.values():
        for item_path, item in items:
            if item.owner_subscription_id == model.subscription_id:
                _add(shape, model, item, item_path, root=None)


def _list_keys(cls: type[DomainModel]) -> frozenset[str]:
    return frozenset(entry.key for entry in fields_of(cls).blocks.values() if entry.is_list)


def _held(
    model: DomainModel, subscription_id: UUID, prefix: str = ""
) -> dict[str, list[tuple[str, ProductBlockModel]]]:
    """Return the blocks in each attribute of one model, with their paths, after checking them."""
    held: dict[str, list[tuple[str, ProductBlockModel]]] = {}
    seen: set[UUID] = set()
    for name, entry in fields_of(type(model)).blocks.items():
        path = f"{prefix}.{name}" if prefix else name
        blocks = entry.items(getattr(model, name))
        _check_list(entry, blocks, path, subscription_id)
        for block in blocks:
            if block.subscription_instance_id in seen:
                raise ValueError(
                    "Cannot link the same subscription instance multiple times: "
                    f"{block.name} {block.subscription_instance_id} at {path}"
                )
            seen.add(block.subscription_instance_id)
        held[entry.key] = [(f"{path}.{order}" if entry.is_list else path, block) for order, block in enumerate(blocks)]
    return held


def _check_list(entry: BlockField, blocks: list[ProductBlockModel], path: str, subscription_id: UUID) -> None:
    """Check what pydantic cannot see: a list that was changed in place."""
    if not entry.is_list or (entry.optional and not blocks):
        return
    if len(blocks) < entry.min_length or (entry.max_length is not None and len(blocks) > entry.max_length):
        bounds = f"{entry.min_length} to {entry.max_length if entry.max_length is not None else 'any number of'}"
        raise ValueError(f"{path} of subscription {subscription_id} holds {len(blocks)} blocks, but takes {bounds}")
    for block in blocks:
        if not entry.accepts(block):
            names = ", ".join(cls.__name__ for cls in entry.blocks)
            raise ValueError(f"{path} of subscription {subscription_id} holds a {type(block).__name__}, not a {names}")


@dataclass(slots=True)
class Edit:
    """The change of one block that stays: key to (as loaded, now), and attribute to (children as loaded, now)."""

    row: Row
    before: Row
    values: dict[str, tuple[JsonValue, JsonValue]]
    children: dict[str, tuple[list[Child], list[Child]]]
    root: bool

    @property
    def label(self) -> bool:
        return self.row.label != self.before.label

    def touches_row(self) -> bool:
        return bool(self.values) or self.label or self.root

    def __bool__(self) -> bool:
        return self.touches_row() or bool(self.children)


@dataclass(slots=True)
class Difference:
    """What changed between two shapes of one subscription. `columns`: name to (as loaded, now)."""

    columns: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    insync: bool | None = None
    inserted: list[Row] = field(default_factory=list)
    edited: list[Edit] = field(default_factory=list)
    dropped: list[Row] = field(default_factory=list)
    roots: dict[str, tuple[list[Child], list[Child]]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.insync is not None or self.has_content()

    def has_content(self) -> bool:
        """Say whether anything changed but the lock."""
        return bool(self.columns or self.inserted or self.edited or self.dropped)


def difference(before: Shape, now: Shape) -> Difference:
    """Compare a model as loaded with the model now. Raises ValidationError for a list changed to what does not fit."""
    result = Difference(
        columns={
            name: (before.columns[name], now.columns[name])
            for name in SUBSCRIPTION_COLUMNS
            if before.columns[name] != now.columns[name]
        },
        insync=now.insync if now.insync != before.insync else None,
        dropped=_dropped(before, now),
        roots={
            name: (before.roots.get(name, []), held)
            for name, held in now.roots.items()
            if before.roots.get(name, []) != held
        },
    )
    for id_, row in now.rows.items():
        known = before.rows.get(id_) or (_as_loaded(row.loaded, row) if row.loaded else None)
        if known is None:
            row.check(row.keys)
            result.inserted.append(row)
        elif edit := _edit(known, row):
            row.check(edit.values)
            result.edited.append(edit)
    return result


def _as_loaded(instance: Instance, now: Row) -> Row:
    """Return the row of a block that was loaded by itself and then put into the model."""
    children: dict[str, list[Child]] = {attr: [] for attr in now.children}
    for relation in sorted(instance.relations, key=lambda relation: relation.order):
        if relation.attr in children:
            child = relation.child
            foreign = child.subscription_id != instance.subscription_id
            children[relation.attr].append(Child(child.subscription_instance_id, child.product_block.name, foreign))
    return Row(
        id=now.id,
        name=now.name,
        path=now.path,
        label=instance.label,
        values={key: value for key, value in instance.values.items() if key in now.keys},
        keys=now.keys,
        children=children,
        lists=now.lists,
        root=(instance.root_attr, instance.root_order) if instance.root_attr is not None else None,
        stored=instance.values,
        stored_label=instance.label,
    )


def same_json(one: JsonValue, other: JsonValue) -> bool:
    """Compare as JSON does: unlike Python, true is not 1."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def _dropped(before: Shape, now: Shape) -> list[Row]:
    """Return the rows that the model let go: not those below an attribute that only its former class knew."""
    out_of_sight = [child for attr, held in before.roots.items() if attr not in now.roots for child in held]
    for id_, row in now.rows.items():
        if former := before.rows.get(id_):
            out_of_sight += [
                child for attr, held in former.children.items() if attr not in row.children for child in held
            ]
    kept: set[UUID] = set()
    while out_of_sight:
        child = out_of_sight.pop()
        if child.id in before.rows and child.id not in kept:
            kept.add(child.id)
            out_of_sight += [below for held in before.rows[child.id].children.values() for below in held]
    return [row for id_, row in before.rows.items() if id_ not in now.rows and id_ not in kept]


def _edit(before: Row, now: Row) -> Edit | None:
    edit = Edit(
        row=now,
        before=before,
        values={
            key: (before.values.get(key), now.values.get(key))
            for key in sorted(now.keys)  # a key that only the former class knew stays as it is stored
            if not same_json(before.values.get(key), now.values.get(key))
        },
        children={
            attr: (before.children.get(attr, []), held)
            for attr, held in now.children.items()
            if before.children.get(attr, []) != held
        },
        root=now.root != before.root,
    )
    return edit if edit else None
