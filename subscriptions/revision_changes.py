"""Tell a difference as people read it: changed paths with the old and the new value; and replay it on a snapshot."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from subscriptions.domain.changes import Child, Difference, Row, Shape
from wfo_site.common.json import JsonValue, to_json

Change = dict[str, JsonValue]


def changes_of(now: Shape, found: Difference) -> list[dict[str, JsonValue]]:
    """Return {"path", "old", "new"} for each change; those of a block name it in `subscription_instance_id` too.

    A change of an attribute that holds blocks is marked by `"blocks": true`; its values are objects of
    {"subscription_instance_id", "name"} (and `"foreign": true` for a block of another subscription), or lists of these.
    """
    changes = [_change(None, name, loaded, mine) for name, (loaded, mine) in found.columns.items()]
    changes += [
        _children(None, name, loaded, held, is_list=name in now.lists) for name, (loaded, held) in found.roots.items()
    ]
    for row in found.inserted:
        changes += _whole_row(row, appears=True)
    for edit in found.edited:
        row = edit.row
        changes += [_change(row, key, loaded, mine) for key, (loaded, mine) in edit.values.items()]
        if edit.label:
            changes.append(_change(row, "label", edit.before.label, row.label))
        changes += [
            _children(row, attr, loaded, now, is_list=attr in row.lists)
            for attr, (loaded, now) in edit.children.items()
        ]
    for row in found.dropped:
        changes += _whole_row(row, appears=False)
    return changes


def _whole_row(row: Row, *, appears: bool) -> list[dict[str, JsonValue]]:
    entries: list[tuple[str, object]] = [*row.values.items()]
    if row.label is not None:
        entries.append(("label", row.label))
    changes = [_change(row, key, None, value) if appears else _change(row, key, value, None) for key, value in entries]
    for attr, held in row.children.items():
        if held:
            before, now = ([], held) if appears else (held, [])
            changes.append(_children(row, attr, before, now, is_list=attr in row.lists))
    return changes


def _change(row: Row | None, key: str, old: object, new: object) -> dict[str, JsonValue]:
    change: dict[str, JsonValue] = {
        "path": f"{row.path}.{key}" if row else key,
        "old": to_json(old),
        "new": to_json(new),
    }
    if row:
        change["subscription_instance_id"] = str(row.id)
    return change


def _children(
    row: Row | None, attr: str, old: Sequence[Child], new: Sequence[Child], *, is_list: bool
) -> dict[str, JsonValue]:
    def shown(held: Sequence[Child]) -> JsonValue:
        named: list[JsonValue] = [
            {"subscription_instance_id": str(child.id), "name": child.name}
            | ({"foreign": True} if child.foreign else {})
            for child in held
        ]
        return named if is_list else (named[0] if named else None)

    return {**_change(row, attr, shown(old), shown(new)), "blocks": True}


def apply(snapshot: Mapping[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """Return the snapshot as it is after these changes. The one given stays as it is."""
    subscription = dict(snapshot["subscription"])
    blocks = {row["subscription_instance_id"]: copy.deepcopy(row) for row in snapshot["instances"]}
    changes = list(changes)
    for change in changes:
        if change.get("blocks"):
            for child in _as_list(change["new"]):
                if not child.get("foreign"):
                    blocks.setdefault(child["subscription_instance_id"], _new_block(child))
    for change in changes:
        block = blocks.get(str(change.get("subscription_instance_id", "")))
        if "subscription_instance_id" in change and block is None:
            # A value of a block that is gone by the end.
            continue
        attr = attribute_of(change)
        if change.get("blocks"):
            _hold(blocks, block, attr, change)
        elif block is None:
            subscription[attr] = change["new"]
        elif attr == "label":
            block["label"] = change["new"]
        elif change["new"] is None:
            block["values"].pop(attr, None)
        else:
            block["values"][attr] = change["new"]
    _forget_unheld(blocks, changes)
    return {"subscription": subscription, "instances": [blocks[id_] for id_ in sorted(blocks)]}


def attribute_of(change: Change) -> str:
    """Return the attribute that changed: for a block the end of the path, whose beginning moves with lists."""
    path = str(change["path"])
    return path.rpartition(".")[2] if "subscription_instance_id" in change else path


def _hold(blocks: dict[str, Any], block: dict[str, Any] | None, attr: str, change: Change) -> None:
    ids = [child["subscription_instance_id"] for child in _as_list(change["new"])]
    if block is not None:
        others = [relation for relation in block["relations"] if relation["attr"] != attr]
        held = [{"attr": attr, "order": n, "subscription_instance_id": id_} for n, id_ in enumerate(ids)]
        block["relations"] = sorted(others + held, key=relation_order)
        return
    for child in _as_list(change["old"]):
        if root := blocks.get(child["subscription_instance_id"]):
            root["root_attr"], root["root_order"] = None, 0
    for order, id_ in enumerate(ids):
        blocks[id_]["root_attr"], blocks[id_]["root_order"] = attr, order


def relation_order(relation: Mapping[str, Any]) -> tuple[str, int]:
    """Sort the relations of a block in a snapshot by attribute and place."""
    return relation["attr"] or "", relation["order"]


def _forget_unheld(blocks: dict[str, Any], changes: Iterable[Change]) -> None:
    """Remove the blocks that the changes let go and nothing holds any more, with what only they held."""
    let_go = [
        child["subscription_instance_id"]
        for change in changes
        if change.get("blocks")
        for child in _as_list(change["old"])
    ]
    while let_go:
        id_ = let_go.pop()
        block = blocks.get(id_)
        if block is None or block["root_attr"] is not None:
            continue
        if any(
            relation["subscription_instance_id"] == id_ for other in blocks.values() for relation in other["relations"]
        ):
            continue
        del blocks[id_]
        let_go += [relation["subscription_instance_id"] for relation in block["relations"]]


def _as_list(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _new_block(child: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "subscription_instance_id": child["subscription_instance_id"],
        "name": child["name"],
        "label": None,
        "values": {},
        "root_attr": None,
        "root_order": 0,
        "relations": [],
    }
