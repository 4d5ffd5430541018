"""Starting a workflow in the browser, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from products import registry
from products.models import Product
from tests.workflows.views import flows
from tests.workflows.views.rows import a_subscription
from workflows.models import EngineSettings, Process
from workflows.services.start import CHECKS

pytestmark = pytest.mark.django_db(transaction=True)

CREATE = "/processes/start/create_test_port/"


@pytest.fixture(autouse=True)
def workflows() -> Iterator[None]:
    with registry.isolated(empty=False):
        flows.register()
        yield


@pytest.fixture
def product() -> Product:
    return Product.objects.get(name="Port 10G")


def _token(response: HttpResponse) -> str:
    found = re.search(r'name="_form_token" value="([^"]+)"', response.content.decode())
    assert found, response.content.decode()
    return found[1]


class Browser:
    """Fills in the pages of one wizard."""

    def __init__(self, client: Client, url: str, *, htmx: bool = False) -> None:
        self.client, self.url = client, url
        self.headers = {"HX-Request": "true"} if htmx else {}
        self.response: HttpResponse = client.get(url)

    def send(self, action: str = "next", **fields: Any) -> HttpResponse:
        values = {"_form_token": _token(self.response), "_form_action": action, **fields}
        self.response = self.client.post(self.url, values, headers=self.headers)
        return self.response

    @property
    def html(self) -> str:
        return self.response.content.decode()


def test_pages_lead_to_a_process_and_its_page(browser_of_alice: Client, product: Product) -> None:
    browser = Browser(browser_of_alice, f"{CREATE}?productId={product.pk}")
    assert browser.response.status_code == 200
    assert 'name="city"' in browser.html
    assert browser.send(city="Delft").status_code == 200
    assert 'name="speed"' in browser.html
    assert not Process.objects.exists()
    response = browser.send(speed="10")
    process = Process.objects.get()
    assert response["Location"] == f"/processes/{process.pk}/"
    assert process.created_by == "alice"
    assert process.last_status == "suspended"


def test_a_nul_character_is_taken_as_what_can_be_seen(browser_of_alice: Client, product: Product) -> None:
    browser = Browser(browser_of_alice, f"{CREATE}?productId={product.pk}")
    assert browser.send(city="Del\0ft").status_code == 200
    browser.send(speed="10")
    assert Process.objects.get().input_states.get().input_state["city"] == "Del␀ft"


def test_without_a_product_the_first_page_asks_for_it(browser_of_alice: Client, product: Product) -> None:
    browser = Browser(browser_of_alice, CREATE)
    assert 'name="product"' in browser.html
    assert "Port 10G" in browser.html
    browser.send(product=str(product.pk))
    assert 'name="city"' in browser.html


def test_back_keeps_what_was_filled_in(browser_of_alice: Client, product: Product) -> None:
    browser = Browser(browser_of_alice, f"{CREATE}?productId={product.pk}")
    browser.send(city="Delft")
    browser.send("previous", speed="40")
    assert 'value="Delft"' in browser.html
    browser.send(city="Leiden")
    assert 'value="40"' in browser.html
    browser.send(speed="40")
    process = Process.objects.get()
    assert process.input_states.get().input_state["city"] == "Leiden"


def test_errors_answer_422_and_stand_at_the_field(browser_of_alice: Client, product: Product) -> None:
    browser = Browser(browser_of_alice, f"{CREATE}?productId={product.pk}", htmx=True)
    browser.send(city="Delft")
    response = browser.send(speed="fast")
    assert response.status_code == 422
    assert "<html" not in browser.html
    assert "valid integer" in browser.html
    assert not Process.objects.exists()


def test_htmx_is_led_to_the_process(browser_of_alice: Client, product: Product) -> None:
    browser = Browser(browser_of_alice, f"{CREATE}?productId={product.pk}", htmx=True)
    browser.send(city="Delft")
    response = browser.send(speed="10")
    assert response["HX-Redirect"] == f"/processes/{Process.objects.get().pk}/"


def test_a_double_click_starts_one_process(browser_of_alice: Client, product: Product) -> None:
    browser = Browser(browser_of_alice, f"{CREATE}?productId={product.pk}")
    last_page = browser.send(city="Delft")
    answers = []
    for _ in range(2):
        browser.response = last_page
        answers.append(browser.send(speed="10")["Location"])
    assert answers[0] == answers[1]
    assert Process.objects.count() == 1


def test_what_it_will_do_stands_beside_the_form(browser_of_alice: Client, product: Product) -> None:
    html = Browser(browser_of_alice, f"{CREATE}?productId={product.pk}").html
    assert html.index("This form") < html.index("Reserve address") < html.index("Check cabling")


def test_an_unknown_workflow_is_a_sentence(browser_of_alice: Client) -> None:
    response = browser_of_alice.get("/processes/start/no_such_workflow/")
    assert response.status_code == 404
    assert "There is no workflow no_such_workflow" in response.content.decode()


def test_a_predicate_that_refuses_is_a_sentence(browser_of_alice: Client) -> None:
    response = browser_of_alice.get("/processes/start/task_evening/")
    assert response.status_code == 412
    assert "task_evening runs in the evening only." in response.content.decode()


def test_a_paused_engine_is_a_sentence_before_and_after_filling_in(browser_of_alice: Client, product: Product) -> None:
    browser = Browser(browser_of_alice, f"{CREATE}?productId={product.pk}")
    browser.send(city="Delft")
    EngineSettings.objects.update_or_create(pk=1, defaults={"global_lock": True})
    assert browser.send(speed="10").status_code == 422
    assert "locked" in browser.html
    assert 'value="10"' in browser.html
    assert browser_of_alice.get(CREATE).status_code == 503
    assert not Process.objects.exists()


def test_a_page_that_refuses_to_start_names_the_workflow_and_what_to_do(browser_of_alice: Client) -> None:
    EngineSettings.objects.update_or_create(pk=1, defaults={"global_lock": True})
    html = browser_of_alice.get("/processes/start/task_clean_up/").content.decode()
    assert "The engine is paused" in html
    assert "<h1>Clean up</h1>" in html
    assert 'href="/tasks/new/"' in html


def test_an_unknown_product_is_named_as_such_and_not_by_ids(browser_of_alice: Client, product: Product) -> None:
    html = browser_of_alice.get(f"{CREATE}?productId=01a2085e-5814-7c0c-8cab-126dcc81ab4d").content.decode()
    assert "Product: Not one of the choices" in html
    assert str(product.pk) not in html


def test_a_check_that_forbids_is_a_sentence(browser_of_alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from wfo_site.common.errors import Forbidden

    def forbid(start: Any) -> None:
        raise Forbidden(f"{start.user} may not start {start.workflow.name}")

    monkeypatch.setattr("workflows.services.start.CHECKS", [*CHECKS, forbid])
    monkeypatch.setattr("workflows.page_selectors.start_form.CHECKS", [*CHECKS, forbid])
    response = browser_of_alice.get(CREATE)
    assert response.status_code == 403
    assert "alice may not start create_test_port." in response.content.decode()


def test_a_subscription_that_is_not_in_sync_is_a_sentence(browser_of_alice: Client, product: Product) -> None:
    subscription = a_subscription(product=product, insync=False)
    url = f"/processes/start/modify_test_port/?subscriptionId={subscription.pk}"
    html = browser_of_alice.get(url).content.decode()
    assert "already has a running process" in html
    assert f"/subscriptions/{subscription.pk}/" in html


@pytest.mark.parametrize("query", ["productId=x", "subscriptionId=", "other=1"])
def test_strange_addresses_are_no_errors(browser_of_alice: Client, query: str) -> None:
    for name in ("create_test_port", "modify_test_port", "task_clean_up"):
        assert browser_of_alice.get(f"/processes/start/{name}/?{query}").status_code == 200


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "HTMX"])
@pytest.mark.parametrize("name", ["create_test_port", "modify_test_port", "task_clean_up"])
def test_an_answer_in_the_address_that_is_refused_is_422(
    browser_of_alice: Client, name: str, headers: dict[str, str]
) -> None:
    """Swapped in by HTMX too, as what is refused on a page is."""
    query = {"subscriptionId": "01a2085e-5814-7c0c-8cab-126dcc81ab4d"}
    response = browser_of_alice.get(f"/processes/start/{name}/", query, headers=headers)
    assert response.status_code == 422
    assert "This cannot be started now" in response.content.decode()


def test_a_task_without_a_form_is_started_by_one_click(browser_of_alice: Client) -> None:
    browser = Browser(browser_of_alice, "/processes/start/task_clean_up/")
    assert "Start task" in browser.html
    response = browser.send()
    while response.status_code == 200:
        response = browser.send()
    assert response.status_code == 302
    assert Process.objects.get().is_task


class TestChoosing:
    def test_products_are_grouped_by_type_and_found_by_words(self, browser_of_alice: Client, product: Product) -> None:
        html = browser_of_alice.get("/processes/new/").content.decode()
        assert f"{CREATE}?productId={product.pk}" in html
        assert re.search(r'<h2 id="group-\d+">Port ', html)
        for text, found in (("port 10g", True), ("A port", True), ("create port", True), ("nothing", False)):
            html = browser_of_alice.get("/processes/new/", {"q": text}).content.decode()
            assert (f"productId={product.pk}" in html) is found

    def test_products_are_filtered_by_lifecycle(self, browser_of_alice: Client, product: Product) -> None:
        Product.objects.filter(pk=product.pk).update(status="phase out")
        offer = f"productId={product.pk}"
        assert offer not in browser_of_alice.get("/processes/new/").content.decode()
        assert offer in browser_of_alice.get("/processes/new/", {"status": "phase out"}).content.decode()

    def test_tasks_are_listed(self, browser_of_alice: Client) -> None:
        html = browser_of_alice.get("/tasks/new/").content.decode()
        assert "/processes/start/task_clean_up/" in html
        assert "create_test_port" not in html
