"""Browsers of people: alice uses the pages, bob administers, and a stranger is not logged in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from products import registry
from workflows import StepList, done, init, workflow

Html = Callable[..., str]


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def browser_of_alice(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def browser_of_admin(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("carol", is_staff=True))
    return client


@pytest.fixture
def get(browser_of_alice: Client) -> Html:
    """Return the text of a page as alice sees it; `get(url, htmx=True)` asks for the part that changed."""

    def get(url: str, *, htmx: bool = False, **query: Any) -> str:
        headers = {"HX-Request": "true"} if htmx else {}
        response: HttpResponse = browser_of_alice.get(url, query, headers=headers)
        assert response.status_code == 200, response.content[:2000]
        return response.content.decode()

    return get


@pytest.fixture
def modify_port_in_code() -> Iterator[None]:
    """Register the workflow of the rows that tests make."""
    with registry.isolated(empty=False):

        @workflow("Modify a port")
        def modify_port() -> StepList:
            return init >> done

        yield
