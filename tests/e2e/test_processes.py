"""Pages about processes in a real browser: live without losing what a person does, by keyboard, accessible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from products import registry
from products.models import Product
from tests.e2e.conftest import LiveServer, NewPage
from tests.workflows.views import flows
from tests.workflows.views.rows import a_process, a_subscription, a_workflow
from wfo_site.common import broadcast
from workflows import done, init
from workflows.models import Process
from workflows.services import abort_process, pause_engine, set_process_note, start_process

IS_LIVE = "Live updates are on"


@pytest.fixture(autouse=True)
def workflows(server: LiveServer) -> Iterator[None]:
    with registry.isolated(empty=False):
        flows.register()
        yield


@pytest.fixture
def suspended() -> Process:
    """A process that asks for two pages of input and then fails once."""
    product = Product.objects.get(name="Port 10G")
    inputs = [{"product": str(product.pk)}, {"city": "Delft"}, {"speed": 10}]
    return Process.objects.get(pk=start_process("create_test_port", inputs, user="bob"))


@pytest.fixture
def failed() -> Process:
    return Process.objects.get(pk=start_process("task_clean_up", user="bob"))


def _open(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.get_by_role("button", name=IS_LIVE)).to_be_visible()
    # Lost by a reload: proof that a change was swapped in.
    page.evaluate("window.isSamePage = true")


def _is_same_page(page: Page) -> bool:
    return bool(page.evaluate("window.isSamePage === true"))


def _confirm(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()
    page.locator("dialog[open]").get_by_role("button", name=button).click()


def test_from_product_to_completed_process(page: Page) -> None:
    page.goto("/processes/new/")
    page.get_by_role("searchbox").fill("port 10g")
    page.locator('.offer[href*="create_test_port"]').click()
    page.get_by_label("City").fill("Delft")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Speed").fill("10")
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("City")).to_have_value("Delft")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_label("Speed")).to_have_value("10")
    page.get_by_role("button", name="Start workflow").click()
    expect(page.get_by_role("heading", name="Create port", level=1)).to_be_visible()
    page.get_by_label("Port").fill("1/1/1")
    page.locator("#process-form").get_by_role("button", name="Next").click()
    expect(page.get_by_label("Remarks")).to_have_value("Cabled in Delft")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#process-status")).to_contain_text("failed")
    _confirm(page, "Retry")
    expect(page.locator("#process-status")).to_contain_text("completed")
    expect(page.locator(".step-card.step-pending")).to_have_count(0)


def test_an_answer_counts_although_the_button_was_drawn_anew_while_the_dialog_was_open(
    page: Page, failed: Process
) -> None:
    retry = page.get_by_role("button", name="Retry", exact=True)
    confirm = page.locator("dialog[open]").get_by_role("button", name="Retry")
    _open(page, f"/tasks/{failed.pk}/")
    retry.click()
    page.evaluate("for (const form of document.querySelectorAll('#process-buttons form')) form.remove()")
    confirm.click()
    expect(page.locator("#toasts")).to_contain_text("Nothing was sent")
    _open(page, f"/tasks/{failed.pk}/")
    retry.click()
    page.evaluate(
        "for (const form of document.querySelectorAll('#process-buttons form')) {"
        "const again = form.cloneNode(true); form.replaceWith(again); htmx.process(again) }"
    )
    confirm.click()
    expect(page.locator("#process-status")).to_contain_text("completed")


def test_wrong_input_is_corrected_in_place(page: Page) -> None:
    product = Product.objects.get(name="Port 10G")
    _open(page, f"/processes/start/create_test_port/?productId={product.pk}")
    page.get_by_label("City").fill("Delft")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Speed").evaluate("element => { element.type = 'text'; element.value = 'fast' }")
    page.get_by_role("button", name="Start workflow").click()
    expect(page.get_by_role("alert")).to_contain_text("One thing needs attention")
    assert _is_same_page(page)
    assert not Process.objects.exists()


def test_a_session_that_ended_leads_to_the_login_and_back_to_what_was_typed(page: Page, user: User) -> None:
    product = Product.objects.get(name="Port 10G")
    page.goto(f"/processes/start/create_test_port/?productId={product.pk}")
    page.get_by_label("City").fill("Delft")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill("alice's long password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Create port", level=1)).to_be_visible()
    page.get_by_role("button", name="Continue where you were").click()
    expect(page.get_by_label("City")).to_have_value("Delft")


def test_events_change_the_page_and_leave_typing_focus_and_opened_steps_alone(page: Page, suspended: Process) -> None:
    _open(page, f"/processes/{suspended.pk}/")
    page.locator("#step-1-details > summary").click()
    expect(page.locator("#step-1-body")).to_contain_text("city")
    page.get_by_label("Port").fill("1/1")
    set_process_note(suspended.pk, "Changed by another")
    expect(page.locator(".note-text")).to_have_text("Changed by another")
    page.keyboard.type("/7")
    expect(page.get_by_label("Port")).to_have_value("1/1/7")
    expect(page.locator("#step-1-body")).to_contain_text("city")
    expect(page.locator("#step-1-details")).to_have_attribute("open", "")
    abort_process(suspended.pk, user="bob")
    expect(page.locator("#process-status")).to_contain_text("aborted")
    expect(page.locator("#process-form")).to_have_count(0)
    expect(page.locator("#step-1-details")).to_have_attribute("open", "")
    assert _is_same_page(page)


def test_a_note_being_written_survives_events(page: Page, suspended: Process) -> None:
    _open(page, f"/processes/{suspended.pk}/")
    page.locator("#note-edit > summary").click()
    page.get_by_role("textbox", name="Note").fill("half a")
    Process.every.filter(pk=suspended.pk).update(assignee="CHANGES", last_seq=suspended.last_seq + 1)
    broadcast.processes_changed(suspended.pk)
    expect(page.locator(".summary-strip")).to_contain_text("CHANGES")
    page.keyboard.type(" thought")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".note-text")).to_have_text("half a thought")
    assert _is_same_page(page)


def test_a_list_redraws_the_row_that_changed_and_shows_new_ones(page: Page, suspended: Process) -> None:
    other = a_process(workflow=a_workflow("another"))
    _open(page, "/processes/")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url.removeprefix(page.url.removesuffix("/processes/"))))
    abort_process(suspended.pk, user="bob")
    row = page.locator(f'[data-process-row="{suspended.pk}"]')
    expect(row).to_contain_text("aborted")
    assert f"/processes/{suspended.pk}/row/" in requests
    assert f"/processes/{other.pk}/row/" not in requests
    assert "/processes/" not in requests
    new = a_process(workflow=a_workflow("brand_new"))
    broadcast.processes_changed(new.pk)
    expect(page.locator("[data-process-row]").first).to_contain_text("Workflow brand new")
    assert _is_same_page(page)


def test_without_websocket_pages_ask_by_themselves(page: Page, suspended: Process) -> None:
    page.route_web_socket("**/api/ws/events", lambda socket: socket.close())
    page.goto(f"/processes/{suspended.pk}/")
    page.get_by_label("Port").fill("1/1/7")
    set_process_note(suspended.pk, "Told by polling")
    expect(page.locator(".note-text")).to_have_text("Told by polling", timeout=15_000)
    expect(page.get_by_label("Port")).to_have_value("1/1/7")


def test_pages_work_without_scripts(new_page: NewPage, user: User, suspended: Process) -> None:
    page = new_page(user, java_script_enabled=False)
    page.goto("/processes/?q=port&status=suspended")
    page.locator(f'[data-process-row="{suspended.pk}"] a').first.click()
    page.locator("#step-1-details > summary").click()
    page.locator("#step-1-body a").click()
    expect(page.get_by_role("heading", name="Start", level=1)).to_be_visible()
    page.go_back()
    page.get_by_label("Port").fill("1/1/7")
    page.locator("#process-form .form-forward").click()
    expect(page.get_by_label("Remarks")).to_be_visible()


def test_filters_are_in_the_address_and_survive_reload_and_sorting(page: Page, suspended: Process) -> None:
    a_process(workflow=a_workflow("another"))
    page.goto("/processes/")
    page.get_by_role("searchbox").fill("create")
    expect(page.locator("[data-process-row]")).to_have_count(1)
    page.get_by_role("link", name="Workflow", exact=True).click()
    expect(page).to_have_url("/processes/?q=create&sort=workflow")
    page.locator("summary", has_text="Status").click()
    page.get_by_label("Suspended").check()
    expect(page).to_have_url("/processes/?q=create&status=suspended&sort=workflow")
    page.reload()
    expect(page.locator("[data-process-row]")).to_have_count(1)
    expect(page.get_by_label("Suspended")).to_be_checked()
    page.get_by_role("link", name="All", exact=True).click()
    expect(page).to_have_url("/processes/?q=create&sort=workflow&tab=all")


def test_a_dot_leads_to_its_step_by_keyboard(page: Page, failed: Process) -> None:
    page.goto(f"/tasks/{failed.pk}/")
    page.get_by_role("link", name="Fail once: Failed, failed 1 time").press("Enter")
    step = page.locator(".step-card.step-failed")
    expect(step.locator("details[data-step]")).to_have_attribute("open", "")
    expect(step).to_contain_text("The node did not answer")
    expect(step.locator("summary").first).to_be_focused()


def test_nothing_is_done_when_the_question_is_answered_with_cancel(page: Page, failed: Process) -> None:
    page.goto(f"/tasks/{failed.pk}/")
    page.get_by_role("button", name="Abort").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert Process.every.get(pk=failed.pk).last_status == "failed"


def test_the_engine_is_paused_from_the_header_and_pages_say_so(page: Page, failed: Process) -> None:
    _open(page, f"/tasks/{failed.pk}/")
    _pause = page.get_by_role("button", name="Pause the engine")
    _pause.click()
    page.locator("dialog[open]").get_by_role("button", name="Pause").click()
    expect(page.locator("#engine-badge")).to_contain_text("Engine paused")
    expect(page.get_by_role("button", name="Retry")).to_be_disabled()
    expect(page.locator("#action-reasons")).to_contain_text("The engine is paused")
    assert _is_same_page(page)


AXE_OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def _assert_accessible(page: Page) -> None:
    found = Axe().run(page, options=AXE_OPTIONS).response["violations"]
    serious = [
        (violation["id"], [node["html"][:200] for node in violation["nodes"][:3]])
        for violation in found
        if violation["impact"] in {"serious", "critical"}
    ]
    assert serious == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


@pytest.fixture(params=[(1440, "light"), (390, "dark")], ids=["wide-light", "phone-dark"])
def page_of_any_look(request: pytest.FixtureRequest, new_page: NewPage, user: User) -> Page:
    width, theme = request.param
    # Axe brings inline styles of its own, which our policy refuses.
    return new_page(user, width=width, color_scheme=theme, bypass_csp=True)


def test_a_state_is_mended_and_the_step_runs_again(page_of_any_look: Page, failed: Process) -> None:
    page = page_of_any_look
    page.goto(f"/tasks/{failed.pk}/")
    page.get_by_role("link", name="Edit state").click()
    _assert_accessible(page)
    text = page.get_by_label("State", exact=True)
    text.fill(text.input_value().replace("{", '{"city": "Delft",', 1))
    page.get_by_role("button", name="Review the change").click()
    # The browser asks for the reason.
    expect(page.get_by_label("Why")).to_be_focused()
    page.get_by_label("Why").fill("It was empty")
    page.get_by_role("button", name="Review the change").click()
    expect(page.locator(".state-table")).to_contain_text("city")
    _assert_accessible(page)
    page.get_by_role("button", name="Change the state").click()
    row = page.locator(".step-card", has_text="State edited")
    row.locator("summary").click()
    expect(row).to_contain_text("It was empty")
    _confirm(page, "Retry")
    expect(page.locator("#process-status")).to_contain_text("completed")


def test_where_a_process_goes_on_is_chosen(page_of_any_look: Page, suspended: Process) -> None:
    page = page_of_any_look
    code: Any = registry.workflows()["create_test_port"].factory
    code.steps = init >> flows.check_cabling >> flows.reserve >> done
    del code.keys
    page.goto(f"/processes/{suspended.pk}/")
    expect(page.locator("#process-status")).to_contain_text("as step 2 it has done “Reserve address”")
    page.get_by_role("link", name="Choose where it goes on").click()
    expect(page.get_by_role("radio", name="Check cabling")).to_be_checked()
    _assert_accessible(page)
    page.get_by_role("radio", name="Reserve address").check()
    page.get_by_role("button", name="Go on there").click()
    expect(page.locator("#process-status")).to_contain_text("completed")
    expect(page.locator(".step-card", has_text="Continued at Reserve address")).to_have_count(1)


def test_pages_are_accessible(page_of_any_look: Page, user: User, suspended: Process, failed: Process) -> None:
    page = page_of_any_look
    product = Product.objects.get(name="Port 10G")
    subscription = a_subscription(product=product, insync=False)
    running = a_process(subscription, created_by=user.username, note="A note", last_step="x" * 60)
    awaiting = Process.objects.get(pk=start_process("task_ask", user="bob"))
    for url in (
        "/processes/?tab=all",
        "/tasks/?status=failed&target=SYSTEM",
        "/processes/?q=nothing+at+all",
        f"/processes/{running.pk}/",
        f"/processes/{suspended.pk}/",
        f"/tasks/{awaiting.pk}/",
        f"/processes/{suspended.pk}/resume/",
        f"/processes/{suspended.pk}/steps/1/?state=1",
        "/processes/new/",
        "/tasks/new/",
        f"/processes/start/create_test_port/?productId={product.pk}",
        "/processes/start/task_evening/",
        f"/subscriptions/{subscription.pk}/?tab=processes",
    ):
        page.goto(url, wait_until="networkidle")
        _assert_accessible(page)
    page.goto(f"/tasks/{failed.pk}/")
    page.get_by_role("button", name="Expand all").click()
    expect(page.locator("[data-unloaded]")).to_have_count(0)
    _assert_accessible(page)
    page.goto("/processes/")
    page.locator("summary", has_text="Target").click()
    _assert_accessible(page)
    pause_engine()
    page.goto(f"/tasks/{failed.pk}/")
    page.get_by_role("button", name="Abort").click()
    _assert_accessible(page)
