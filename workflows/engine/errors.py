"""Errors that workflow code raises, and how an exception becomes the stored error of a step."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from wfo_site.common.errors import Conflict, DomainError
from wfo_site.common.json import NotJson, to_json

FAILED_REASON_LENGTH: Final = 10_000
TRACEBACK_LENGTH: Final = 50_000


class ProcessFailureError(Exception):
    """A step fails with a message for the operator and details for the one who looks closer."""

    def __init__(self, message: str, details: object = None) -> None:
        super().__init__(message, details)
        self.message = message
        self.details = details

    def __str__(self) -> str:
        return self.message


class InconsistentDataError(ProcessFailureError):
    """What we hold and what another system holds do not agree."""


class ApiException(Exception):
    """Another system's API answered with an error.

    Generated clients bring a class of this name each, which need not descend from this one: see `is_api_exception`.
    """

    def __init__(
        self,
        status: int | None = None,
        reason: str | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"({status}) {reason}")
        self.status = status
        self.reason = reason
        self.body = body
        self.headers = headers


class StartPredicateError(DomainError):
    """The workflow's own condition for being started does not hold."""

    code = "start_predicate"
    status = HTTPStatus.PRECONDITION_FAILED


class WorkflowRemoved(Conflict, ValueError):
    """The workflow is no longer in code, so its processes stay where they are."""

    code = "workflow_removed"


class PlanChanged(Conflict):
    """The workflow's code no longer begins with the steps that this process has done."""

    code = "plan_changed"


def is_api_exception(error: BaseException | None) -> bool:
    """Say whether an error is the answer of another system's API: its class, or one that it descends from, has the name
    that every generated client gives it."""
    return any(kind.__name__ == ApiException.__name__ for kind in type(error).__mro__)


def error_text(error: BaseException) -> str:
    """Return what an error says in one sentence; generated clients would put the whole answer into theirs."""
    if is_api_exception(error) and not isinstance(error, ApiException):
        return f"({getattr(error, 'status', None)}) {getattr(error, 'reason', None)}"
    return str(error)


def error_to_dict(error: BaseException) -> dict[str, Any]:
    """Return what is stored of an exception: `error`, `class`, and what its kind adds.

    That is `details` of a failure, and `status_code`, `body` and `headers` of another system's answer.
    """
    said = {"error": error_text(error), "class": type(error).__name__}
    stored: dict[str, Any] = dict(said)
    if isinstance(error, ProcessFailureError):
        stored["details"] = error.details
    elif isinstance(error, DomainError):
        stored |= {"details": error.details} if error.details else {}
    elif is_api_exception(error):
        stored |= {
            "status_code": getattr(error, "status", None),
            "body": getattr(error, "body", None),
            "headers": getattr(error, "headers", None) or {},
        }
    try:
        clean: dict[str, Any] = to_json(stored)
    except NotJson:
        clean = to_json(said)
    return clean


def failed_reason(error: BaseException) -> str:
    """Return what an error says as text that a database takes."""
    text: str = to_json(error_text(error))
    return text[:FAILED_REASON_LENGTH]


def traceback_text(error: BaseException) -> str:
    """Return the end of the traceback, which names the place of the failure."""
    text: str = to_json("".join(traceback.format_exception(error)))
    return text[-TRACEBACK_LENGTH:]
