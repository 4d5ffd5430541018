"""What all calls of the embedded inventory share: they run outside, commit on their own, and may be made to fail."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import IntegrityError, transaction

from wfo_site.common.db.outside import outside
from wfo_site.examples.network.inventory import faults
from wfo_site.examples.network.inventory.interface import InventoryConflict, InventoryNotFound
from wfo_site.examples.network.inventory.models import Created, FailureRule

P = ParamSpec("P")
R = TypeVar("R")
Row = TypeVar("Row", bound=Created)


def reading(method: Callable[P, R]) -> Callable[P, R]:
    """Make a method a call that only reads."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with outside():
            faults.strike(method.__name__, FailureRule.BEFORE)
            return method(*args, **kwargs)

    return call


def writing(method: Callable[P, R]) -> Callable[P, R]:
    """Make a method a call that writes in one transaction of its own and has committed when it returns."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with outside():
            faults.strike(method.__name__, FailureRule.BEFORE)
            # Durable: inside the caller's transaction the work could vanish after we said that it is done.
            with transaction.atomic(durable=True):
                result = method(*args, **kwargs)
            faults.strike(method.__name__, FailureRule.AFTER)
            return result

    return call


def found(model: type[Row], pk: int, *, lock: bool = False) -> Row:
    """Return the row, locked until the end of the call if asked. Raises InventoryNotFound."""
    # NO KEY: rows that point here may still be inserted, only other allocations wait. SQLite has one writer anyway.
    rows = model._default_manager.select_for_update(no_key=True) if lock else model._default_manager
    row = rows.filter(pk=pk).first()
    if row is None:
        raise InventoryNotFound(f"The inventory has no {model._meta.verbose_name} with id {pk}", id=pk)
    return row


def made_with(model: type[Row], key: str | None) -> Row | None:
    """Return what an earlier call with this key made."""
    return model._default_manager.filter(idempotency_key=key).first() if key else None


def made(model: type[Row], key: str | None, /, *, conflict: str, **values: Any) -> Row:
    """Insert a row, or return the one made with the key before. Raises InventoryConflict saying `conflict`."""
    if row := made_with(model, key):
        return row
    try:
        with transaction.atomic():
            return model._default_manager.create(idempotency_key=key, **values)
    except IntegrityError as error:
        # Another call with the same key may have been faster.
        if row := made_with(model, key):
            return row
        raise InventoryConflict(conflict) from error


def changed(row: Row, /, *, conflict: str, **values: Any) -> Row:
    """Store the values named. Raises InventoryConflict saying `conflict`."""
    for name, value in values.items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save(update_fields=list(values))
    except IntegrityError as error:
        raise InventoryConflict(conflict) from error
    return row


def deleted(model: type[Created], pk: int) -> bool:
    """Delete the row with what hangs on it and say whether it was there."""
    count, _ = model._default_manager.filter(pk=pk).delete()
    return count > 0
