"""Who may call: a logged-in session with its token, everybody in the open mode, nobody else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tests.api.rows import make_process
from tests.api.test_schema import schema

pytestmark = pytest.mark.django_db
PUBLIC = {"/api/health/", "/api/translations/{language}"}


def test_a_stranger_may_do_nothing(stranger: APIClient) -> None:
    process_id = str(make_process().pk)
    tried = 0
    for path, methods in schema()["paths"].items():
        url = re.sub(r"\{\w+\}", "x", re.sub(r"\{\w*_id\}", process_id, path))
        for method in methods if path not in PUBLIC else ():
            response = stranger.generic(method.upper(), url, b"{}", content_type="application/json")
            assert (response.status_code, method, path) == (403, method, path)
            assert response.json() == {"detail": "Not authenticated", "status": 403, "title": "Forbidden"}
            tried += 1
    assert tried >= 30


def test_health_is_for_everybody(stranger: APIClient) -> None:
    """Conformance 128."""
    for path in ("/api/health/", "/api/health"):
        response = stranger.get(path)
        assert (response.status_code, response.json()) == (200, "OK")


def test_a_session_that_writes_must_send_its_token(alice: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    path = f"/api/processes/{make_process().pk}"
    refused = client.patch(path, {"note": "x"}, format="json")
    assert refused.status_code == 403
    assert refused.json()["detail"].startswith("CSRF")
    client.cookies["csrftoken"] = "a" * 32
    allowed = client.patch(path, {"note": "x"}, format="json", headers={"X-CSRFToken": "a" * 32})
    assert allowed.status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_a_token_in_the_body_is_none(alice: User, content_type: str) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    client.cookies["csrftoken"] = "a" * 32

    def post(body: bytes, **headers: str) -> int:
        return int(
            client.generic("POST", "/api/processes/x", body, content_type=content_type, headers=headers).status_code
        )

    assert post(b"csrfmiddlewaretoken=" + b"a" * 32) == 403
    assert post(b"[{}]") == 403
    assert post(b"[{}]", **{"X-CSRFToken": "a" * 32}) == 404


class TestOpenMode:
    def test_reads_and_writes_without_a_login(self, open_api: APIClient) -> None:
        path = f"/api/processes/{make_process().pk}"
        assert open_api.get("/api/processes/").status_code == 200
        assert open_api.patch(path, {"note": "x"}, format="json").status_code == 200

    def test_a_page_of_another_origin_may_not_write(self, open_api: APIClient, settings: Any) -> None:
        settings.CORS_ALLOWED_ORIGINS = ["https://ui.example.org"]
        path = f"/api/processes/{make_process().pk}"

        def write(origin: str) -> int:
            response = open_api.patch(path, {"note": "x"}, format="json", headers={"Origin": origin})
            return int(response.status_code)

        assert write("https://evil.example.org") == 403
        assert write("null") == 403
        assert write("http://testserver") == 200
        assert write("https://ui.example.org") == 200
