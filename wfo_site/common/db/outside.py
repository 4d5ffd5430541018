"""Where a step may write: guards that keep the engine's promise of one transaction per step.

A default step computes and calls the outside, and returns what is to be stored; the engine stores it. A write of its
own would be committed even if the step is lost a moment later, so it is refused. Calls to an outside that happens to
live in our own database (the embedded inventory) say so with `outside()`: they commit on their own, as a call to
another system does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection

from wfo_site.common.errors import DomainError

_outside: ContextVar[bool] = ContextVar("wfo_outside", default=False)
_step_transaction: ContextVar[str | None] = ContextVar("wfo_step_transaction", default=None)

_WRITE = re.compile(
    r"\s*(?:INSERT|UPDATE|DELETE|REPLACE|MERGE|TRUNCATE|CREATE|ALTER|DROP|COPY"
    r"|WITH\b.*?\b(?:INSERT INTO|UPDATE|DELETE FROM)\b)",
    re.IGNORECASE | re.DOTALL,
)


class WriteInStep(DomainError):
    """A step that is not atomic wrote to the database."""

    code = "write_in_step"


class OutsideInTransaction(DomainError):
    """A call to another system was made while a step's transaction is open."""

    code = "outside_in_transaction"


@contextmanager
def writes_refused(step: str) -> Iterator[None]:
    """Refuse writes of this thread to our database for the block, except those inside `outside()`."""

    def refuse(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not _outside.get() and _WRITE.match(sql):
            raise WriteInStep(
                f"Step {step!r} wrote to the database itself ({sql.split(None, 3)[:3]}). "
                "Return the changed subscription model instead, or declare the step with @step(..., atomic=True)."
            )
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield


@contextmanager
def step_transaction(step: str) -> Iterator[None]:
    """Mark the block as the transaction of an atomic step; `outside()` is refused in it."""
    token = _step_transaction.set(step)
    try:
        yield
    finally:
        _step_transaction.reset(token)


def check_no_step_transaction(what: str) -> None:
    """Raise OutsideInTransaction if an atomic step's transaction is open. Every client of another system calls this."""
    if step := _step_transaction.get():
        raise OutsideInTransaction(
            f"{what} was called inside the transaction of the atomic step {step!r}. "
            "Call other systems from a step of its own without atomic=True."
        )


@contextmanager
def outside() -> Iterator[None]:
    """Run calls to another system that lives in our own database. Raises OutsideInTransaction in atomic steps."""
    check_no_step_transaction("Another system")
    token = _outside.set(True)
    try:
        yield
    finally:
        _outside.reset(token)
