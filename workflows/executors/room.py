"""Where the runners of one worker meet, be they threads or child processes: many at once, or one of them alone.

Locks of files do it, because the system frees them whatever a runner dies of. Everybody goes in by the door; who wants
to be alone keeps it shut until the others have left.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

_POLL_SECONDS: Final = 0.02


class Room:
    """Made before the runners are; children of a fork find the same files by their names."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="wfo-worker-"))
        self._ends_at = self._folder / "ends_at"
        # The files that each thread of this operating system process is in by.
        self._open_files: dict[int, list[IO[str]]] = {}

    @contextmanager
    def among_others(self) -> Iterator[bool]:
        """Be in the room for the block, once nobody is alone in it or waits for that. False: it is closing."""
        with self._entering("floor") as floor:
            with self._entering("door") as door:
                is_in = self._lock(door, fcntl.LOCK_SH) and self._lock(floor, fcntl.LOCK_SH)
            yield is_in

    @contextmanager
    def alone(self, patience: float) -> Iterator[bool]:
        """Be alone in the room for the block. False: the others did not leave within `patience` seconds."""
        until = time.monotonic() + patience
        with self._entering("door") as door, self._entering("floor") as floor:
            yield self._lock(door, fcntl.LOCK_EX, until) and self._lock(floor, fcntl.LOCK_EX, until)

    def carry_out(self, thread: threading.Thread) -> None:
        """Count a thread as gone that does not come out by itself."""
        for file in self._open_files.pop(thread.ident or 0, ()):
            file.close()

    def asks_to_leave(self) -> bool:
        """Say whether those in the room are to leave it as soon as they can."""
        if self.is_closing:
            return True
        with self._open("door") as door:
            return not _try(door, fcntl.LOCK_SH)

    def close(self, grace: float) -> None:
        """Let nobody in any more; those inside are to be gone in `grace` seconds. May be called in a signal handler."""
        if not self.is_closing:
            self._folder.mkdir(exist_ok=True)
            # The monotonic clock is the same for all processes of a machine.
            self._ends_at.write_text(str(time.monotonic() + grace))

    @property
    def is_closing(self) -> bool:
        return self._ends_at.exists()

    @property
    def is_over(self) -> bool:
        """Say whether the time to leave has passed."""
        text = self._ends_at.read_text() if self.is_closing else ""
        return bool(text) and time.monotonic() >= float(text)

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def _entering(self, name: str) -> Iterator[IO[str]]:
        thread_id = threading.get_ident()
        with self._open(name) as file:
            self._open_files.setdefault(thread_id, []).append(file)
            try:
                yield file
            finally:
                mine = self._open_files.get(thread_id, [])
                if file in mine:
                    mine.remove(file)

    def _open(self, name: str) -> IO[str]:
        # Something that tidies up old temporary files may have taken the folder.
        self._folder.mkdir(exist_ok=True)
        return (self._folder / name).open("a")

    def _lock(self, file: IO[str], how: int, until: float | None = None) -> bool:
        while not self.is_closing and (until is None or time.monotonic() < until):
            if _try(file, how):
                return True
            time.sleep(_POLL_SECONDS)
        return False


def _try(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
