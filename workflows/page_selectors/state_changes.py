"""Changes of a state as a page shows them: path by path, internal keys left out, long values cut."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from workflows.engine.state import Delta
from workflows.engine.steps import State
from workflows.page_selectors.json_limits import readable

# Keys that are the engine's or the form's own business and only in the way of a reader.
_INTERNAL: Final = ("__", "label_", "divider_")

MAX_CHANGES: Final = 500

How = Literal["new", "changed", "removed"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One path of the state that a step set or took away; values are JSON, cut to what a page shows."""

    key: str
    how: How
    value: Any = None
    before: Any = None

    @property
    def is_short(self) -> bool:
        """True when old and new value fit on one line."""
        values = (self.value, self.before)
        return self.how == "changed" and not any(isinstance(value, dict | list) for value in values)


@dataclass(frozen=True, kw_only=True)
class ShownChanges:
    """`cut_count`: changes beyond what a page shows; `hidden_count`: of internal keys."""

    shown: list[Change] = field(default_factory=list)
    cut_count: int = 0
    hidden_count: int = 0


def shown_changes(before: State, delta: Delta, *, with_internal: bool = False) -> ShownChanges:
    """Return what a delta changes of `before`, both masked already, cut to what a page shows."""
    changes = _changes(before, delta)
    shown = [change for change in changes if with_internal or not change.key.startswith(_INTERNAL)]
    return ShownChanges(
        shown=[replace(one, value=readable(one.value), before=readable(one.before)) for one in shown[:MAX_CHANGES]],
        cut_count=max(len(shown) - MAX_CHANGES, 0),
        hidden_count=len(changes) - len(shown),
    )


def _changes(before: State, delta: Delta) -> list[Change]:
    changes: list[Change] = []
    for key, value in sorted(delta.set.items()):
        changes += _differences(key, before[key], value) if key in before else [Change(key=key, how="new", value=value)]
    changes += [Change(key=key, how="removed", before=before.get(key)) for key in sorted(delta.removed)]
    return changes


def _differences(path: str, old: Any, new: Any) -> list[Change]:
    """Return what differs, dicts recursively: of a subscription with a hundred values only the one that was set."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [Change(key=path, how="changed", value=new, before=old)] if old != new else []
    changes: list[Change] = []
    # Sorted: databases keep no order of keys.
    for key, value in sorted(new.items()):
        name = f"{path}.{key}"
        changes += _differences(name, old[key], value) if key in old else [Change(key=name, how="new", value=value)]
    gone = sorted(key for key in old if key not in new)
    return changes + [Change(key=f"{path}.{key}", how="removed", before=old[key]) for key in gone]
