"""The network resource manager (NRM): a dummy that hands out a number for whatever is provisioned."""

from __future__ import annotations

from uuid import uuid5

from workflows import step_context

_NUMBERS = 2**16


def provision(name: str) -> int:
    """Return the number of `name`, 0 to 65535: as good as random, and the same for each try of the running step."""
    return uuid5(step_context().idempotency_key, f"nrm {name}").int % _NUMBERS
