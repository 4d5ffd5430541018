"""The other system of the sample: it counts how often it was called with each idempotency key."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Ledger:
    """What was called. `delay` seconds pass within each call, so that kills hit calls too; none ends while the gate is
    shut."""

    url: str = ""
    delay: float = 0.0
    gate: threading.Event = field(default_factory=threading.Event)
    counts: Counter[str] = field(default_factory=Counter)
    # Of each key: the process and the step that used it. Two of them would be a key that is not unique.
    places: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def take(self, entry: dict[str, Any]) -> None:
        with self._mutex:
            self.counts[entry["key"]] += 1
            self.places.setdefault(entry["key"], set()).add((entry["process"], entry["step"]))
            self.calls.append({**entry, "at": time.time()})

    def keys_of(self, process: str) -> dict[str, list[str]]:
        """Return the keys that each step of a process has used."""
        found: dict[str, list[str]] = {}
        with self._mutex:
            for key, places in self.places.items():
                for owner, step in places:
                    if owner == process:
                        found.setdefault(step, []).append(key)
        return found

    @property
    def extra_calls(self) -> int:
        """How many calls were repetitions of one that had come before."""
        with self._mutex:
            return sum(self.counts.values()) - len(self.counts)


@contextmanager
def serving_ledger() -> Iterator[Ledger]:
    """Serve a ledger on a free port for the block."""
    ledger = Ledger()
    ledger.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            ledger.take(json.loads(body))
            ledger.gate.wait()
            time.sleep(ledger.delay)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """A caller that was killed while it waited is what this is for."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        ledger.url = f"http://127.0.0.1:{server.server_address[1]}/"
        yield ledger
        server.shutdown()
        thread.join()
