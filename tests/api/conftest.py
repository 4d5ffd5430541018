"""Clients of the API: a logged-in person, a stranger, and everybody when no login is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from products import registry
from tests.api.flows import declare


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", password="correct horse battery staple")


@pytest.fixture
def api(alice: User) -> APIClient:
    """Logged in as alice, with the CSRF token that a session must send along."""
    return _session_of(alice)


@pytest.fixture
def staff_api(db: None) -> APIClient:
    """Logged in as carol, who administers the installation."""
    return _session_of(User.objects.create_superuser("carol"))


def _session_of(user: User) -> APIClient:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    client.cookies["csrftoken"] = "a" * 32
    client.credentials(HTTP_X_CSRFTOKEN="a" * 32)
    return client


@pytest.fixture
def stranger(db: None) -> APIClient:
    return APIClient()


@pytest.fixture
def open_api(db: None, settings: Settings) -> APIClient:
    """What a program meets when OAUTH2_ACTIVE is off."""
    settings.OAUTH2_ACTIVE = False
    return APIClient()


@pytest.fixture
def send(api: APIClient) -> Callable[..., Any]:
    """Send raw bytes as JSON: `send("post", path, b"...")`."""

    def send(method: str, path: str, body: bytes, content_type: str = "application/json", **headers: str) -> Any:
        return api.generic(method.upper(), path, body, content_type=content_type, headers=headers)

    return send


@pytest.fixture
def flows(db: None) -> Iterator[None]:
    """The workflows of `flows.py`, in a registry of their own."""
    with registry.isolated():
        declare()
        yield
