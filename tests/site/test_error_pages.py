"""What people read when something of a request is wrong before any view could look at it."""

from __future__ import annotations

from typing import NoReturn

import pytest
from django.db import OperationalError
from django.test import Client

from tests.site.conftest import PASSWORD

pytestmark = pytest.mark.django_db

TOO_MUCH = {"old_password": "x" * 10 * 1024 * 1024}
SENTENCE = "A form may hold up to 2.5\N{NO-BREAK SPACE}MB, and this one holds more. Nothing was changed; enter less."


@pytest.mark.usefixtures("alice")
def test_a_form_of_ten_megabytes_is_refused_in_words(client: Client) -> None:
    assert client.login(username="alice", password=PASSWORD)
    response = client.post("/accounts/password/", TOO_MUCH)
    assert response.status_code == 413
    assert SENTENCE in response.content.decode()
    # To a script as data: what was typed stays on the page.
    response = client.post("/accounts/password/", TOO_MUCH, headers={"HX-Request": "true"})
    assert response.status_code == 413
    assert response.json()["detail"] == SENTENCE


def test_a_page_says_that_the_database_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """F15: as a page to people, as data to a script, so that what was typed stays."""

    def away(*_: object) -> NoReturn:
        raise OperationalError("inside: too many clients")

    client.raise_request_exception = False
    monkeypatch.setattr("django.contrib.auth.views.LoginView.get", away)
    response = client.get("/accounts/login/")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "The database is away" in response.content.decode()
    assert "inside" not in response.content.decode()
    response = client.get("/accounts/login/", headers={"HX-Request": "true"})
    assert response.status_code == 503
    assert "The database does not answer" in response.json()["detail"]


def test_an_address_without_its_last_slash_leads_to_the_page(client: Client) -> None:
    response = client.get("/tasks/new?q=a%26b")
    assert (response.status_code, response["Location"]) == (301, "/tasks/new/?q=a%26b")
    assert client.get("/no/such/page").status_code == 404
    # What is sent is not sent again elsewhere, and no other host is named.
    assert client.post("/tasks/new").status_code == 404
    assert client.get("//tasks/new").status_code == 404
