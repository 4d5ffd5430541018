#!/usr/bin/env python3
"""Take the pictures of the documentation: a fresh installation with the demo, page by page, light, dark and as a phone.

    python3 -m uv run tests/screenshots.py [name ...]

Names are those of the pictures, such as process-detail; without any, all are taken. They go to docs/images.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Request, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SERVING = re.compile(r"Serving at (http://\S+)/ ")
PASSWORD = re.compile(r"Log in as admin with the password (\S+)")
PATIENCE = 60
LARGEST = 160_000
# A create_node of the second server stays in this step, so that there is a process to see while it runs.
STOPS_AT = "before write|Provision node in NRM|0"

JSON = dict[str, Any]


@dataclass(frozen=True)
class Shot:
    """A picture: its name, the address of the page, and whether a phone shows it too."""

    name: str
    address: str
    phone: bool = False
    height: int = 900
    dark: bool = True
    # What to press, and then to type, before the picture is taken.
    press: str = ""
    text: str = ""


class Server:
    """`manage.py serve` on a free port, with the state in one folder."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.log = folder / "serve.log"
        self.environment = {
            **os.environ,
            "DATABASE_URL": "",
            "WFO_DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", "0"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.url = self.said(SERVING)

    def said(self, pattern: re.Pattern[str]) -> str:
        """Wait for a line of the server's output and return what it says."""
        until = time.monotonic() + PATIENCE
        while (found := pattern.search(self.log.read_text())) is None:
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"The server does not serve:\n{self.log.read_text()}")
            time.sleep(0.1)
        return found[1]

    def manage(self, *command: str) -> None:
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=self.environment, check=True)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Server]:
    server = Server(folder, **environment)
    try:
        yield server
    finally:
        server.stop()


class Photographer:
    """A logged-in browser that goes to pages and takes pictures of them."""

    def __init__(self, browser: Browser, url: str, password: str, wanted: set[str]) -> None:
        self.browser = browser
        self.url = url
        self.wanted = wanted
        # Of style and script files: a page without them is no picture of us.
        self.failures: list[str] = []
        page = self._open(cookies=None)
        page.goto("/accounts/login/")
        page.fill("[name=username]", "admin")
        page.fill("[name=password]", password)
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda address: "/accounts/login" not in address)
        self.page = page
        self.cookies: list[Any] = page.context.cookies()

    def _open(self, *, cookies: list[Any] | None, width: int = 1440, height: int = 900, dark: bool = False) -> Page:
        context = self.browser.new_context(
            base_url=self.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            is_mobile=width < 500,
            device_scale_factor=2 if width < 500 else 1,
        )
        context.set_default_timeout(20_000)
        context.on("requestfailed", self._note_failure)
        if cookies:
            context.add_cookies(cookies)
        return context.new_page()

    def _note_failure(self, request: Request) -> None:
        if request.resource_type in {"stylesheet", "script", "image", "font"}:
            self.failures.append(f"{request.url}: {request.failure}")

    def get(self, path: str) -> Any:
        answer = self.page.request.get(path)
        assert answer.ok, (path, answer.status, answer.text()[:500])
        return answer.json()

    def take(self, shot: Shot, *, logged_in: bool = True) -> None:
        if self.wanted and shot.name not in self.wanted:
            return
        looks = [("light", 1440, shot.height, False)]
        if shot.dark:
            looks.append(("dark", 1440, shot.height, True))
        if shot.phone:
            looks.append(("phone", 390, 844, False))
        for look, width, height, dark in looks:
            page = self._open(cookies=self.cookies if logged_in else None, width=width, height=height, dark=dark)
            page.goto(shot.address)
            settle(page)
            if shot.press:
                page.locator(shot.press).first.click()
                page.keyboard.type(shot.text)
                # Searches wait until nobody has typed for a moment.
                page.wait_for_timeout(500)
                settle(page)
            if self.failures:
                raise RuntimeError(
                    f"{shot.address} did not load all of its files; were they just changed? {self.failures}"
                )
            save(page, f"{shot.name}-{look}")
            page.context.close()


def settle(page: Page) -> None:
    """Wait until the panels that a page fetches are there. Never for the network to be idle: a WebSocket stays open."""
    page.wait_for_load_state("load")
    # Asked from here: the content security policy lets nobody evaluate text in the page, not even a test.
    until = time.monotonic() + 15
    busy = page.locator(
        ".htmx-request, .skeleton:visible, .loading-container, [data-live-indicator]:not([data-state=live])"
    )
    while busy.count() and time.monotonic() < until:
        page.wait_for_timeout(50)
    page.wait_for_timeout(200)


def save(page: Page, name: str) -> None:
    """Save a picture as PNG, or as JPEG where that would be large."""
    picture, ending = page.screenshot(animations="disabled", caret="hide"), "png"
    if len(picture) > LARGEST:
        picture, ending = page.screenshot(animations="disabled", caret="hide", type="jpeg", quality=80), "jpg"
    for old in IMAGES.glob(f"{name}.*"):
        old.unlink()
    (IMAGES / f"{name}.{ending}").write_bytes(picture)
    print(f"{name}.{ending}  {len(picture) // 1024} kB", flush=True)


def start_node(page: Page, product: str, name: str) -> str:
    """Walk through the wizard of a new node and return the address of its process."""
    page.goto(f"/processes/start/create_node/?productId={product}")
    settle(page)
    for field in ("customer_id", "type_id", "role_id", "site_id", "node_status"):
        choose_first(page, field)
    page.fill("[name=node_name]", name)
    page.click(".form-forward")
    page.wait_for_selector("[name=node_name]", state="detached")
    # A double swap of the last page would be a second start.
    settle(page)
    page.click(".form-forward")
    page.wait_for_url(re.compile(r"/processes/[0-9a-f-]{36}/"))
    return page.url


def choose_first(page: Page, field: str) -> None:
    select = page.locator(f"select[name={field}]")
    if select.count():
        values = select.locator("option").evaluate_all("all => all.map(o => o.value).filter(v => v)")
        select.select_option(values[0])
        return
    page.locator(f"input[type=radio][name={field}]").first.check()


def take_all(camera: Photographer) -> None:
    """Take every picture, in an order in which each thing is there when it is needed."""
    processes: list[JSON] = camera.get("/api/processes/?range=0,500")
    by_status: dict[str, JSON] = {process["last_status"]: process for process in reversed(processes)}
    subscriptions = {
        subscription["description"]: subscription
        for process in processes
        for subscription in process["subscriptions"]
        if subscription["status"] == "active"
    }
    delivered = {
        name: next(process for process in processes if process["workflow_name"] == name and is_done(process))
        for name in ("create_node", "create_l2vpn")
    }
    l2vpn = delivered["create_l2vpn"]["subscriptions"][0]["subscription_id"]
    port = next(each for each in subscriptions.values() if each["product"]["tag"] == "PORT")
    products = {product["name"]: product["product_id"] for product in camera.get("/api/products/")}

    camera.take(Shot("login", "/accounts/login/", phone=True), logged_in=False)
    camera.take(Shot("start", "/", phone=True))
    camera.take(Shot("subscriptions", "/subscriptions/?tab=all", phone=True))
    for tab in ("configuration", "general", "processes", "related", "history"):
        of = port["subscription_id"] if tab == "related" else l2vpn
        name = "subscription-detail" if tab == "configuration" else f"subscription-{tab}"
        camera.take(Shot(name, f"/subscriptions/{of}/?tab={tab}", phone=tab == "configuration"))
    camera.take(Shot("subscription-actions", f"/subscriptions/{port['subscription_id']}/", press="text=Actions"))
    camera.take(Shot("subscription-new", "/processes/new/", phone=True))
    ordering_node = f"/processes/start/create_node/?productId={products['node Nokia']}"
    camera.take(Shot("wizard-node", ordering_node, phone=True))
    camera.take(Shot("wizard-errors", ordering_node, phone=True, press=".form-forward"))
    ordering_port = f"/processes/start/create_port/?productId={products['port 10G']}"
    camera.take(Shot("wizard-port", ordering_port, press="[role=combobox]", text="pe-1"))
    camera.take(Shot("tasks", "/tasks/", phone=True))
    camera.take(Shot("task-new", "/tasks/new/"))
    camera.take(Shot("showcase-form", "/processes/start/task_showcase/", height=1200))
    detail = f"/processes/{delivered['create_l2vpn']['process_id']}/"
    step = ".step-card summary:has-text('Create L2VPN in IMS')"
    camera.take(Shot("process-detail", detail, phone=True, height=1000, press=step))
    failed = next(
        each for each in processes if each["last_status"] == "failed" and each["workflow_name"] == "create_node"
    )
    camera.take(Shot("process-failed", f"/processes/{failed['process_id']}/", phone=True))
    camera.take(Shot("process-state", f"/processes/{failed['process_id']}/state/"))
    camera.take(Shot("process-abort", f"/processes/{failed['process_id']}/", press="[data-action=abort]"))
    camera.take(Shot("process-undo", f"/processes/{failed['process_id']}/undo/", phone=True))
    camera.take(Shot("engine", "/processes/engine/", phone=True))
    checked = next(each for each in processes if each["workflow_name"] == "task_check_nodes")
    camera.take(Shot("process-parts", f"/processes/{checked['process_id']}/", phone=True))
    for status in ("suspended", "awaiting_callback", "aborted"):
        name = f"process-{status.partition('_')[0]}"
        camera.take(Shot(name, f"/processes/{by_status[status]['process_id']}/", phone=status == "suspended"))
    camera.take(Shot("processes", "/processes/", phone=True))
    camera.take(Shot("api-docs", "/api/docs", dark=False))
    camera.take(Shot("admin-inventory", "/admin/network/device/"))
    camera.take(Shot("password-change", "/accounts/password/"))
    camera.take(Shot("not-found", "/nowhere/"))
    if not camera.wanted or "process-running" in camera.wanted:
        running = start_node(camera.page, products["node Nokia"], "ams-pe-3")
        camera.page.get_by_text("Provision node in NRM").first.wait_for()
        camera.take(Shot("process-running", running))


def is_done(process: JSON) -> bool:
    return bool(process["last_status"] == "completed" and process["subscriptions"])


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(folder) as server:
            password = server.said(PASSWORD)
            server.manage("seed_demo")
        stop = {"STOP_AT": STOPS_AT, "STOP_FILE": str(folder / "stopped")}
        with serving(folder, **stop) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            try:
                take_all(Photographer(browser, server.url, password, set(sys.argv[1:])))
            finally:
                browser.close()


if __name__ == "__main__":
    main()
