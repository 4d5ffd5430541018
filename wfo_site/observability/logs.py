"""Log lines as events with fields: readable on a terminal, JSON in a deployment, each naming who and which process.

Everything goes through the standard library's logging, so libraries and our own code come out alike.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from wfo_site.common.context import SYSTEM_USER, current

_SECRET_NAME = re.compile(r"passw|secret|token|authorization|cookie|api_?key|credential", re.IGNORECASE)
MASK = "********"
# The address by which another system calls back holds the secret that lets it, and is the path of a request.
_CALLBACK = re.compile(r"(callback(?:/|%2F))[\w-]{20,}", re.IGNORECASE)
# So do the addresses of databases and brokers: user:secret@host.
_USERINFO = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)")


def add_context(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Name the user, request, process and step in whose context the line was written."""
    context = current()
    if context.user != SYSTEM_USER:
        event.setdefault("user", context.user)
    for name in ("request_id", "process_id", "step"):
        value = getattr(context, name)
        if value is not None:
            event.setdefault(name, str(value))
    return event


def mask_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Hide the values of fields whose names speak of secrets, at any depth."""
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: object, value: Any) -> Any:
    if isinstance(value, dict):
        return {inner: _masked(inner, item) for inner, item in value.items()}
    if isinstance(value, list):
        return [_masked(key, item) for item in value]
    if isinstance(value, tuple):
        # It stays one: the arguments of a line and the parts of an exception are told by being tuples.
        return tuple(_masked(key, item) for item in value)
    return MASK if isinstance(key, str) and value and _SECRET_NAME.search(key) else value


class _WithoutSecrets(structlog.stdlib.ProcessorFormatter):
    """Hides what addresses hold of secrets, wherever in a line they are: in its sentence, its fields, its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line = _CALLBACK.sub(rf"\1{MASK}", super().format(record))
        return _USERINFO.sub(rf"\1{MASK}", line)


# What both kinds of lines pass: those of structlog's loggers and those of the standard library's.
_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    add_context,
    mask_secrets,
]


def configure() -> None:
    """Send structlog's loggers through the standard library. Called once, when the apps are ready."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def console_formatter() -> logging.Formatter:
    """Return a formatter for people: one line, fields after the sentence."""
    return _WithoutSecrets(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Plain tracebacks: the pretty ones show local variables, and with them secrets.
            structlog.dev.ConsoleRenderer(
                colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
            ),
        ],
    )


def json_formatter() -> logging.Formatter:
    """Return a formatter for programs: one JSON object a line, tracebacks included."""
    return _WithoutSecrets(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(default=str),
        ],
    )
