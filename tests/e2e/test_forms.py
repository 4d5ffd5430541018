"""A person fills in every kind of field: rows, searches, errors, Back, keyboard."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from products.models import Product
from subscriptions.models import Subscription
from tests.e2e import forms_urls
from tests.e2e.conftest import LiveServer, NewPage

# Where pictures of the pages go, for people to look at; none are made without it.
PICTURES = os.environ.get("FORM_PICTURES")


@pytest.fixture(autouse=True)
def showcase_urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.e2e.forms_urls"
    forms_urls.completed.clear()


@pytest.fixture
def ports(server: LiveServer) -> list[Subscription]:
    product = Product.objects.create(name="Port 10G", description="Port", product_type="Port", tag="PORT")
    return [
        Subscription.objects.create(
            product=product, customer_id="c", description=f"Port number {number:02} in Utrecht", status="active"
        )
        for number in range(45)
    ]


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def forward(page: Page) -> None:
    page.get_by_role("button", name="Next").click()


def group(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("group", name=name, exact=True).first


def fill_texts(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Utrecht")
    page.get_by_label("Email").fill("noc@example.org")


def fill_choices(page: Page) -> None:
    group(page, "Few").get_by_label("Green").check()
    page.get_by_label("Several").select_option("Option 3")
    group(page, "Colours").get_by_label("Red").check()
    page.get_by_label("Call the customer").check()
    page.get_by_label("Write down the name").check()


def test_whole_form_is_filled_in_and_completed(page: Page, ports: list[Subscription]) -> None:
    page.goto("/showcase/")
    fill_texts(page)
    page.get_by_label("Day").fill("2025-02-03")
    page.get_by_label("At", exact=False).last.fill("1970-01-02T00:00")
    forward(page)

    expect(page.get_by_role("heading", name="Choices")).to_be_visible()
    fill_choices(page)
    many = page.get_by_role("combobox", name="Many")
    many.fill("city 11")
    page.get_by_role("option", name="City 113").click()
    expect(many).to_have_value("City 113")
    forward(page)

    expect(page.get_by_role("heading", name="Lists and models")).to_be_visible()
    page.get_by_label("Numbers 1").fill("5")
    page.get_by_role("button", name="Add to Numbers").click()
    page.get_by_label("Numbers 2").fill("7")
    page.get_by_role("button", name="Add to Ports").click()
    port = group(page, "Ports 1")
    port.get_by_label("Name", exact=True).fill("ge-0/0/0")
    port.get_by_role("button", name="Add to Vlans").click()
    port.get_by_label("Unit", exact=True).fill("10")
    port.get_by_role("button", name="Add to Tags").click()
    port.get_by_label("Tags 1").fill("blue")
    picker = page.get_by_role("combobox", name="Subscription optional", exact=True)
    picker.fill("number 07")
    page.get_by_role("option", name=re.compile("Port number 07")).click()
    page.get_by_role("button", name="Next").click()

    expect(page.get_by_role("heading", name="Summary")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Name"))).to_contain_text("Utrecht")
    page.get_by_role("button", name="Start workflow").click()
    expect(page.get_by_text("complete")).to_be_visible()
    (result,) = forms_urls.completed
    assert result["numbers"] == [5, 7]
    assert result["at"] == 86_400
    assert result["subscription"] == ports[7].subscription_id
    assert result["ports"] == [{"name": "ge-0/0/0", "enabled": True, "vlans": [{"unit": 10, "tags": ["blue"]}]}]
    assert result["secret_kept"] == "kept"


def to_structures(page: Page) -> None:
    page.goto("/showcase/")
    fill_texts(page)
    forward(page)
    fill_choices(page)
    forward(page)
    expect(page.get_by_role("heading", name="Lists and models")).to_be_visible()


def test_rows_are_added_and_removed_within_their_limits(page: Page) -> None:
    to_structures(page)
    numbers = group(page, "Numbers")
    add = page.get_by_role("button", name="Add to Numbers")
    expect(numbers.get_by_role("button", name="Remove Numbers 1")).to_be_disabled()
    add.click()
    expect(page.get_by_label("Numbers 2")).to_be_focused()
    add.click()
    expect(add).to_be_disabled()
    for number, value in ((1, "11"), (2, "22"), (3, "33")):
        page.get_by_label(f"Numbers {number}").fill(value)
    numbers.get_by_role("button", name="Remove Numbers 2").click()
    expect(page.get_by_label("Numbers 2")).to_have_value("33")
    expect(numbers.get_by_role("spinbutton")).to_have_count(2)
    expect(add).to_be_enabled()


def test_errors_stand_at_their_fields_and_go_when_these_are_edited(page: Page) -> None:
    to_structures(page)
    page.get_by_label("Numbers 1").fill("5")
    page.get_by_role("button", name="Add to Numbers").click()
    page.get_by_label("Numbers 2").fill("5")
    page.get_by_label("Fill in Window").check()
    window = group(page, "Window optional")
    window.get_by_label("Begin").fill("2025-02-03")
    window.get_by_label("End").fill("2025-02-01")
    forward(page)
    problem = page.get_by_role("alert").filter(has_text="need attention")
    expect(problem).to_be_focused()
    expect(group(page, "Numbers").get_by_text("List must be unique")).to_be_visible()
    expect(window.get_by_text("The window ends before it begins")).to_be_visible()
    expect(window).to_have_attribute("aria-describedby", re.compile("error"))
    expect(window.get_by_label("End")).to_have_value("2025-02-01")
    picture(page, "errors-light-1440")
    window.get_by_label("End").fill("2025-02-04")
    expect(window.get_by_text("The window ends before it begins")).to_be_hidden()


def test_what_the_browser_refuses_stands_at_each_field_until_it_is_edited(page: Page) -> None:
    page.goto("/showcase/")
    fill_texts(page)
    forward(page)
    forward(page)
    few = group(page, "Few")
    expect(few.locator("[data-form-error]")).to_have_count(1)
    expect(few.get_by_label("Red")).to_be_focused()
    expect(few.get_by_label("Red")).to_have_attribute("aria-invalid", "true")
    several = page.get_by_label("Several")
    field = page.locator("[data-field]").filter(has=several).last
    expect(field.locator("[data-form-error]")).to_be_visible()
    few.get_by_label("Green").check()
    expect(few.locator("[data-form-error]")).to_have_count(0)
    expect(few.get_by_label("Red")).not_to_have_attribute("aria-invalid", "true")
    several.select_option("Option 3")
    expect(field.locator("[data-form-error]")).to_have_count(0)


def test_back_keeps_what_was_typed_on_this_and_on_later_pages(page: Page) -> None:
    to_structures(page)
    page.get_by_label("Numbers 1").fill("42")
    page.get_by_role("button", name="Add to Ports").click()
    group(page, "Ports 1").get_by_label("Name", exact=True).fill("half filled in")
    page.get_by_role("button", name="Back").click()
    expect(group(page, "Few").get_by_label("Green")).to_be_checked()
    expect(page.get_by_label("Call the customer")).to_be_checked()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Utrecht")
    page.get_by_label("Name", exact=True).fill("Amersfoort")
    forward(page)
    forward(page)
    expect(page.get_by_label("Numbers 1")).to_have_value("42")
    expect(group(page, "Ports 1").get_by_label("Name", exact=True)).to_have_value("half filled in")


def test_return_key_goes_on_instead_of_adding_a_row(page: Page) -> None:
    to_structures(page)
    page.get_by_label("Numbers 1").fill("42")
    page.get_by_label("Numbers 1").press("Enter")
    expect(page.get_by_role("heading", name="Summary")).to_be_visible()


def test_picker_is_used_by_keyboard_and_asks_for_a_page_at_a_time(page: Page, ports: list[Subscription]) -> None:
    to_structures(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/forms/options/" in request.url else None)
    picker = page.get_by_role("combobox", name="Subscription optional", exact=True)
    picker.focus()
    picker.press("ArrowDown")
    expect(page.get_by_role("option")).to_have_count(20)
    expect(picker).to_have_attribute("aria-expanded", "true")
    for _ in range(20):
        picker.press("ArrowDown")
    expect(page.get_by_role("option")).to_have_count(40)
    active = picker.get_attribute("aria-activedescendant")
    expect(page.locator(f"[id='{active}']")).to_have_class(re.compile("active"))
    picker.press("Escape")
    expect(picker).to_have_attribute("aria-expanded", "false")
    picker.fill("number 31")
    expect(page.get_by_role("option")).to_have_count(1)
    picker.press("Enter")
    expect(picker).to_have_value("Port number 31 in Utrecht")
    assert len(asked) == 3
    picker.fill("nothing like it")
    expect(page.get_by_text("Nothing found").first).to_be_visible()
    picker.press("Tab")
    expect(picker).to_have_value("Port number 31 in Utrecht")
    page.get_by_role("button", name="Clear Subscription").click()
    expect(picker).to_have_value("")


def test_optional_model_asks_for_nothing_until_it_is_wanted(page: Page) -> None:
    to_structures(page)
    window = group(page, "Window optional")
    expect(window.get_by_label("Begin")).to_be_hidden()
    page.get_by_label("Fill in Window").check()
    expect(window.get_by_label("Begin")).to_be_editable()


def test_what_was_typed_survives_a_reload_until_the_form_is_sent(page: Page) -> None:
    to_structures(page)
    page.get_by_label("Numbers 1").fill("42")
    page.get_by_role("button", name="Add to Ports").click()
    group(page, "Ports 1").get_by_label("Name", exact=True).fill("half filled in")
    while not page.evaluate("Object.values(sessionStorage).some((draft) => draft.includes('half filled in'))"):
        page.wait_for_timeout(50)
    page.goto("/showcase/")
    page.get_by_role("button", name="Continue where you were").click()
    expect(page.get_by_label("Numbers 1")).to_have_value("42")
    expect(group(page, "Ports 1").get_by_label("Name", exact=True)).to_have_value("half filled in")
    forward(page)
    page.get_by_role("button", name="Start workflow").click()
    expect(page.get_by_text("complete")).to_be_visible()
    page.goto("/showcase/")
    expect(page.get_by_role("heading", name="Texts and numbers")).to_be_visible()
    expect(page.get_by_role("button", name="Continue where you were")).to_be_hidden()


def test_second_press_sends_nothing(page: Page) -> None:
    to_structures(page)
    page.get_by_label("Numbers 1").fill("1")
    forward(page)
    page.get_by_role("button", name="Start workflow").dblclick()
    expect(page.get_by_text("complete")).to_be_visible()
    assert len(forms_urls.completed) == 1


def test_form_works_without_scripts(new_page: NewPage, user: User) -> None:
    page = new_page(user, java_script_enabled=False)
    to_structures(page)
    page.get_by_label("Numbers 1").fill("5")
    page.get_by_role("button", name="Add to Numbers").click()
    page.get_by_label("Numbers 2").fill("6")
    page.get_by_role("button", name="Add to Ports").click()
    group(page, "Ports 1").get_by_label("Name", exact=True).fill("ge-0/0/0")
    page.get_by_role("button", name="Remove Numbers 1").click()
    expect(page.get_by_label("Numbers 1")).to_have_value("6")
    expect(group(page, "Ports 1").get_by_label("Name", exact=True)).to_have_value("ge-0/0/0")
    forward(page)
    expect(page.get_by_role("heading", name="Summary")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_fit_and_are_accessible(
    new_page: NewPage, user: User, ports: list[Subscription], theme: str, width: int
) -> None:
    # The checker puts styles of its own into the page.
    page = new_page(user, width=width, color_scheme=theme, bypass_csp=True)

    def check(name: str) -> None:
        picture(page, f"{name}-{theme}-{width}")
        frame = page.locator("#wizard-form")
        assert frame.evaluate("form => form.scrollWidth <= form.clientWidth"), f"{name} scrolls sideways"
        found = Axe().run(page, context="#wizard-form")
        assert found.violations_count == 0, found.generate_report()

    page.goto(f"/showcase/?subscription={ports[0].subscription_id}")
    check("texts")
    fill_texts(page)
    forward(page)
    check("choices")
    fill_choices(page)
    forward(page)
    page.get_by_role("button", name="Add to Ports").click()
    group(page, "Ports 1").get_by_role("button", name="Add to Vlans").click()
    page.get_by_role("button", name="Add to Contacts").click()
    page.get_by_label("Numbers 1").fill("1")
    page.get_by_role("combobox", name="Subscription optional", exact=True).fill("number")
    expect(page.get_by_role("option")).to_have_count(20)
    check("structures")
    page.get_by_role("button", name="Remove Ports 1").click()
    page.get_by_role("button", name="Remove Contacts 1").click()
    forward(page)
    check("summary")
