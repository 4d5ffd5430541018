"""The frame of every page in a real browser: menu, theme, live events, dialogs, toasts, lists, accessibility."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from subscriptions.models import Subscription
from tests.e2e.conftest import LiveServer, NewPage
from tests.subscriptions.rows import a_block, a_product, a_revision, a_subscription
from wfo_site.common import broadcast

IS_LIVE = "Live updates are on"


@pytest.fixture
def circuit(server: LiveServer) -> Subscription:
    """A circuit over a port of another subscription, locked, with a history; and twelve ports more."""
    port = a_subscription("port ams-1", note="spare")
    circuit = a_subscription("circuit ams to lon", insync=False, product=a_product("Circuit", tag="CIRCUIT"))
    a_block(circuit, "Circuit", a_block(port, "Port", port_name="1/1/1", vlans=[3, 4]), speed=1000, protected=True)
    a_revision(circuit, 1, ("status", None, "active"))
    a_revision(circuit, 2, ("circuit.speed", 100, 1000), process_id=uuid4(), step="Set speed")
    for number in range(12):
        a_subscription(f"port lon-{number:02}")
    return circuit


def is_live(page: Page) -> None:
    expect(page.get_by_role("button", name=IS_LIVE)).to_be_visible()


def test_login_leads_to_the_page_that_was_asked_for(anonymous_page: Page, user: User) -> None:
    page = anonymous_page
    page.goto("/subscriptions/?tab=all")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password").fill("alice's long password")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url("/subscriptions/?tab=all")


def test_logout_is_in_the_user_menu(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Account of Alice").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_start_page_loads_every_card(page: Page, circuit: Subscription) -> None:
    page.goto("/")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    expect(page.get_by_role("region", name="Out of sync")).to_contain_text("circuit ams to lon")
    expect(page.get_by_role("region", name="Products")).to_contain_text("Port 10G")


def test_theme_is_kept_and_set_before_the_first_paint(page: Page) -> None:
    page.goto("/")
    toggle = page.get_by_role("button", name="Theme:")
    toggle.click()
    toggle.click()
    expect(toggle).to_have_accessible_name("Theme: dark")
    page.reload(wait_until="commit")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_menu_collapses_and_stays_so(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Collapse menu").click()
    page.goto("/subscriptions/")
    assert page.locator("#menu").bounding_box()["width"] < 90  # type: ignore[index]
    expect(page.get_by_role("link", name="Subscriptions").first).to_be_visible()


def test_phone_draws_the_menu_in_and_keeps_the_focus_there(new_page: NewPage, user: User) -> None:
    page = new_page(user, width=390, height=800)
    page.goto("/")
    menu = page.get_by_role("navigation", name="Main")
    expect(menu).to_be_hidden()
    page.get_by_role("link", name="Open menu").press("Enter")
    expect(menu).to_be_visible()
    expect(page.locator(".shell-page")).to_have_attribute("inert", "")
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(page.get_by_role("link", name="Open menu")).to_be_focused()


def test_first_tab_stop_skips_to_the_content(page: Page) -> None:
    page.goto("/subscriptions/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_search_filters_while_typing_and_reload_shows_the_same(page: Page, circuit: Subscription) -> None:
    page.goto("/subscriptions/")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox")
    expect(search).to_be_focused()
    page.keyboard.type("lon-03")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.get_by_text("1 subscription found")).to_be_attached()
    expect(search).to_be_focused()
    expect(page).to_have_url("/subscriptions/?tab=active&q=lon-03")
    page.reload()
    expect(page.locator("#list tbody tr")).to_have_count(1)


def test_sorting_tabs_and_back_button(page: Page, circuit: Subscription) -> None:
    page.goto("/subscriptions/?per=10")
    page.get_by_role("link", name="Product", exact=True).click()
    expect(page.locator("#list tbody tr").first).to_contain_text("circuit")
    page.get_by_role("link", name="Page 2").click()
    expect(page.locator("#list tbody tr")).to_have_count(4)
    page.get_by_role("link", name="Terminated").click()
    expect(page.get_by_text("None here")).to_be_visible()
    page.go_back()
    expect(page.locator("#list tbody tr")).to_have_count(4)


def test_an_event_brings_a_new_row_without_reload(page: Page, circuit: Subscription) -> None:
    page.goto("/subscriptions/")
    is_live(page)
    late = a_subscription("a late arrival")
    broadcast.subscription_changed(late.pk)
    expect(page.get_by_role("link", name="a late arrival")).to_be_visible()


def test_detail_follows_its_subscription_and_keeps_what_was_opened(page: Page, circuit: Subscription) -> None:
    page.goto(f"/subscriptions/{circuit.pk}/")
    is_live(page)
    details = page.locator("details.block-more").first
    details.locator("summary").click()
    Subscription.objects.filter(pk=circuit.pk).update(insync=True, description="circuit renamed")
    broadcast.subscription_changed(circuit.pk)
    expect(page.get_by_role("heading", name="circuit renamed")).to_be_visible()
    expect(page.get_by_text("Out of sync.")).to_have_count(0)
    expect(details).to_have_attribute("open", "")


def test_polling_takes_over_while_the_socket_is_down(page: Page, circuit: Subscription) -> None:
    page.route_web_socket("**/api/ws/events", lambda socket: socket.close())
    page.goto("/subscriptions/")
    expect(page.get_by_role("button", name="Live updates are off")).to_be_visible()
    a_subscription("found by polling")
    expect(page.get_by_role("link", name="found by polling")).to_be_visible()


def test_actions_load_when_opened_and_close_with_escape(page: Page, circuit: Subscription) -> None:
    page.goto(f"/subscriptions/{circuit.pk}/")
    opener = page.locator(".actions-menu > summary")
    opener.click()
    expect(page.locator("#subscription-actions")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#subscription-actions")).to_be_hidden()
    expect(opener).to_be_focused()


def test_the_current_tab_can_be_seen_on_a_phone(new_page: NewPage, user: User, circuit: Subscription) -> None:
    page = new_page(user, width=390)
    page.goto(f"/subscriptions/{circuit.pk}/?tab=history")
    expect(page.get_by_role("link", name="History")).to_be_in_viewport(ratio=0.95)


def test_set_in_sync_asks_first(page: Page, circuit: Subscription) -> None:
    page.goto(f"/subscriptions/{circuit.pk}/")
    page.get_by_role("button", name="Set in sync").click()
    dialog = page.get_by_role("dialog", name="Call this subscription in sync?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    assert not Subscription.objects.get(pk=circuit.pk).insync
    page.get_by_role("button", name="Set in sync").click()
    dialog.get_by_role("button", name="Set in sync").click()
    expect(page.locator("#toasts")).to_contain_text("The subscription is in sync.")
    assert Subscription.objects.get(pk=circuit.pk).insync


def test_ids_are_copied_whole(page: Page, circuit: Subscription) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/subscriptions/{circuit.pk}/")
    page.get_by_role("button", name="Copy subscription id").first.click()
    expect(page.locator("#announcer")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == str(circuit.pk)


def test_errors_of_the_server_become_toasts(page: Page, circuit: Subscription) -> None:
    page.goto("/subscriptions/")
    page.route("**/subscriptions/?*", lambda route: route.fulfill(status=503, body="no"))
    page.get_by_role("link", name="Terminated").click()
    expect(page.locator("#toasts")).to_contain_text("The engine is paused")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#toasts .toast-note")).to_have_count(0)


def test_lists_work_without_javascript(new_page: NewPage, user: User, circuit: Subscription) -> None:
    page = new_page(user, java_script_enabled=False)
    page.goto("/subscriptions/")
    page.get_by_role("searchbox").fill("lon-03")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#list tbody tr")).to_have_count(1)


Address = Callable[[Subscription], str]
PAGES: dict[str, Address] = {
    "login": lambda _: "/accounts/login/",
    "start": lambda _: "/",
    "list": lambda _: "/subscriptions/?tab=all",
    "empty list": lambda _: "/subscriptions/?q=nothing",
    "configuration": lambda circuit: f"/subscriptions/{circuit.pk}/",
    "general": lambda circuit: f"/subscriptions/{circuit.pk}/?tab=general",
    "workflows": lambda circuit: f"/subscriptions/{circuit.pk}/?tab=processes",
    "related": lambda circuit: f"/subscriptions/{circuit.pk}/?tab=related",
    "history": lambda circuit: f"/subscriptions/{circuit.pk}/?tab=history",
    "password": lambda _: "/accounts/password/",
    "not found": lambda _: "/nowhere/",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_is_hard_to_use_for_anybody(new_page: NewPage, user: User, circuit: Subscription, theme: str) -> None:
    """WCAG 2.2 A and AA, as far as a machine can tell."""
    page, stranger = (new_page(person, color_scheme=theme) for person in (user, None))
    # Preloading would fetch imported styles from wrong addresses; same-origin ones are readable without.
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "preload": False}
    found = {}
    for name, address in PAGES.items():
        seen = stranger if name == "login" else page
        seen.goto(address(circuit))
        seen.wait_for_load_state("networkidle")
        result = Axe().run(seen, options=rules).response
        found[name] = [
            f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
            for violation in result["violations"]
            for node in violation["nodes"]
        ]
    assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.mark.parametrize("width", [390, 768, 1024, 1920])
def test_no_page_scrolls_sideways(new_page: NewPage, user: User, circuit: Subscription, width: int) -> None:
    page = new_page(user, width=width)
    wide = {}
    for name, address in PAGES.items():
        page.goto(address(circuit))
        page.wait_for_load_state("networkidle")
        taken = page.evaluate("document.documentElement.scrollWidth")
        if taken > width:
            wide[name] = taken
    assert wide == {}
