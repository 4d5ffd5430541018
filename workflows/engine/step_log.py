"""What a step says while it runs: lines for its log, and how far it is.

Both are kept in memory here and written by others, beside the transaction of the step, see `workflows.engine.side_log`:
they are seen while it runs, and stay when it fails. Nothing here touches the database or the settings: product packages
import it before Django is set up.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from wfo_site.common.clock import now
from workflows.enums import LogLevel

logger = logging.getLogger(__name__)

# Of one try of a step; of a longer line the beginning is kept.
MAX_LINES: Final = 1_000
MAX_LINE_BYTES: Final = 2_000
MAX_PROGRESS_TEXT: Final = 500
# Nobody looks at more of a text than this to shorten it.
_LOOKED_AT: Final = 100_000

_LEVELS: Final = {
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
}


class Line(NamedTuple):
    at: datetime
    level: LogLevel
    text: str


class Progress(NamedTuple):
    """How far a step is: `done` of `total`; None where the total is not known."""

    done: float
    total: float | None
    text: str


@dataclass(eq=False, kw_only=True)
class StepNotes:
    """What one try of a step has said and nobody has written yet.

    `readable` makes of a text what everybody may see. `noted` is called when there is something to write. Threads of
    the step may share it.
    """

    process_id: UUID
    epoch: int
    key: str
    sub_step: str
    attempt: int
    readable: Callable[[str], str]
    noted: Callable[[StepNotes], None]
    is_written: bool = False
    progress_at: float = -math.inf
    # Held while somebody writes, so that lines are stored in their order.
    writing: threading.Lock = field(default_factory=threading.Lock)
    _lines: list[Line] = field(default_factory=list)
    _count: int = 0
    _dropped: int = 0
    _progress: Progress | None = None
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_empty(self) -> bool:
        return not (self._lines or self._dropped or self._progress)

    def log(self, text: str, level: LogLevel) -> None:
        """Keep a line; beyond MAX_LINES it is only counted."""
        if self._count >= MAX_LINES:
            self._dropped += 1
            return
        self._count += 1
        self.add(shortened(self.readable(text[:_LOOKED_AT]), len(text)), level)

    def add(self, text: str, level: LogLevel) -> None:
        """Keep a line of the engine's own, however many there are."""
        with self._mutex:
            self._lines.append(Line(now(), level, text))
        self.noted(self)

    def report(self, progress: Progress) -> None:
        """Keep how far the step is; only the last is ever written."""
        text = self.readable(progress.text[:_LOOKED_AT])[:MAX_PROGRESS_TEXT]
        with self._mutex:
            self._progress = progress._replace(text=text)
        self.noted(self)

    def take_lines(self) -> list[Line]:
        with self._mutex:
            lines, self._lines = self._lines, []
        return lines

    def take_progress(self) -> Progress | None:
        with self._mutex:
            progress, self._progress = self._progress, None
        return progress

    def put_back(self, lines: list[Line], progress: Progress | None) -> None:
        """Keep again what could not be written; a newer progress stays."""
        with self._mutex:
            self._lines[:0] = lines
            self._progress = self._progress or progress

    def end(self) -> None:
        """Say how many lines were dropped, now that the step is over."""
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            lines = "line was" if dropped == 1 else "lines were"
            self.add(f"{dropped:,} more {lines} dropped: a step keeps its first {MAX_LINES:,}.", LogLevel.WARNING)


def shortened(text: str, length: int) -> str:
    """Return the beginning of a text that is too long, in MAX_LINE_BYTES of UTF-8, and how long all of it was."""
    data = text.encode("utf-8", "replace")
    if len(data) <= MAX_LINE_BYTES:
        return text
    return f"{data[:MAX_LINE_BYTES].decode('utf-8', 'ignore')} … (cut; {length:,} characters in all)"


_current: ContextVar[StepNotes | None] = ContextVar("wfo_step_notes", default=None)


def current_notes() -> StepNotes | None:
    """Return where the step that runs in this context keeps what it says; None outside a step."""
    return _current.get()


@contextmanager
def taking_notes(notes: StepNotes) -> Iterator[None]:
    """Let what the block says belong to a step."""
    token = _current.set(notes)
    try:
        yield
    finally:
        _current.reset(token)


def step_log(message: object, level: str = "info") -> None:
    """Write a line to the log of the step that runs: `debug`, `info`, `warning` or `error`.

    It is shown on the page of the process while the step runs, and kept whatever becomes of the step. Costs no query.
    Outside a step the line goes to the program's own log. Raises ValueError for a level that there is not.
    """
    if level not in LogLevel.values:
        raise ValueError(f"level is {level!r}; a line of a step is one of {', '.join(LogLevel.values)}")
    if (notes := _current.get()) is None:
        logger.log(_LEVELS[LogLevel(level)], "%s", message)
    else:
        notes.log(str(message), LogLevel(level))


def step_progress(done: float, total: float | None = None, text: str = "") -> None:
    """Say how far the step that runs is: `done` of `total`, in whatever unit, and what it is doing.

    As cheap as `step_log`, and written at most once a second. Outside a step nothing happens. Raises ValueError for
    what is no amount.
    """
    for name, value in (("done", done), ("total", total)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} is {value}; progress is counted from 0, total=None where the total is not known")
    if (notes := _current.get()) is not None:
        notes.report(Progress(float(done), None if total is None else float(total), str(text)))
