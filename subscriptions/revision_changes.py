"""Tell a difference as people read it: a list of changed paths with the old and the new value."""

from __future__ import annotations

from collections.abc import Sequence

from subscriptions.domain.changes import Child, Difference, Row, Shape
from wfo_site.common.json import JsonValue, to_json


def changes_of(now: Shape, found: Difference) -> list[dict[str, JsonValue]]:
    """Return {"path", "old", "new"} for each change; those of a block name it in `subscription_instance_id` too.

    The value of an attribute that holds blocks is {"subscription_instance_id", "name"}, or a list of these.
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
        named: list[JsonValue] = [{"subscription_instance_id": str(child.id), "name": child.name} for child in held]
        return named if is_list else (named[0] if named else None)

    return _change(row, attr, shown(old), shown(new))
