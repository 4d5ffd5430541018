"""Logging in, out, being locked out, and one's own password."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connections
from django.test import AsyncClient, Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from tests.site.conftest import PASSWORD

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"


def test_a_stranger_is_sent_to_the_login_and_back(client: Client, alice: User) -> None:
    response = client.get("/subscriptions/")
    assert response.status_code == 302
    assert response["Location"] == f"{LOGIN}?next=/subscriptions/"
    response = client.post(response["Location"], {"username": "alice", "password": PASSWORD, "next": "/subscriptions/"})
    assert response.status_code == 302
    assert response["Location"] == "/subscriptions/"


def test_a_part_of_a_page_never_becomes_the_login_page(client: Client, db: None) -> None:
    for answer in (client.get, client.post):
        response = answer("/subscriptions/", headers={"HX-Request": "true"})
        assert (response.status_code, response.content) == (401, b"")


def test_nobody_is_sent_to_another_site(client: Client, alice: User) -> None:
    form = {"username": "alice", "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post(LOGIN, form)["Location"] == reverse("home")


def test_a_wrong_password_answers_the_form_and_does_not_say_which_was_wrong(client: Client, alice: User) -> None:
    known = client.post(LOGIN, {"username": "alice", "password": "wrong"})
    unknown = client.post(LOGIN, {"username": "nobody", "password": "wrong"})
    assert known.status_code == unknown.status_code == 422
    errors = [response.context["form"].non_field_errors() for response in (known, unknown)]
    assert errors[0] == errors[1]
    assert "do not fit together" in known.content.decode()
    assert "_auth_user_id" not in client.session


def test_a_login_changes_the_session_and_a_logout_ends_it(client: Client, alice: User) -> None:
    client.get(LOGIN)
    client.session["draft"] = 1
    client.session.save()
    before = client.session.session_key
    client.post(LOGIN, {"username": "alice", "password": PASSWORD})
    assert client.session.session_key != before
    assert client.get(LOGIN).status_code == 302
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/")["Location"] == LOGIN
    assert "_auth_user_id" not in client.session


def test_login_and_logout_ask_for_the_csrf_token(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(LOGIN, {"username": "alice", "password": PASSWORD}).status_code == 403
    client.force_login(alice)
    assert client.post("/accounts/logout/").status_code == 403


def test_who_guesses_too_often_waits_and_others_do_not(client: Client, alice: User, settings: Settings) -> None:
    settings.AXES_ENABLED = True
    statuses = [client.post(LOGIN, {"username": "alice", "password": f"guess {n}"}).status_code for n in range(5)]
    assert statuses == [422, 422, 422, 422, 429]
    locked = client.post(LOGIN, {"username": "alice", "password": PASSWORD})
    assert locked.status_code == 429
    assert "Try again in 15 minutes" in locked.content.decode()
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert elsewhere.post(LOGIN, {"username": "alice", "password": PASSWORD}).status_code == 302


@pytest.mark.django_db(transaction=True)
async def test_the_lockout_answers_under_asgi_too(async_client: AsyncClient, settings: Settings) -> None:
    settings.AXES_ENABLED = True
    statuses = [
        (await async_client.post(LOGIN, {"username": "carol", "password": f"guess {n}"})).status_code for n in range(6)
    ]
    assert statuses[-1] == 429
    # The views ran in a thread of their own, whose connection would keep the test database from being dropped.
    await sync_to_async(connections.close_all)()


def test_a_password_can_be_changed_and_other_sessions_end(client: Client, bob: User) -> None:
    other = Client()
    client.force_login(bob)
    other.force_login(bob)
    form = {
        "old_password": PASSWORD,
        "new_password1": "another long phrase 7",
        "new_password2": "another long phrase 7",
    }
    wrong = client.post("/accounts/password/", {**form, "old_password": "wrong"})
    assert wrong.status_code == 422
    assert client.post("/accounts/password/", {**form, "new_password1": "short"}).status_code == 422
    assert client.post("/accounts/password/", form)["Location"] == reverse("home")
    assert client.get("/accounts/password/").status_code == 200
    assert other.get("/accounts/password/").status_code == 302


def test_operators_may_look_at_everything_and_what_people_change_in_the_group_stays() -> None:
    group = Group.objects.get(name="Operators")
    granted = set(group.permissions.values_list("codename", flat=True))
    assert {"view_subscription", "view_process", "view_product"} <= granted
    assert all(codename.startswith("view_") for codename in granted)
    group.permissions.clear()
    call_command("migrate", verbosity=0)
    assert not group.permissions.exists()
