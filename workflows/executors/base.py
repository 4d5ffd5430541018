"""What every executor is: something that can be rung, and that then runs processes through the one engine."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol
from uuid import UUID

from django.conf import settings

from workflows.executors.monitor import OnlineWorker

_MODULES = {
    "threadpool": "workflows.executors.threadpool",
    "celery": "workflows.executors.celery",
    "inline": "workflows.executors.inline",
}


class Executor(Protocol):
    """A bell is only a hint: one that is lost is made good by the sweeper, one that comes twice does nothing."""

    def start(self) -> None:
        """Begin to run processes in this operating system process, where the executor does that."""

    def stop(self, timeout: float) -> None:
        """Take no more, hand back between steps what runs, and wait for that up to `timeout` seconds."""

    def workers(self) -> list[OnlineWorker]:
        """Return who runs processes, as far as is known here. Waits for nobody for long."""

    def ring(self, process_ids: Sequence[UUID]) -> None:
        """Say that these processes are due. Raises nothing for a bell that cannot be rung; it is logged."""


def runner_id() -> str:
    """Return a name for this operating system process that no other has or had."""
    return f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"


@functools.cache
def _executor(name: str) -> Executor:
    executor: Executor = import_module(_MODULES[name]).make()
    return executor


def get_executor() -> Executor:
    """Return the executor that EXECUTOR names; one per operating system process."""
    return _executor(settings.EXECUTOR)
