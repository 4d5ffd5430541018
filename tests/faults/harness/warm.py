"""Starts programs in a moment: forks of one that has imported the libraries, and nothing of ours or of any settings.

As a program it reads, line by line, {"command": words after `python`, "environment": {...}, "log": file}, forks a child
that runs the command in there, leads a group of its own and writes to the log, and prints the child's pid. When a child
ends, the file `<pid>` in the folder that it was given holds its exit code, below zero for a signal.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.story.installation import PATIENCE, ROOT, kill, wait_until

_LIBRARIES: Final = (
    *("django.core.management", "django.db.models", "django.forms", "django.contrib.admin.options"),
    *("django.db.backends.postgresql.base", "django.db.backends.sqlite3.base", "django.test.signals"),
    *("celery.bin.celery", "celery.apps.worker", "celery.concurrency.prefork"),
    *("kombu.transport.redis", "kombu.transport.pyamqp", "channels.routing", "channels.layers"),
    *("uvicorn", "uvicorn.protocols.http.httptools_impl", "uvloop", "websockets", "asgiref.sync"),
    *("rest_framework.serializers", "django_filters", "graphene", "pydantic", "psycopg", "httpx"),
    *(
        "structlog",
        "environ",
        "csp",
        "corsheaders",
        "axes",
        "django_htmx",
        "django_prometheus",
        "orjson",
        "markdown_it",
    ),
)
_PR_SET_PDEATHSIG: Final = 1


class Forked:
    """A child that looks like one of `subprocess`."""

    def __init__(self, pid: int, exit_code: Path) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._exit_code = exit_code

    def poll(self) -> int | None:
        if self.returncode is None and self._exit_code.exists():
            self.returncode = int(self._exit_code.read_text())
        return self.returncode

    def wait(self, timeout: float = PATIENCE) -> int:
        wait_until(lambda: self.poll() is not None, timeout)
        assert self.returncode is not None
        return self.returncode


class Warm:
    """The program, and who asks it to fork."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="wfo_warm_")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.harness.warm", self._folder.name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def launch(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Forked:
        """Run what `python <command>` would; see `Installation`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        log.touch()
        wanted = {"command": list(command), "environment": dict(environment), "log": str(log)}
        with self._mutex:
            self._process.stdin.write(json.dumps(wanted) + "\n")
            self._process.stdin.flush()
            pid = int(self._process.stdout.readline())
        return Forked(pid, Path(self._folder.name) / str(pid))

    def end(self) -> None:
        kill(self._process)
        self._folder.cleanup()


def main() -> None:
    for name in _LIBRARIES:
        importlib.import_module(name)
    folder = Path(sys.argv[1])

    def note_the_dead(*_: object) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            half = folder / f"{pid}.half"
            half.write_text(str(os.waitstatus_to_exitcode(status)))
            half.rename(folder / str(pid))

    signal.signal(signal.SIGCHLD, note_the_dead)
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            # Of one that had the same number, long ago.
            (folder / str(os.getpid())).unlink(missing_ok=True)
            _run(**wanted)
            return
        # Here, so that the child leads a group before anybody knows of it.
        os.setpgid(child, child)
        print(child, flush=True)


def _run(command: Sequence[str], environment: Mapping[str, str], log: str) -> None:
    """Be the child: forget the parent, and be the program."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(environment)
    match command:
        case ["-m", module, *arguments]:
            sys.argv = [module, *arguments]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [file, *arguments]:
            sys.argv = [file, *arguments]
            runpy.run_path(file, run_name="__main__")


if __name__ == "__main__":
    main()
