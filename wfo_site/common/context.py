"""Who acts and why, carried in a context variable down to `save()`, revisions and the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from wfo_site.common.uuid7 import uuid7

SYSTEM_USER = "SYSTEM"


@dataclass(frozen=True, kw_only=True)
class Context:
    """Who acts: a person in a request, or a step of a process."""

    user: str = SYSTEM_USER
    process_id: UUID | None = None
    # The process at the top of the tree: the owner of locks.
    root_id: UUID | None = None
    step: str | None = None
    request_id: str | None = None


_NOBODY = Context()
_current: ContextVar[Context | None] = ContextVar("wfo_context", default=None)


def current() -> Context:
    """Return the context in force; a bare one of user SYSTEM where none was set."""
    return _current.get() or _NOBODY


@contextmanager
def acting(**changes: object) -> Iterator[Context]:
    """Run a block with some attributes of the current context changed."""
    context = replace(current(), **changes)  # type: ignore[arg-type]
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


class ContextMiddleware:
    """Name the logged-in user and the request in the context of everything the request does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user.get_username() if request.user.is_authenticated else SYSTEM_USER
        with acting(user=user, request_id=str(uuid7())):
            return self.get_response(request)
