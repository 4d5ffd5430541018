"""Runners of one installation: children of a zygote, each with a thread pool of its own, to be killed and frozen."""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.story.installation import ROOT, kill, wait_until


class Child:
    """A forked process, and the file in which it leaves what its role returned.

    It is held by a descriptor: its number may be that of somebody else's process once it has ended.
    """

    def __init__(self, pid: int, reply: Path) -> None:
        self.pid = pid
        self.reply = reply
        self._descriptor: int | None = None
        # It may have ended already.
        with suppress(ProcessLookupError):
            self._descriptor = os.pidfd_open(pid)

    def is_alive(self) -> bool:
        if self._descriptor is None:
            return False
        ended = select.poll()
        ended.register(self._descriptor, select.POLLIN)
        if ended.poll(0):
            os.close(self._descriptor)
            self._descriptor = None
        return self._descriptor is not None

    def send(self, number: signal.Signals) -> None:
        if self.is_alive():
            assert self._descriptor is not None
            # It may have ended a moment ago.
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.send(signal.SIGKILL)
        wait_until(lambda: not self.is_alive())

    def result(self, seconds: float = 120) -> Any:
        """Wait for what the role returned. An error in there is raised here."""
        wait_until(lambda: self.reply.exists() or not self.is_alive(), seconds)
        assert self.reply.exists(), f"{self.reply.name} died without an answer"
        answer = json.loads(self.reply.read_text())
        assert "raised" not in answer, answer["raised"]
        return answer["returned"]


class Zygote:
    """The program that forks children; it has loaded the code, and nothing of any installation."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def fork(self, wanted: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def zygote_for(environment: dict[str, str], log: Path) -> Iterator[Zygote]:
    """Load the code once, and fork from it during the block; whatever was forked is killed at its end."""
    with log.open("a") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.harness.zygote"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", log.read_text()[-3000:]
        yield Zygote(process)
    finally:
        kill(process)


@dataclass
class Place:
    """The installation that a child is part of; given to `roles.settle`."""

    database_url: str
    lease: float
    executor: str = "threadpool"
    environment: dict[str, str] = field(default_factory=dict)


class Fleet:
    """Forks children for the roles in `harness.roles`, all of one installation."""

    def __init__(self, zygote: Zygote, folder: Path, place: Place) -> None:
        self.place = place
        self._zygote = zygote
        self.folder = folder
        self._numbers = itertools.count(1)
        self._children: list[Child] = []

    def fork(self, role: str, **arguments: Any) -> Child:
        reply = self.folder / f"reply_{next(self._numbers)}_{role}"
        pid = self._zygote.fork(
            {"role": role, "arguments": arguments, "reply": str(reply), "place": asdict(self.place)}
        )
        self._children.append(Child(pid, reply))
        return self._children[-1]

    def close(self) -> None:
        for child in self._children:
            child.send(signal.SIGKILL)
        for child in self._children:
            child.kill()

    def ask(self, role: str, *, seconds: float = 300, **arguments: Any) -> Any:
        """Play a role that ends by itself, and return what it returned."""
        return self.fork(role, **arguments).result(seconds)

    def pool(self, threads: int = 2) -> Child:
        return self.fork("pool", threads=threads)

    def start(self, workflow: str, count: int, **options: Any) -> list[str]:
        started: list[str] = self.ask("start", workflow=workflow, count=count, **options)
        return started

    def wait_for_end(self, process_ids: list[str], *, seconds: float) -> None:
        """Wait until every one of these processes is completed or failed, or say what they are."""
        self.wait_for(process_ids, "completed", "failed", seconds=seconds)

    def wait_for(self, process_ids: list[str], *statuses: str, seconds: float = 120) -> None:
        until = time.monotonic() + seconds
        while set(found := self.ask("statuses", process_ids=process_ids)) - set(statuses):
            assert time.monotonic() < until, f"not {' or '.join(statuses)} after {seconds} s: {found}"
            time.sleep(0.2)

    def facts(self, process_ids: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("facts", process_ids=process_ids)
        return found
