"""Every address of the URLconf: who may call it, with which token, and the headers it answers with."""

from __future__ import annotations

import re
from functools import cache
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

pytestmark = pytest.mark.django_db

ID = UUID("01900000-0000-7000-8000-000000000001")
# What stands in an address for a part of this kind; a kind that is not here fails, so that no new one goes unasked.
SAMPLES = {"uuid": str(ID), "loose_uuid": str(ID), "int": "1", "str": "x", "path": "1", "slug": "x"}
# Patterns that are no routes: what Django's admin and our API answer to addresses that nobody has.
REGEXES = {"^": "nothing", "(?P<url>.*)$": "nothing/"}

# For everybody: whoever watches, whoever logs in, and whoever reads how to call.
PUBLIC = {
    "/api/health",
    "/api/health/",
    "/api/schema",
    "/api/schema/",
    "/api/openapi.json",
    "/api/openapi.json/",
    "/api/docs",
    "/api/docs/",
    "/api/translations/x",
    "/api/translations/x/",
    "/api/nothing",
    "/accounts/login/",
    "/admin/login/",
}


def _addresses(patterns: list[URLPattern | URLResolver], prefix: str) -> list[str]:
    found = []
    for entry in patterns:
        if isinstance(entry.pattern, RegexPattern):
            regex = str(entry.pattern)
            part = REGEXES[regex] if regex in REGEXES else re.sub(r"^\^?\(\?P<\w+>(\w+)[|)].*", r"\1/", regex)
        else:
            part = re.sub(r"<(?:(\w+):)?\w+>", lambda match: SAMPLES[match[1] or "str"], str(entry.pattern))
        found += _addresses(entry.url_patterns, prefix + part) if isinstance(entry, URLResolver) else [prefix + part]
    return found


@cache
def addresses() -> list[str]:
    return sorted(set(_addresses(get_resolver().url_patterns, "/")))


def test_there_is_something_to_ask() -> None:
    assert len(addresses()) > 150
    assert set(addresses()) >= PUBLIC
    assert all(re.fullmatch(r"[\w/.\-]+", address) for address in addresses())


def calls() -> list[tuple[str, str]]:
    """Each method of each address; of Django's own admin, which has one rule for all methods, only two."""
    return [
        (method, address)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        for address in addresses()
        if method in ("GET", "POST") or not address.startswith("/admin/")
    ]


def test_a_stranger_gets_nowhere(client: Client) -> None:
    for method, address in calls():
        if address in PUBLIC:
            continue
        response = client.generic(method, address, b"{}", content_type="application/json")
        if address.startswith("/api/"):
            assert (response.status_code, address) == (403, address)
            assert response.json()["detail"] == "Not authenticated"
        else:
            assert (response.status_code, address) == (302, address)
            assert re.match(r"/(accounts|admin)/login/\?next=", response["Location"]), address


def test_a_session_writes_nothing_without_its_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("alice"))
    for method, address in calls():
        if method == "GET" or address in PUBLIC - {"/accounts/login/", "/admin/login/"}:
            continue
        response = client.generic(method, address, b"", content_type="application/x-www-form-urlencoded")
        # A view that knows no such method may say that first; a page that is not there is not there.
        assert response.status_code in {403, 404, 405}, (address, response.status_code)
        if address.startswith("/api/"):
            assert response.status_code == 403, address


def test_every_answer_carries_the_headers_that_browsers_obey(client: Client) -> None:
    client.force_login(User.objects.create_superuser("alice"))
    for address in addresses():
        response = client.get(address)
        assert response.status_code < 500, address
        headers = response.headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy, address
        for directive in (
            "default-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ):
            assert directive in policy, address
        assert headers["X-Content-Type-Options"] == "nosniff", address
        assert headers["Referrer-Policy"] == "same-origin", address
        assert headers["X-Frame-Options"] == "DENY", address
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", address
        assert "private" in headers["Cache-Control"] or "no-store" in headers["Cache-Control"], address


def test_pages_of_other_origins_may_not_read_the_api(client: Client) -> None:
    client.force_login(User.objects.create_user("alice"))
    for origin in ("https://evil.example.org", "null"):
        answer = client.get("/api/processes/", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
        preflight = client.options(
            "/api/processes/", headers={"Origin": origin, "Access-Control-Request-Method": "PATCH"}
        )
        assert "Access-Control-Allow-Origin" not in preflight.headers
