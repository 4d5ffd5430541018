"""Lines that product code writes to its own loggers while a step runs are lines of that step, too."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final

from workflows.engine.step_log import current_notes
from workflows.enums import LogLevel

# What every line has, and the page shows anyway.
_COMMON: Final = frozenset({"event", "level", "logger", "timestamp", "user", "request_id", "process_id", "step"})


class StepLogHandler(logging.Handler):
    """Gives what is logged to the step in whose context it is, if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        if (notes := current_notes()) is None:
            return
        try:
            notes.log(_text_of(record), _level_of(record.levelno))
        except Exception:
            self.handleError(record)


def listen_to(packages: Iterable[str]) -> None:
    """Take what these packages log from INFO on, and nothing of libraries: those name what nobody meant to show."""
    handler = StepLogHandler(logging.INFO)
    for package in packages:
        logging.getLogger(package).addHandler(handler)


def _text_of(record: logging.LogRecord) -> str:
    if not isinstance(record.msg, dict):
        return record.getMessage()
    # A line of structlog: an event and its fields, those that speak of secrets masked.
    event: dict[str, Any] = record.msg
    fields = [f"{name}={value}" for name, value in event.items() if name not in _COMMON and not name.startswith("_")]
    return " ".join([str(event.get("event", "")), *fields])


def _level_of(number: int) -> LogLevel:
    if number >= logging.ERROR:
        return LogLevel.ERROR
    return LogLevel.WARNING if number >= logging.WARNING else LogLevel.INFO
