"""Cut JSON to what a page can draw and a person can read; the raw JSON of a process has everything."""

from __future__ import annotations

from typing import Any, Final

MAX_VALUES: Final = 2_000
MAX_DEPTH: Final = 20
MAX_TEXT: Final = 4_000
CUT_MARK: Final = "…"


def readable(value: Any) -> Any:
    """Return `value`, plain JSON, with long texts, deep branches and endless lists cut and marked with an ellipsis."""
    return _cut(value, depth=0, budget=[MAX_VALUES])


def _cut(value: Any, *, depth: int, budget: list[int]) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"{value[:MAX_TEXT]}{CUT_MARK} ({len(value):,} characters)"
    if not isinstance(value, dict | list) or not value:
        return value
    if depth >= MAX_DEPTH:
        return f"{CUT_MARK} deeper than a page shows"
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    kept = []
    for key, item in pairs:
        if budget[0] <= 0:
            break
        budget[0] -= 1
        kept.append((key, _cut(item, depth=depth + 1, budget=budget)))
    left = len(pairs) - len(kept)
    if isinstance(value, dict):
        return dict(kept) | ({CUT_MARK: f"{left:,} more"} if left else {})
    return [item for _, item in kept] + ([f"{CUT_MARK} {left:,} more"] if left else [])
