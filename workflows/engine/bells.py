"""Ring for processes from within the engine."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID


def ring(process_ids: Collection[UUID]) -> None:
    from workflows.services.bell import ring_after_commit

    if process_ids:
        ring_after_commit(list(process_ids))
