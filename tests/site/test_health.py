"""Whoever watches asks for health without a login. Conformance 128."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api/health", "/api/health/"])
def test_it_says_ok_to_anybody(client: Client, path: str, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        response = client.get(path)
    assert (response.status_code, response.json()) == (200, "OK")
    assert "no-cache" in response["Cache-Control"]


def test_it_says_500_and_no_secret_when_the_database_does_not_answer(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("password authentication failed for user orchestrator at db.internal")

    monkeypatch.setattr(connection, "cursor", refuse)
    response = client.get("/api/health")
    assert (response.status_code, response.json()["status"]) == (500, 500)
    assert "db.internal" not in response.content.decode()
