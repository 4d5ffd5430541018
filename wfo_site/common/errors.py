"""One root for every error a person or a client may see: a stable code, an HTTP status and a sentence."""

from __future__ import annotations

from http import HTTPStatus


class DomainError(Exception):
    """A rule of the domain was broken. The message says what happened, why, and what to do next."""

    code = "domain_error"
    status = HTTPStatus.BAD_REQUEST

    def __init__(self, message: str, *, field: str | None = None, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.details = details


class NotFound(DomainError):
    """The object named does not exist, or is not visible to this user."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND


class Forbidden(DomainError):
    """The user may not do this."""

    code = "forbidden"
    status = HTTPStatus.FORBIDDEN


class Conflict(DomainError):
    """The object is not in a state that allows this, or another was faster."""

    code = "conflict"
    status = HTTPStatus.CONFLICT


class Locked(DomainError):
    """The engine is paused and takes no changes."""

    code = "engine_locked"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class StaleData(DomainError, ValueError):
    """The caller worked on an older version than the stored one."""

    code = "stale_data"

    def __init__(self, given: int, current: int) -> None:
        super().__init__(
            f"Stale data: given version ({given}) does not match the current version ({current})", field="version"
        )
