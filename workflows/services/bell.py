"""Ring for processes once the transaction that made them due is committed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from workflows.executors import get_executor

logger = logging.getLogger(__name__)


def ring_after_commit(process_ids: Sequence[UUID]) -> None:
    """Ring the executor after commit. A bell that cannot be rung is logged; the sweeper finds the process."""

    def ring() -> None:
        try:
            get_executor().ring(process_ids)
        except Exception:
            # Inline, the engine itself runs in here, and its errors must not be taken for those of the caller.
            logger.exception("the bell for %s could not be rung", list(process_ids))

    transaction.on_commit(ring, robust=True)
