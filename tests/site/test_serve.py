"""One command starts everything, says how to log in, and ends when it is told to."""

from __future__ import annotations

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from django.core.management import CommandError, call_command

from wfo_site.settings.env import BASE_DIR

pytestmark = pytest.mark.once

Start = Callable[..., "Served"]


class Served:
    """`manage.py serve` as a process of its own, with what it has printed so far."""

    def __init__(self, data_dir: Path, *args: str) -> None:
        self.lines: list[str] = []
        self._queue: queue.Queue[str] = queue.Queue()
        env = {"PATH": os.environ["PATH"], "WFO_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", "0", *args],
            cwd=BASE_DIR,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line)

    def wait_for(self, pattern: str, seconds: float = 60) -> str:
        """Return the first group of the first line that matches."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.lines.append(self._queue.get(timeout=0.2))
            except queue.Empty:
                assert self.process.poll() is None, self.output
                continue
            if match := re.search(pattern, self.lines[-1]):
                return match[1]
        raise AssertionError(f"no line matches {pattern}:\n{self.output}")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return the exit code and how many seconds the end took."""
        begin = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        return code, time.monotonic() - begin

    @property
    def output(self) -> str:
        return "".join(self.lines)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers on one data directory; what still runs at the end of the test is killed."""
    started: list[Served] = []

    def start(*args: str) -> Served:
        started.append(Served(tmp_path, *args))
        return started[-1]

    yield start
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
            served.process.wait()


def log_in(client: httpx.Client, password: str) -> httpx.Response:
    client.get("/accounts/login/")
    form = {"username": "admin", "password": password, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    return client.post("/accounts/login/", data=form)


def test_a_bare_machine_gets_a_working_installation_that_stops_in_good_order(start: Start, tmp_path: Path) -> None:
    served = start()
    password = served.wait_for(r"Log in as admin with the password (\S+)")
    url = served.wait_for(r"Serving at (http://127\.0\.0\.1:\d+)/")
    with httpx.Client(base_url=url, timeout=20) as client:
        assert client.get("/api/health").json() == "OK"
        assert client.get("/subscriptions/").status_code == 302
        assert log_in(client, password).status_code == 302
        assert client.get("/").status_code == 200
        products = client.get("/admin/products/product/")
        assert "differ from code" not in products.text
        assert "l2vpn" in products.text
        assert client.get("/static/css/app.css").status_code == 200
    code, seconds = served.stop()
    assert code == 0, served.output
    assert seconds < 15
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert "Traceback" not in served.output

    again = start()
    url = again.wait_for(r"Serving at (http://127\.0\.0\.1:\d+)/")
    assert "password" not in again.output
    with httpx.Client(base_url=url, timeout=20) as client:
        assert log_in(client, password).status_code == 302
    assert again.stop(signal.SIGINT)[0] == 0


def test_an_address_that_others_can_reach_must_be_meant() -> None:
    with pytest.raises(CommandError, match="--public"):
        call_command("serve", host="0.0.0.0", skip_checks=True)


def test_a_port_in_use_is_named_before_anything_is_written(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = subprocess.run(
            [sys.executable, "manage.py", "serve", "--port", str(port)],
            cwd=BASE_DIR,
            env={"PATH": os.environ["PATH"], "WFO_DATA_DIR": str(tmp_path), "WFO_EXTENSIONS": ""},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert result.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in result.stderr
    assert "--port" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("*.sqlite3"))
