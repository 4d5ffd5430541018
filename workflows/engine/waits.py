"""What a process waits for. A wait's state changes by compare-and-set, so of arrival, expiry and abort one wins."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from wfo_site.common.clock import now
from wfo_site.common.uuid7 import uuid7
from workflows.engine import callback_tokens
from workflows.engine.retries import NextTry
from workflows.engine.steps import CallbackOptions
from workflows.enums import TimeoutAction, WaitKind, WaitState
from workflows.models import Wait

# In the detail of a wait for children: those that were aborted, and whose places others took in the next try.
LET_GO: Final = "let_go"


def open_input(process_id: UUID, key: str) -> None:
    """Note that the process waits for somebody to fill in a form."""
    Wait.objects.create(process_id=process_id, kind=WaitKind.INPUT, key=key, created_at=now(), reached=True)


def open_retry(again: NextTry, process_id: UUID, key: str) -> None:
    """Note that the process waits for another try, which comes by itself.

    Those for the tries before are forgotten: there may be no end of them, and the row of the step counts them.
    """
    before = Wait.objects.filter(process_id=process_id, kind=WaitKind.RETRY, key=key)
    before.exclude(state=WaitState.OPEN).delete()
    Wait.objects.create(
        process_id=process_id,
        kind=WaitKind.RETRY,
        key=key,
        created_at=now(),
        reached=True,
        deadline=in_seconds(again.delay),
        on_timeout=TimeoutAction.RETRY,
        detail={"attempt": again.attempt, "of": again.of},
    )


def new_callback(process_id: UUID, *, key: str, options: CallbackOptions) -> Wait:
    """Return an unsaved callback wait. Its token works once the row is there, before the process has got to it."""
    wait_id, nonce = uuid7(), callback_tokens.new_nonce()
    return Wait(
        wait_id=wait_id,
        process_id=process_id,
        kind=WaitKind.CALLBACK,
        key=key,
        created_at=now(),
        nonce=nonce,
        token_hash=callback_tokens.hash_of(callback_tokens.token_of(wait_id, nonce)),
        result_key=options.result_key,
        timeout_seconds=options.timeout,
    )


def current_callback(process_id: UUID, key: str) -> Wait | None:
    """Return the newest callback wait of a step."""
    return _newest(process_id, WaitKind.CALLBACK).filter(key=key).first()


def current_children(process_id: UUID, key: str) -> Wait | None:
    """Return the newest wait of a step for its children."""
    return _newest(process_id, WaitKind.CHILDREN).filter(key=key).first()


def _newest(process_id: UUID, kind: WaitKind) -> QuerySet[Wait]:
    """Return the waits of a kind, the newest first.

    Each is closed before the next one is opened, and by the database's clock: those of the runners may differ.
    """
    found = Wait.objects.filter(process_id=process_id, kind=kind)
    return found.order_by(F("closed_at").desc(nulls_first=True), "-wait_id")


def lock_children(process_id: UUID) -> Wait | None:
    """Lock what a process waits for its children with; None if it does not wait for them.

    Where it does not, the last of its waits for children is locked. Whoever opens another locks that too: so a child
    that ends meanwhile is either counted there, or comes after it and finds the new one here.
    """
    locked: Wait | None = None
    while True:
        found = _newest(process_id, WaitKind.CHILDREN).select_for_update().first()
        if found is None or found.state == WaitState.OPEN:
            return found
        if locked is not None and locked.pk == found.pk:
            return None
        locked = found


def reach(wait: Wait) -> bool:
    """Stand at a callback wait, its deadline counting from now. False if it is no longer open: the call came before."""
    found = Wait.objects.filter(pk=wait.pk, state=WaitState.OPEN)
    return bool(found.update(reached=True, deadline=in_seconds(wait.timeout_seconds)))


def in_seconds(timeout: float | None) -> Any:
    """Return the moment so many seconds from now, by the database's clock; None for no timeout."""
    return None if timeout is None else Now() + timedelta(seconds=timeout)


def close(wait_id: UUID, state: WaitState, **columns: Any) -> bool:
    """Close an open wait; False if another was faster."""
    return bool(Wait.objects.filter(pk=wait_id, state=WaitState.OPEN).update(state=state, closed_at=Now(), **columns))


def cancel_all(process_id: UUID, *, kind: WaitKind | None = None) -> None:
    """Close everything that a process waits for, or all of one kind: it goes on by hand, or ends."""
    found = Wait.objects.filter(process_id=process_id, state=WaitState.OPEN, **({} if kind is None else {"kind": kind}))
    found.update(state=WaitState.CANCELLED, closed_at=Now())


def route(wait: Wait) -> str:
    """Return the address to call back, relative to the base URL."""
    return callback_tokens.route_of(
        wait.process_id, callback_tokens.token_of(wait.wait_id, wait.nonce, wait.token_hash)
    )


def find(wait_ids: Collection[UUID]) -> list[Wait]:
    return list(Wait.objects.filter(pk__in=wait_ids))
