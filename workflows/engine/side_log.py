"""Write what steps say: beside their transactions, a batch at a time, by a thread that is no runner.

What is left when a step ends is written by its runner, before the row of a default step and right after the transaction
of an atomic one. A step that says nothing costs nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError

from wfo_site.common import broadcast
from wfo_site.common.clock import now
from workflows.engine.step_log import Line, Progress, StepNotes
from workflows.models import StepLogLine, StepProgress

logger = logging.getLogger(__name__)

PROGRESS_EVERY_SECONDS: Final = 1.0
# A step that is tried again for weeks keeps the lines of so many tries.
KEPT_ATTEMPTS: Final = 10


class SideLog:
    """The steps of one runner that have said something. `wake` is called whenever one does."""

    def __init__(self, runner: str, wake: Callable[[], object]) -> None:
        self.runner = runner
        self._wake = wake
        # In the order in which they began to speak.
        self._speaking: dict[StepNotes, None] = {}
        self._mutex = threading.Lock()

    def open(self) -> None:
        """Take what the steps of this runner say from now on."""
        _side_logs[self.runner] = self

    def close(self) -> None:
        """Leave the steps to write themselves what they say."""
        _side_logs.pop(self.runner, None)

    def note(self, notes: StepNotes) -> None:
        with self._mutex:
            self._speaking[notes] = None
        self._wake()

    def flush(self) -> None:
        """Write what has been said. Raises errors of the database; what was not written is kept for the next time."""
        with self._mutex:
            speaking = list(self._speaking)
        for notes in speaking:
            write(notes)
            with self._mutex:
                if notes.is_empty:
                    self._speaking.pop(notes, None)


_side_logs: dict[str, SideLog] = {}


def noted_by(runner: str) -> Callable[[StepNotes], None]:
    """Return whom a step of `runner` tells that it has said something; nobody where it has no side thread."""
    side_log = _side_logs.get(runner)
    return side_log.note if side_log is not None else lambda _: None


def write_down(notes: StepNotes) -> None:
    """Write all that a step has said, which is over; without a statement if that is nothing.

    An error of the database is logged and no more: the side thread will try again, and the step is not to blame.
    """
    notes.end()
    if notes.is_empty:
        return
    try:
        write(notes, is_last=True)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("process %s: what its step logged could not be written yet: %s", notes.process_id, error)


def write(notes: StepNotes, *, is_last: bool = False) -> None:
    """Write what a step has said since the last time; how far it is at most once a second, unless it is over."""
    with notes.writing:
        lines = notes.take_lines()
        is_due = is_last or time.monotonic() - notes.progress_at >= PROGRESS_EVERY_SECONDS
        progress = notes.take_progress() if is_due else None
        if not lines and progress is None:
            return
        try:
            if lines:
                _write_lines(notes, lines)
                lines = []
            if progress is not None:
                _write_progress(notes, progress)
        except (IntegrityError, DataError) as error:
            # The process was deleted meanwhile, or it can never be stored: to try again would hold up all others.
            logger.warning("process %s: what its step said is dropped: %s", notes.process_id, error)
        except (DatabaseError, InterfaceError):
            notes.put_back(lines, progress)
            raise
    broadcast.step_said_something(notes.process_id)


def _write_lines(notes: StepNotes, lines: list[Line]) -> None:
    if not notes.is_written and notes.attempt > KEPT_ATTEMPTS:
        _forget_old_attempts(notes)
    StepLogLine.objects.bulk_create(
        [
            StepLogLine(
                process_id=notes.process_id,
                epoch=notes.epoch,
                key=notes.key,
                sub_step=notes.sub_step,
                attempt=notes.attempt,
                at=line.at,
                level=line.level,
                text=line.text,
            )
            for line in lines
        ],
        batch_size=500,
    )
    notes.is_written = True


def _forget_old_attempts(notes: StepNotes) -> None:
    """Delete the lines of all tries of a step but the last few, this one among them."""
    of_step = StepLogLine.objects.filter(process_id=notes.process_id, key=notes.key)
    epochs = of_step.order_by("-epoch").values_list("epoch", flat=True).distinct()
    for oldest_kept in epochs[KEPT_ATTEMPTS - 2 : KEPT_ATTEMPTS - 1]:
        of_step.filter(epoch__lt=oldest_kept).delete()


def _write_progress(notes: StepNotes, progress: Progress) -> None:
    """Write how far a step is, unless a later claim has said so of its own step."""
    values = {
        "epoch": notes.epoch,
        "key": notes.key,
        "sub_step": notes.sub_step,
        "at": now(),
        **progress._asdict(),
    }
    stored = StepProgress.objects.filter(process_id=notes.process_id, epoch__lte=notes.epoch)
    if not stored.update(**values):
        StepProgress.objects.bulk_create([StepProgress(process_id=notes.process_id, **values)], ignore_conflicts=True)
    notes.progress_at = time.monotonic()
