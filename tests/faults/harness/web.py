"""Web processes of a fleet, and many requests to them at once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.faults.harness.fleet import Fleet
from tests.faults.harness.servers import free_port, listens
from tests.story.installation import wait_until


@dataclass
class Web:
    """A client of one web process. `seconds` are how long each answer took."""

    client: httpx.Client
    seconds: list[float] = field(default_factory=list)

    def send(self, method: str, path: str, body: Any, **headers: str) -> httpx.Response | None:
        """Return the answer, or None if the web process died over it."""
        began = time.monotonic()
        try:
            answer = self.client.request(method, f"/api/processes/{path}", json=body, headers=headers)
        except httpx.TransportError:
            return None
        self.seconds.append(time.monotonic() - began)
        return answer

    def status(self, method: str, path: str, body: Any, **headers: str) -> int:
        answer = self.send(method, path, body, **headers)
        assert answer is not None, "the web process died"
        return answer.status_code

    def start(self, workflow: str, key: str) -> httpx.Response | None:
        return self.send("POST", workflow, [{}], **{"Idempotency-Key": key})

    def resume(self, process_id: str, *pages: dict[str, Any]) -> int:
        return self.status("PUT", f"{process_id}/resume", list(pages))

    def call_back(self, route: str, body: dict[str, Any]) -> int:
        return self.status("POST", route.removeprefix("/api/processes/"), body)


@contextmanager
def web_of(fleet: Fleet, *, stop_at: str | None = None) -> Iterator[Web]:
    """Run a web process for the block; with `stop_at` it stops or dies there."""
    port = free_port()
    file = fleet.folder / f"stopped_{uuid4().hex}"
    child = fleet.fork("web", port=port, stop_at=stop_at, file=str(file))
    wait_until(lambda: listens(port) or not child.is_alive())
    limits = httpx.Limits(max_connections=None)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, limits=limits) as client:
        yield Web(client)
    child.kill()


def killed_within(fleet: Fleet, request: Callable[[Web], object]) -> Iterator[str]:
    """Send a request to a web process that dies before the first statement, to another that dies before the second,
    and so on until one does not die, and to one that dies before the answer. Gives the place after each death."""
    for number in itertools.count():
        place = f"statement||{number}|die"
        with web_of(fleet, stop_at=place) as web:
            if request(web) is not None:
                break
        yield place
    with web_of(fleet, stop_at="answer||0|die") as web:
        assert request(web) is None
    yield "answer"


def at_once(number: int, act: Callable[[int], Any]) -> list[Any]:
    """Do something so many times at the same time, each with its number, and return what came of each."""
    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(act, range(number)))
