"""Notice a step that leaves a transaction open.

What the engine wrote next would become part of that transaction, look stored, and be gone with the connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg.pq import TransactionStatus

from wfo_site.common.errors import DomainError


class TransactionLeftOpen(DomainError):
    """A step began a transaction and did not end it."""

    code = "transaction_left_open"


@contextmanager
def no_transaction_left(step: str) -> Iterator[None]:
    """Run a block; what it leaves open is rolled back. Raises TransactionLeftOpen then, unless the block raised."""
    depth, savepoints = len(connection.atomic_blocks), len(connection.savepoint_ids)
    try:
        yield
    except BaseException:
        _end_what_is_open(depth, savepoints)
        raise
    if _end_what_is_open(depth, savepoints):
        raise TransactionLeftOpen(
            f"Step {step!r} began a transaction and left it open. What it wrote in there was rolled back. Use "
            "`with transaction.atomic()` around a block that ends, or declare the step with @step(..., atomic=True)."
        )


def _end_what_is_open(depth: int, savepoints: int) -> bool:
    """Go back to so many atomic blocks; return whether there were more, or a transaction outside of any."""
    left_open = len(connection.atomic_blocks) > depth or (depth == 0 and _is_open_by_hand())
    if left_open:
        del connection.atomic_blocks[depth:]
        del connection.savepoint_ids[savepoints:]
        if depth:
            # Within the block of the caller, which rolls all of it back.
            connection.needs_rollback = True
        else:
            connection.in_atomic_block = False
            connection.close()
    return left_open


def _is_open_by_hand() -> bool:
    """Say whether somebody sent BEGIN, or switched autocommit off, outside of Django's atomic blocks."""
    raw = connection.connection
    if raw is None:
        return False
    if not connection.autocommit:
        return True
    if connection.vendor == "sqlite":
        return bool(raw.in_transaction)
    return bool(raw.info.transaction_status != TransactionStatus.IDLE)
