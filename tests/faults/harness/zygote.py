"""A program that has loaded everything, and forks a child for each line it reads: a runner is there in milliseconds.

Read: {"role": function in `roles`, "arguments": {...}, "reply": file for what it returns, "place": where the child
lives: its database, lease and environment}. Written: the child's pid.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import traceback
from pathlib import Path

import django
from django.urls import resolve

_PR_SET_PDEATHSIG = 1


def main() -> None:
    django.setup()
    from tests.faults.harness import roles

    # Loads what serves requests, too.
    resolve("/api/processes")

    # Children that were killed are nobody's business: the kernel forgets them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            _live(roles, wanted)
        print(child, flush=True)


def _live(roles: object, wanted: dict[str, object]) -> None:
    """Be the child: play the role, leave what it returned in the file, and go without the parent's tidying up."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        roles.settle(**wanted["place"])  # type: ignore[attr-defined, arg-type]
        answer = {"returned": getattr(roles, str(wanted["role"]))(**wanted["arguments"])}  # type: ignore[arg-type]
    except BaseException:  # told to the test
        answer = {"raised": traceback.format_exc()}
    file = Path(str(wanted["reply"]))
    half = file.with_suffix(".half")
    half.write_text(json.dumps(answer, default=str))
    half.rename(file)
    os._exit(0)


if __name__ == "__main__":
    main()
