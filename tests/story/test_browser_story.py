"""The story as an operator lives it, in Chromium, on the installation that the README's first command starts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.conftest import CHROMIUM

from .installation import Installation

pytestmark = pytest.mark.e2e

FAIL_ONCE = """
from wfo_site.examples.network.inventory.models import FailureRule
FailureRule.objects.create(operation="create_l2vpn", when="before", times_left=1, message="The inventory is on holiday")
print(json.dumps(True))
"""
DELIVERED = """
from wfo_site.examples.network.inventory import models as m
print(json.dumps([m.Device.objects.count(), m.Cable.objects.count(), m.L2VPN.objects.count(), m.VLAN.objects.count()]))
"""


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser: Browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        opened.set_default_timeout(20_000)
        yield opened
        browser.close()


class Operator:
    """What an operator does again and again."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        # What the browser complained about: a broken script, a file that is missing, a style that was refused.
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def log_in(self, password: str) -> None:
        self.page.goto(self.url)
        self.page.get_by_label("Username").fill("admin")
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Welcome")

    def order(self, product: str) -> None:
        """Open the first page of the form for a product."""
        self.page.get_by_role("link", name="New subscription").click()
        self.page.get_by_role("main").get_by_role("link", name=re.compile(rf"\b{product}\b")).first.click()
        expect(self.page.get_by_role("button", name="Next")).to_be_visible()

    def select(self, label: str, *, containing: str = "") -> None:
        """Choose in a list or among radio buttons, whichever the number of options has made it."""
        main = self.page.get_by_role("main")
        named = re.compile(rf"^{label}\b")
        group = main.get_by_role("group", name=named).or_(main.get_by_role("radiogroup", name=named))
        box = main.locator("select").and_(main.get_by_label(named))
        # The page may still be the one before.
        group.or_(box).first.wait_for()
        if group.count():
            group.first.get_by_label(re.compile(containing)).first.check()
            return
        texts = box.locator("option").all_inner_texts()
        fitting = [text for text in texts if text != "Choose…" and containing in text]
        assert fitting, (
            f"{label} offers {texts}, none with {containing!r}: {self.page.get_by_role('main').inner_text()}"
        )
        box.select_option(label=fitting[0])

    def pick(self, label: str, text: str, *, index: int = 0) -> None:
        """Search in a picker and take the first match."""
        box = self.page.get_by_role("combobox", name=re.compile(label)).nth(index)
        box.click()
        box.press_sequentially(text, delay=15)
        self.page.get_by_role("option", name=re.compile(text)).first.click()

    def next(self) -> None:
        self.page.get_by_role("button", name="Next").click()

    def start(self) -> None:
        self.page.get_by_role("button", name=re.compile("^Start")).last.click()
        self.page.wait_for_url(re.compile(r"/(processes|tasks)/[0-9a-f-]{36}/"))

    def sees(self, status: str) -> None:
        """Wait, without a reload, until the process shows this status."""
        expect(self.page.locator("#process-summary, main").first).to_contain_text(
            re.compile(rf"\b{status}\b", re.IGNORECASE), timeout=30_000
        )


def test_an_operator_builds_a_network_sees_a_failure_retries_and_looks_at_the_result(
    fresh: Installation, page: Page
) -> None:
    with fresh.serving() as served:
        url = str(served.client.base_url)
        operator = Operator(page, url)
        operator.log_in(fresh.printed_password)

        page.goto(f"{url}/processes/start/task_bootstrap_netbox/")
        operator.start()
        operator.sees("completed")

        for name, site in (("ams-core-1", "Amsterdam"), ("par-core-1", "Paris")):
            operator.order("node Nokia")
            for label, text in (
                ("Customer", "SURF"),
                ("Node type", "7220 IXR-D2"),
                ("Node role", "Provider"),
                ("Site", site),
                ("Node status", "active"),
            ):
                operator.select(label, containing=text)
            page.get_by_label("Node name").fill(name)
            operator.next()
            expect(page.get_by_role("main")).to_contain_text(name)
            operator.start()
            operator.sees("completed")

        for name in ("ams-core-1", "par-core-1"):
            operator.order("port 10G")
            operator.select("Customer", containing="SURF")
            operator.pick("Node", name)
            operator.next()
            operator.select("Port(?! mode)", containing="ethernet")
            page.get_by_label(re.compile("description", re.IGNORECASE)).first.fill("customer port")
            operator.select("Port mode", containing="^tagged")
            operator.next()
            operator.start()
            operator.sees("completed")

        operator.order("core link 10G")
        operator.select("Customer", containing="SURF")
        operator.pick("Node A", "ams-core-1")
        operator.pick("Node B", "par-core-1")
        operator.next()
        operator.select("Port A", containing="ethernet")
        operator.select("Port B", containing="ethernet")
        operator.start()
        operator.sees("completed")

        assert fresh.ask(FAIL_ONCE) is True
        operator.order("l2vpn")
        operator.select("Customer", containing="SURF")
        page.get_by_label(re.compile("Number of ports")).fill("2")
        page.get_by_label(re.compile("Speed")).first.fill("1000")
        operator.next()
        operator.pick("Ports", "ams-core-1", index=0)
        operator.pick("Ports", "par-core-1", index=1)
        page.get_by_label(re.compile("VLAN", re.IGNORECASE)).last.fill("100,110-111")
        operator.start()
        operator.sees("failed")
        expect(page.get_by_role("main")).to_contain_text("The inventory is on holiday")

        page.get_by_role("button", name="Retry").first.click()
        page.get_by_role("dialog").get_by_role("button", name=re.compile("Retry|Confirm|Yes")).click()
        operator.sees("completed")

        page.get_by_role("main").get_by_role("link", name=re.compile("L2VPN 1000")).first.click()
        main = page.get_by_role("main")
        expect(main.get_by_role("heading", level=1)).to_contain_text("L2VPN 1000 Mbit/s (ams-core-1-par-core-1)")
        expect(main).to_contain_text("1000 Mbit/s circuit between ams-core-1 and par-core-1")
        expect(main).to_contain_text("100,110-111")
        assert operator.complaints == []
    assert fresh.ask(DELIVERED) == [2, 1, 1, 6]
