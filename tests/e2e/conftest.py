"""A real Chromium against the real ASGI application, served by uvicorn in a thread of this process.

pytest-playwright keeps one event loop for the whole session, which stops every asynchronous test that comes after; here
browser and server live as long as this folder's tests and no longer.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

# Playwright's synchronous interface runs a loop in this thread; the ORM would take the test for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
NewPage = Callable[..., Page]

expect.set_options(timeout=10_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


@dataclass(frozen=True)
class LiveServer:
    """Where the application listens; `server / "subscriptions/"` is the address of a page."""

    url: str

    def __truediv__(self, path: str) -> str:
        return f"{self.url}/{path.lstrip('/')}"

    def __str__(self) -> str:
        return self.url


@pytest.fixture(scope="package")
def _served() -> Iterator[LiveServer]:
    from wfo_site.asgi import application

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(application, log_level="warning", lifespan="off", ws="websockets-sansio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="live-server", daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server thread ended before it listened"
        assert time.monotonic() < deadline, "the server did not listen within 20 seconds"
        time.sleep(0.02)
    yield LiveServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
    server.should_exit = True
    server.force_exit = True
    thread.join(timeout=10)
    listener.close()


@pytest.fixture
def server(_served: LiveServer, transactional_db: None) -> LiveServer:
    """The running application. Rows are committed, because it reads them in other threads."""
    return _served


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    if not CHROMIUM and os.environ.get("CI") != "true":
        pytest.skip("no Chromium found; install it, or name it in the variable CHROMIUM")
    assert CHROMIUM, "CI needs a Chromium"
    launched = playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    )
    yield launched
    launched.close()


@pytest.fixture
def user(server: LiveServer) -> User:
    """Alice, an administrator; her password is "alice's long password"."""
    return User.objects.create_superuser("alice", "alice@example.org", "alice's long password", first_name="Alice")


@dataclass
class Complaints:
    """What the browser complained about: uncaught errors and refused scripts or styles."""

    texts: list[str]

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.texts.append(str(error)))
        page.on("console", lambda message: self.texts.append(message.text) if self._counts(message) else None)

    @staticmethod
    def _counts(message: Any) -> bool:
        return message.type == "error" and ("Content Security Policy" in message.text or "Uncaught" in message.text)


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Fails the test at its end when a page had an uncaught error or broke the content security policy."""
    collected = Complaints([])
    yield collected
    assert collected.texts == []


@pytest.fixture
def new_page(browser: Browser, server: LiveServer, complaints: Complaints) -> Iterator[NewPage]:
    """Open pages: `new_page(user, width=390, theme="dark")`; without a user nobody is logged in."""
    contexts: list[BrowserContext] = []

    def open_page(user: User | None = None, *, width: int = 1440, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(
            base_url=str(server), viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        if user is not None:
            client = Client()
            client.force_login(user)
            context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": str(server)}])
        page = context.new_page()
        complaints.listen(page)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: NewPage, user: User) -> Page:
    """A page in which Alice is logged in; addresses may be relative: `page.goto("/subscriptions/")`."""
    return new_page(user)


@pytest.fixture
def anonymous_page(new_page: NewPage) -> Page:
    return new_page()
