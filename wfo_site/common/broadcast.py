"""Tell browsers what changed: small events after commit, coalesced, from any thread or worker to the group "events"."""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import threading
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)

GROUP = "events"
LIST = "LIST"
ENGINE_STATUS = "engineStatus"
# Long enough to fold the events of quick steps into one, short enough to feel immediate.
COALESCE_SECONDS = 0.05

_server_loop: asyncio.AbstractEventLoop | None = None


def use_server_loop(loop: asyncio.AbstractEventLoop | None) -> None:
    """Send through this event loop from now on: the in-memory layer only wakes sockets of the loop it is called on."""
    global _server_loop  # noqa: PLW0603 - one server per process
    _server_loop = loop


class _Sender:
    """A thread that sends each distinct event once per interval. Made anew after a fork."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._pending: dict[str, dict[str, Any]] = {}
        self._mutex = threading.Lock()
        self._bell = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        threading.Thread(target=self._run, name="broadcast", daemon=True).start()

    def add(self, value: dict[str, Any]) -> None:
        with self._mutex:
            self._pending[json.dumps(value, sort_keys=True)] = value
            self._idle.clear()
        self._bell.set()

    def wait_idle(self, timeout: float) -> bool:
        return self._idle.wait(timeout)

    def _run(self) -> None:
        quiet = threading.Event()
        # One loop for as long as the thread lives: the Redis layer keeps its connections by loop.
        with asyncio.Runner() as own_loop:
            while True:
                self._bell.wait()
                quiet.wait(COALESCE_SECONDS)
                with self._mutex:
                    self._bell.clear()
                    values = list(self._pending.values())
                    self._pending.clear()
                for value in values:
                    self._send({"name": "invalidateCache", "value": value}, own_loop)
                with self._mutex:
                    if not self._pending:
                        self._idle.set()

    def _send(self, event: dict[str, Any], own_loop: asyncio.Runner) -> None:
        message = {"type": "event", "event": event}
        layer = get_channel_layer()
        try:
            if _server_loop is not None and _server_loop.is_running():
                asyncio.run_coroutine_threadsafe(layer.group_send(GROUP, message), _server_loop).result(5)
            else:
                own_loop.run(layer.group_send(GROUP, message))
        except Exception:
            logger.warning("event %s could not be sent", event, exc_info=True)


_sender: _Sender | None = None
_sender_mutex = threading.Lock()


def _new_mutex() -> None:
    """Replace the lock in a forked child: a thread that held it in the parent is not there to free it."""
    global _sender_mutex  # noqa: PLW0603 - one per process
    _sender_mutex = threading.Lock()


os.register_at_fork(after_in_child=_new_mutex)


def _current_sender() -> _Sender:
    global _sender  # noqa: PLW0603 - one thread per process
    with _sender_mutex:
        if _sender is None or _sender.pid != os.getpid():
            _sender = _Sender()
        return _sender


@atexit.register
def _send_the_rest() -> None:
    """Let what a process that ends has published go out; its listeners would never hear of it otherwise."""
    if _sender is not None and _sender.pid == os.getpid():
        _sender.wait_idle(timeout=1)


def publish(value: dict[str, Any]) -> None:
    """Send {"name": "invalidateCache", "value": value} once the transaction, if any, is committed.

    Nothing with ENABLE_WEBSOCKETS off.
    """
    if not settings.ENABLE_WEBSOCKETS:
        return
    transaction.on_commit(lambda: _current_sender().add(value), robust=True)


def flush(timeout: float = 5.0) -> bool:
    """Wait until everything published so far was sent; say whether that happened in time."""
    return _current_sender().wait_idle(timeout)


def processes_changed(process_id: UUID) -> None:
    publish({"type": "processes", "id": LIST})
    publish({"type": "processes", "id": str(process_id)})


def step_said_something(process_id: UUID) -> None:
    publish({"type": "processLog", "id": str(process_id)})


def subscription_changed(subscription_id: UUID) -> None:
    publish({"type": "subscriptions", "id": str(subscription_id)})
    publish({"type": "subscriptions", "id": LIST})


def status_counts_changed() -> None:
    publish({"type": "processStatusCounts"})


def engine_status_changed() -> None:
    publish({"type": ENGINE_STATUS})
