"""Bounds on what anybody may post to a form, checked before any code of a product package sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Far above what a person or a sensible client sends, far below what costs time: a form of 10,000 items is refused.
MAX_DEPTH = 32
MAX_VALUES = 10_000


class InputTooLarge(ValueError):
    """What was posted is nested too deeply or holds too many values; `kind` says which."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def check_size(value: object) -> None:
    """Raise InputTooLarge when `value` (JSON) is deeper than MAX_DEPTH or holds more than MAX_VALUES values.

    It walks with a stack of its own: Python's would end at a depth that a client may well send.
    """
    stack: list[tuple[object, int]] = [(value, 0)]
    seen = 0
    while stack:
        item, depth = stack.pop()
        seen += 1
        if seen > MAX_VALUES:
            raise InputTooLarge(
                "too_many_values", f"The form holds more than {MAX_VALUES} values; send fewer items at a time"
            )
        children = list(_children(item))
        if children and depth >= MAX_DEPTH:
            raise InputTooLarge("too_deep", f"The form is nested deeper than {MAX_DEPTH} levels; make it flatter")
        if len(children) > MAX_VALUES:
            seen = MAX_VALUES
        stack.extend((child, depth + 1) for child in children)


def _children(value: Any) -> Iterator[object]:
    match value:
        case dict():
            yield from value.values()
        case list() | tuple():
            yield from value
