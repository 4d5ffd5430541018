"""The state of a process as a fold of deltas: pure functions over JSON values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from workflows.engine.steps import State


@dataclass(frozen=True)
class Delta:
    """Top-level keys with their new values, and keys taken away."""

    set: State = field(default_factory=dict)
    removed: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.set or self.removed)

    def apply(self, state: State) -> State:
        """Return `state` after this change; `state` itself stays as it is."""
        after = {key: value for key, value in state.items() if key not in self.removed}
        after.update(self.set)
        return after

    def then(self, later: Delta) -> Delta:
        """Return the one change that has the effect of this one followed by `later`."""
        kept = {key: value for key, value in self.set.items() if key not in later.removed}
        return Delta({**kept, **later.set}, (self.removed | later.removed) - later.set.keys())


def difference(old: State, new: State) -> Delta:
    """Return the change that turns `old` into `new`: changed top-level keys in full."""
    changed = {key: value for key, value in new.items() if key not in old or _is_other(old[key], value)}
    return Delta(changed, frozenset(old.keys() - new.keys()))


def _is_other(old: object, new: object) -> bool:
    # Most values of a large state are the very objects that were there before.
    return old is not new and (old != new or _types_differ(old, new))


def _types_differ(old: object, new: object) -> bool:
    """Say whether equal values are not the same JSON: 1, 1.0 and true compare equal in Python."""
    if isinstance(old, bool | int | float) or isinstance(new, bool | int | float):
        return type(old) is not type(new)
    if isinstance(old, list) and isinstance(new, list):
        return any(_types_differ(a, b) for a, b in zip(old, new, strict=True))
    if isinstance(old, dict) and isinstance(new, dict):
        return any(_types_differ(old[key], new[key]) for key in old)
    return False


def fold(deltas: Iterable[Delta], start: State | None = None) -> State:
    state: State = dict(start or {})
    for delta in deltas:
        for key in delta.removed:
            state.pop(key, None)
        state.update(delta.set)
    return state


def merge_input(state: State, given: State) -> State:
    """Return `state` with `given` merged in: dicts deeply, lists and single values replaced."""
    merged = dict(state)
    for key, value in given.items():
        old = merged.get(key)
        merged[key] = merge_input(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def shown_delta(before: State, after: State) -> State:
    """Return what the API shows as the change: new and changed keys, dicts recursively, all else in full."""
    shown: State = {}
    for key, value in after.items():
        if key not in before:
            shown[key] = value
        elif before[key] != value:
            old = before[key]
            shown[key] = shown_delta(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return shown
