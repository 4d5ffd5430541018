"""What a failure makes of its process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeAlias

from workflows.engine.errors import InconsistentDataError, is_api_exception
from workflows.enums import ProcessStatus
from workflows.states import FAILED

logger = logging.getLogger(__name__)

# Gets what a step raised and whether its process is a task, and returns one of the statuses of failure; None leaves the
# failure to the framework.
FailureClassifier: TypeAlias = Callable[[BaseException, bool], ProcessStatus | str | None]

# By name, because it comes from whichever HTTP library a client uses.
_UNREACHABLE: Final = "MaxRetryError"
_registered: list[FailureClassifier] = []


def register_failure_classifier(classifier: FailureClassifier) -> None:
    """Ask `classifier` first what a failure makes of its process; the last one registered counts."""
    _registered[:] = [classifier]


def status_of_failure(error: BaseException | None, *, is_task: bool) -> ProcessStatus:
    """Classify a failure: as the registered classifier says, else only tasks tell the absence of another system and
    contradicting data from other errors."""
    if error is None:
        return ProcessStatus.FAILED
    for classifier in _registered:
        if (status := _said_by(classifier, error, is_task)) is not None:
            return status
    if is_task and isinstance(error, InconsistentDataError):
        return ProcessStatus.INCONSISTENT_DATA
    if is_task and (is_api_exception(error) or type(error).__name__ == _UNREACHABLE):
        return ProcessStatus.API_UNAVAILABLE
    return ProcessStatus.FAILED


def _said_by(classifier: FailureClassifier, error: BaseException, is_task: bool) -> ProcessStatus | None:
    """Ask a classifier. What it says wrong, or raises, is logged: a failure must be stored whatever becomes of it."""
    try:
        status = classifier(error, is_task)
    except Exception:
        logger.exception("the failure classifier failed with %r", error)
        return None
    if status is None or status in FAILED:
        return None if status is None else ProcessStatus(status)
    logger.error("the failure classifier said %r; it may say %s, or None", status, ", ".join(sorted(FAILED)))
    return None
