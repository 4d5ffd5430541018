"""How services say that something is not possible, where a page gives the same reason as a sentence of its own."""

from __future__ import annotations

from wfo_site.common.errors import Conflict


def not_possible(what: str, reason: str) -> Conflict:
    """Return the error "<what>: <reason>"."""
    return Conflict(f"{what}: {reason[0].lower()}{reason[1:]}")
