"""The frame and the start page, as the server writes them."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from products.models import Product
from tests.subscriptions.rows import a_product, a_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("alice", first_name="Alice"))
    return client


def test_start_page_greets_and_fetches_its_cards(alice: Client) -> None:
    html = alice.get("/").content.decode()
    assert "Welcome, Alice" in html
    for name in ("home-out-of-sync", "home-subscriptions", "home-products", "workflows:panel-failed-tasks"):
        assert f'hx-get="{reverse(name)}"' in html


def test_start_page_without_products_says_where_they_come_from(alice: Client) -> None:
    Product.objects.all().delete()
    assert "There is nothing to order yet" in alice.get("/").content.decode()
    a_product()
    assert "There is nothing to order yet" not in alice.get("/").content.decode()


def test_cards_show_the_newest_and_count_all(alice: Client) -> None:
    for number in range(8):
        a_subscription(f"port {number}")
    lost = a_subscription("lost port", insync=False)
    a_subscription("ended", status="terminated", insync=False)
    html = alice.get(reverse("home-subscriptions")).content.decode()
    assert '<span class="panel-total">9</span>' in html
    assert "port 7" in html
    assert "port 0" not in html
    html = alice.get(reverse("home-out-of-sync")).content.decode()
    assert str(lost.pk) in html
    assert "ended" not in html
    html = alice.get(reverse("home-products")).content.decode()
    assert re.search(r'class="count">9<', html)


def test_empty_cards_say_what_to_do_first(alice: Client) -> None:
    Product.objects.all().delete()
    assert "Order the first subscription" in alice.get(reverse("home-subscriptions")).content.decode()
    assert "Every subscription is in sync" in alice.get(reverse("home-out-of-sync")).content.decode()
    assert "WFO_EXTENSIONS" in alice.get(reverse("home-products")).content.decode()


@pytest.mark.parametrize("name", ["home-subscriptions", "home-out-of-sync", "home-products"])
def test_cards_cost_the_same_for_twice_the_rows(alice: Client, name: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            alice.get(reverse(name))
        return len(captured)

    a_subscription(insync=False)
    before = queries()
    for number in range(6):
        a_subscription(insync=number % 2 == 0, product=a_product(f"product {number}"))
    assert queries() == before


def test_menu_marks_where_one_is_and_hides_administration_from_others(client: Client) -> None:
    client.force_login(User.objects.create_user("bob"))
    html = client.get("/subscriptions/").content.decode()
    assert re.search(r'href="/subscriptions/" aria-current="page"', html)
    assert "Administration" not in html


def test_unknown_address_is_a_page_for_everybody(client: Client) -> None:
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "This address leads nowhere" in response.content.decode()


def test_server_error_page_needs_nothing(client: Client, rf: pytest.FixtureRequest) -> None:
    from django.views.defaults import bad_request, server_error

    assert "Something went wrong here" in server_error(rf.get("/")).content.decode()  # type: ignore[attr-defined]
    assert "cannot be understood" in bad_request(rf.get("/"), ValueError()).content.decode()  # type: ignore[attr-defined]


def test_every_page_says_which_environment_it_is(alice: Client, settings: pytest.FixtureRequest) -> None:
    settings.ENVIRONMENT = "staging"  # type: ignore[attr-defined]
    assert "staging" in alice.get("/").content.decode()


PAGES = ("/", "/subscriptions/", "/processes/", "/tasks/", "/processes/new/", "/accounts/password/", "/nowhere/")


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_no_inline_script_or_style(alice: Client, path: str) -> None:
    response = alice.get(path)
    html = response.content.decode()
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", html) == []
    assert re.findall(r'(?:src|href)="(?:https?:)?//', html) == []
