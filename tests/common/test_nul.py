"""NUL characters reach no database: they are made visible where they come in."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from tests.api.rows import make_process, make_product
from wfo_site.common.nul import visible
from workflows.services import set_process_note

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(db: None) -> Client:
    client = APIClient()
    client.force_login(User.objects.create_superuser("alice"))
    return client


def test_texts_and_keys_at_any_depth() -> None:
    value = {"a\0": ["\0", {"b": "\0\0"}], "c": 1, "d": None, "e": "whole"}
    assert visible(value) == {"a␀": ["␀", {"b": "␀␀"}], "c": 1, "d": None, "e": "whole"}


@pytest.mark.parametrize(
    "address",
    [
        "/api/processes/?filter=note,%00",
        "/api/processes/?filter=processId,%00,createdBy,%00,workflowName,%00",
        "/api/processes/?filter=customer,%00,product,%00,tag,%00,subscriptionId,%00",
        "/api/products/?tag=%00",
        "/api/products/?product_type=a%00b",
        "/processes/?q=%00",
        "/subscriptions/?q=%00&product=%00",
        "/admin/workflows/process/?q=%00",
    ],
)
def test_lists_that_are_asked_for_one(client: Client, address: str) -> None:
    make_process(note="nothing")
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("address", ["/api/processes/a%00b", "/processes/start/a%00b/", "/nothing/%00"])
def test_names_that_have_one_are_known_to_nobody(client: Client, address: str) -> None:
    started = address.startswith("/api")
    response = client.post(address, [{}], format="json") if started else client.get(address)
    assert response.status_code == 404


def test_what_is_noted_and_asked_for_is_the_same(client: Client) -> None:
    process = make_process()
    shown: Any = client.patch(f"/api/processes/{process.pk}", {"note": "a\0b"}, format="json").json()
    assert shown["note"] == "a␀b"
    assert len(client.get("/api/processes/?filter=note,a%00b").json()) == 1
    set_process_note(process.pk, "\0")
    process.refresh_from_db()
    assert process.note == "␀"


def test_a_reporter(client: Client) -> None:
    process = make_process(last_status="suspended")
    assert client.put(f"/api/processes/{process.pk}/abort?reporter=a%00b").status_code == 204
    assert process.steps.get().created_by == "a␀b"


def test_a_name_of_a_product_is_not_changed_by_asking(client: Client) -> None:
    make_product("Port", tag="PO")
    assert client.get("/api/products/?tag=PO%00").json() == []
