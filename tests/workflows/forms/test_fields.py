"""Fields that know the catalogue and subscriptions, and the searches that feed them. Conformance 185."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import reverse
from pydantic import ValidationError, create_model

from products.models import Product
from subscriptions.models import Subscription
from workflows.forms import (
    CustomerId,
    FormPage,
    ProductId,
    SubscriptionId,
    customer_contact_list,
    product_id,
    subscription_id,
)
from workflows.forms.pickers import DefaultCustomerSource, UnknownPicker, describe, picker_url, search
from workflows.forms.protocol import page_schema
from workflows.forms.selections import Selection

NOBODY = "00000000-0000-4000-8000-000000000000"


def page_of(annotation: Any) -> type[FormPage]:
    return create_model("Page", __base__=FormPage, f=(annotation, ...))


def schema_of(annotation: Any) -> dict[str, Any]:
    return page_schema(page_of(annotation))["properties"]["f"]


def error_of(annotation: Any, value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        page_of(annotation)(f=value)
    return caught.value.errors()[0]["msg"]


@pytest.fixture
def port(db: None) -> Product:
    return Product.objects.create(name="Harbour 10G", description="A port", product_type="Port", tag="PORT")


@pytest.fixture
def node(db: None) -> Product:
    return Product.objects.create(name="Harbour node", description="A node", product_type="Node", tag="NODE")


def subscribe(product: Product, description: str = "", **more: Any) -> Subscription:
    given = {"customer_id": "uu", "status": "active", **more}
    return Subscription.objects.create(product=product, description=description or product.name, **given)


def test_customer_id_schema() -> None:
    assert schema_of(CustomerId) == {"format": "customerId", "title": "F", "type": "string"}


@pytest.mark.parametrize(
    ("contact", "kind"),
    [
        ({"name": "", "email": "a@example.org"}, "string_too_short"),
        ({"name": "n", "email": "nobody"}, "value_error"),
        ({"email": "a@example.org"}, "missing"),
    ],
)
def test_contact_needs_name_and_address(contact: dict[str, str], kind: str) -> None:
    with pytest.raises(ValidationError) as caught:
        page_of(customer_contact_list())(f=[contact])
    assert caught.value.errors()[0]["type"] == kind


def test_empty_contacts_are_dropped_before_they_are_counted() -> None:
    contact = {"name": "n", "email": "a@example.org", "phone": ""}
    page = page_of(customer_contact_list(min_items=1))
    assert page(f=[{}, contact, {"name": "", "email": ""}]).model_dump() == {"f": [contact]}
    with pytest.raises(ValidationError):
        page(f=[{"name": "", "email": ""}])
    assert schema_of(customer_contact_list("7", "who"))["uniforms"] == {"customerId": "7", "customerKey": "who"}


def test_product_must_exist_and_be_offered(port: Product, node: Product) -> None:
    assert page_of(ProductId)(f=port.product_id).model_dump() == {"f": port.product_id}
    assert error_of(ProductId, NOBODY) == "Value error, Product not found"
    only = product_id([port.product_id])
    assert error_of(only, node.product_id) == (
        f"Value error, value is not a valid enumeration member; permitted: '{port.product_id}'"
    )
    assert schema_of(only)["uniforms"] == schema_of(only)["extraProperties"] == {"productIds": [str(port.product_id)]}
    assert schema_of(ProductId) == {"format": "productId", "title": "F", "type": "string"}


def test_subscription_must_be_within_the_selection(port: Product, node: Product) -> None:
    good, other, ended = subscribe(port), subscribe(node), subscribe(port, status="terminated")
    field = subscription_id(product_types=["Port"], statuses=["active"], excluded=[])
    assert page_of(field)(f=str(good.pk)).model_dump() == {"f": good.pk}
    for refused in (other, ended):
        assert "cannot be chosen here" in error_of(field, refused.pk)
    assert error_of(field, NOBODY) == "Value error, Subscription not found"
    assert page_of(SubscriptionId)(f=ended.pk)
    assert schema_of(field) == {
        "format": "subscriptionId",
        "title": "F",
        "type": "string",
        "uniforms": {"productTypes": ["Port"], "statuses": ["active"]},
        "extraProperties": {"productTypes": ["Port"], "statuses": ["active"]},
    }


def test_each_part_of_a_selection_narrows(port: Product, node: Product) -> None:
    a = subscribe(port, customer_id="a")
    b = subscribe(port, status="terminated")
    c = subscribe(node)
    for selection, expected in (
        (Selection.of(), {a, b, c}),
        (Selection.of(tags="PORT"), {a, b}),
        (Selection.of(product_ids=[node.product_id]), {c}),
        (Selection.of(statuses=["terminated"]), {b}),
        (Selection.of(customer_id="a"), {a}),
        (Selection.of(excluded=[a.pk, b.pk]), {c}),
    ):
        assert set(selection.subscriptions()) == expected
        assert set(Selection.from_extra(selection.to_extra()).subscriptions()) == expected


def source_of(url: str) -> str:
    return url.partition("source=")[2]


def test_search_finds_all_words_within_the_selection(port: Product, node: Product) -> None:
    utrecht = subscribe(port, "Port in Utrecht, north")
    subscribe(port, "Port in Utrecht, south")
    subscribe(node, "Node in Utrecht, north")
    source = source_of(picker_url("subscriptionId", {"tags": ["PORT"]}))
    offers, more = search(source, "UTRECHT north")
    assert [offer.value for offer in offers] == [str(utrecht.pk)]
    assert not more
    assert [offer.value for offer in search(source, str(utrecht.pk))[0]] == [str(utrecht.pk)]
    assert describe("subscriptionId", utrecht.pk) == offers[0]
    assert offers[0].label == "Port in Utrecht, north"


def test_search_answers_a_page_at_a_time_in_one_statement(port: Product, django_assert_num_queries: Any) -> None:
    for number in range(45):
        subscribe(port, f"Port {number}")
    source = source_of(picker_url("subscriptionId", {}))
    with django_assert_num_queries(1):
        first, more = search(source, "port")
    assert (len(first), more) == (20, True)
    last, more = search(source, "port", 40)
    assert (len(last), more) == (5, False)
    assert not {offer.value for offer in first} & {offer.value for offer in last}


def test_signed_source_cannot_be_widened(port: Product) -> None:
    subscribe(port)
    source = source_of(picker_url("subscriptionId", {"tags": ["NODE"]}))
    assert search(source, "") == ([], False)
    content, _, signature = source.partition(":")
    wider = source_of(picker_url("subscriptionId", {})).partition(":")[0]
    for forged in (f"{wider}:{signature}", content, "", "x:y:z"):
        with pytest.raises(UnknownPicker):
            search(forged, "")


@pytest.mark.django_db
def test_options_need_a_login_and_a_source(port: Product) -> None:
    subscribe(port, "Port <b>one</b>")
    url = picker_url("productId", {})
    client = Client()
    assert client.get(url).status_code == 302
    client.force_login(User.objects.create_user("bob"))
    answer = client.get(f"{url}&q=harbour&offset=x").json()
    offer = {"value": str(port.pk), "label": "Harbour 10G", "detail": "PORT · active"}
    assert answer == {"results": [offer], "more": False}
    assert client.get(reverse("workflows:forms:picker-options")).status_code == 400
    assert client.post(url).status_code == 405
    assert client.get(f"{url}&q=%00'\"%25_").status_code == 200


@override_settings(
    DEFAULT_CUSTOMER_IDENTIFIER="7", DEFAULT_CUSTOMER_FULLNAME="University", DEFAULT_CUSTOMER_SHORTCODE="UU"
)
@pytest.mark.parametrize(("text", "found"), [("", 1), ("univ uu", 1), ("other", 0)])
def test_customer_of_the_settings_is_offered(text: str, found: int) -> None:
    offers = DefaultCustomerSource().search(Selection.from_extra({}), text, 0, 20)
    assert [offer.value for offer in offers] == ["7"] * found


@pytest.mark.parametrize("value", [None, "", "no id", NOBODY, UUID(NOBODY)])
def test_value_that_stands_for_nothing_has_no_label(db: None, value: object) -> None:
    assert describe("subscriptionId", value) is None
