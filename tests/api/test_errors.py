"""Whatever goes wrong, the answer is JSON of one shape, says what and why, and shows nothing of the inside."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.test import Client
from rest_framework.test import APIClient

from products.api.views import Products
from tests.api.rows import make_process
from wfo_site.common.errors import Conflict
from wfo_site.common.rest.problems import problem
from wfo_site.common.rest.rendering import dumps
from workflows.engine.errors import ApiException
from workflows.models import Process

pytestmark = pytest.mark.django_db
MB = 1024 * 1024


def patch_url() -> str:
    return f"/api/processes/{make_process().pk}"


class TestPaths:
    @pytest.mark.parametrize("path", ["/api/nothing", "/api/processes/a/b/c", "/api/", "/api/subscriptions/"])
    def test_an_unknown_one_is_404_as_json_for_everybody(self, stranger: APIClient, path: str) -> None:
        response = stranger.get(path)
        assert response.status_code == 404
        assert response.json() == {"detail": "Not Found", "status": 404, "title": "Not Found"}

    def test_there_is_no_way_to_delete_a_subscription(self, api: APIClient) -> None:
        """Conformance 114."""
        assert api.delete(f"/api/subscriptions/{uuid4()}").status_code == 404

    @pytest.mark.parametrize("slash", ["", "/"])
    @pytest.mark.parametrize("path", ["/api/processes", "/api/processes/status-counts", "/api/products", "/api/health"])
    def test_with_and_without_slash_alike(self, api: APIClient, path: str, slash: str) -> None:
        assert api.get(path + slash).status_code == 200

    def test_a_process_with_either_slash(self, api: APIClient) -> None:
        path = patch_url()
        for slash in ("", "/"):
            assert api.patch(path + slash, {"note": f"x{slash}"}, format="json").json()["note"] == f"x{slash}"

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("get", "/api/processes/wrong"),
            ("patch", "/api/processes/wrong"),
            ("delete", "/api/processes/wrong"),
            ("put", "/api/processes/wrong/resume"),
            ("put", "/api/processes/wrong/abort/"),
            ("post", "/api/processes/wrong/callback/token"),
            ("get", "/api/products/wrong"),
            ("get", "/api/subscriptions/domain-model/wrong"),
            ("get", "/api/subscriptions/workflows/wrong/"),
            ("put", "/api/subscriptions/wrong/set_in_sync"),
        ],
    )
    def test_what_should_be_a_uuid_and_is_not_is_422(self, api: APIClient, method: str, path: str) -> None:
        """Conformance 2."""
        response = getattr(api, method)(path, {}, format="json") if method != "get" else api.get(path)
        assert response.status_code == 422
        (error,) = response.json()["detail"]
        assert error["loc"][0] == "path"
        assert (error["type"], error["input"]) == ("uuid_parsing", "wrong")

    def test_a_method_that_a_path_does_not_have(self, api: APIClient) -> None:
        response = api.put("/api/processes/")
        assert response.status_code == 405
        assert response.json()["title"] == "Method Not Allowed"
        assert "GET" in response["Allow"]
        assert api.options("/api/processes/").status_code == 405

    @pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png"])
    def test_whatever_is_accepted_it_is_json(self, api: APIClient, accept: str) -> None:
        response = api.get("/api/products", headers={"Accept": accept})
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")


class TestBodies:
    def test_none_at_all(self, send: Callable[..., Any]) -> None:
        for body in (b"", b"  \n"):
            response = send("patch", patch_url(), body)
            assert response.status_code == 422
            assert response.json()["detail"] == [
                {"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}
            ]

    @pytest.mark.parametrize(
        "body",
        [b"{", b"{'a': 1}", b"\xff\xfe", b'{"note": NaN}', b'"\\ud800"', b"[{}][{}]", b"\xef\xbb\xbf[]", b"[1e999]"],
    )
    def test_no_json(self, send: Callable[..., Any], body: bytes) -> None:
        for method, path in (("patch", patch_url()), ("post", "/api/processes/anything")):
            response = send(method, path, body)
            assert response.status_code == 422
            assert response.json()["detail"][0]["type"] == "json_invalid"

    def test_of_a_wrong_shape_names_the_field(self, api: APIClient) -> None:
        response = api.put("/api/settings/status", {"global_lock": "perhaps"}, format="json")
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["body", "global_lock"]
        assert api.put("/api/settings/status", {}, format="json").json()["detail"][0]["type"] == "missing"

    @pytest.mark.parametrize(
        "claimed",
        [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "multipart/form-data",
            "application/problem+json",
            "application/json; charset=utf-16",
        ],
    )
    def test_whatever_content_type_is_claimed_it_is_read_as_json(self, send: Callable[..., Any], claimed: str) -> None:
        assert send("patch", patch_url(), b'{"note": "x"}', claimed).json()["note"] == "x"
        response = send("post", "/api/processes/anything", b"[{}]", claimed)
        assert (response.status_code, response.json()["detail"]) == (404, "Workflow does not exist")

    def test_too_large_is_413_and_names_the_limit(self, send: Callable[..., Any], settings: Any) -> None:
        path = patch_url()
        response = send("patch", path, b'{"note": "' + b"x" * 10 * MB + b'"}')
        assert response.status_code == 413
        assert str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE) in response.json()["detail"]
        assert response.json()["title"] == "Request Entity Too Large"
        assert not Process.objects.exclude(note=None).exists()

    @pytest.mark.parametrize("depth", [101, 1_000, 100_000])
    @pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
    def test_too_deep_is_400(self, send: Callable[..., Any], depth: int, opening: bytes, closing: bytes) -> None:
        for method, path in (("patch", patch_url()), ("post", "/api/processes/anything")):
            response = send(method, path, opening * depth + b"1" + closing * depth)
            assert response.status_code == 400
            assert "nested more than 100 levels" in response.json()["detail"]

    def test_a_flat_one_with_many_brackets_is_not_deep(self, send: Callable[..., Any]) -> None:
        assert send("patch", patch_url(), b'{"note": "' + b"[" * 1000 + b'"}').status_code == 200

    def test_errors_of_many_items_are_cut(self, send: Callable[..., Any]) -> None:
        response = send("post", "/api/processes/anything", b"[" + b"1," * 5000 + b"1]")
        assert response.status_code == 422
        assert len(response.json()["detail"]) == 50


class TestExceptions:
    @pytest.fixture
    def raising(self, api: APIClient, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], Any]:
        api.raise_request_exception = False

        def answer(error: Exception) -> Any:
            def get(*_: object) -> None:
                raise error

            monkeypatch.setattr(Products, "get", get)
            return api.get("/api/products/")

        return answer

    def test_an_unforeseen_one_is_500_with_a_reference_that_is_logged(
        self, raising: Callable[[Exception], Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.ERROR, "wfo_site.common.rest.problems"):
            response = raising(ValueError("secret of the house"))
        assert response.status_code == 500
        body = response.json()
        assert (body["status"], body["title"]) == (500, "Internal Server Error")
        assert body["reference"] in body["detail"]
        assert b"secret" not in response.content
        assert b"Traceback" not in response.content
        (record,) = [one for one in caplog.records if body["reference"] in one.getMessage()]
        assert record.exc_info is not None
        assert "secret of the house" in str(record.exc_info[1])

    def test_debug_shows_no_more(self, raising: Callable[[Exception], Any], settings: Any) -> None:
        settings.DEBUG = True
        assert b"secret" not in raising(ValueError("secret of the house")).content

    def test_an_error_of_another_system_is_no_answer_of_ours(self, raising: Callable[[Exception], Any]) -> None:
        response = raising(ApiException(404, "gone", {"their": "secret"}))
        assert response.status_code == 500
        assert b"secret" not in response.content

    def test_a_database_that_is_away_is_a_matter_of_the_moment(self, raising: Callable[[Exception], Any]) -> None:
        """F15. Without a cause it is the client that noticed, or our own gate before SQLite."""
        response = raising(OperationalError("inside: too many clients"))
        assert response.status_code == response.json()["status"] == 503
        assert response["Retry-After"] == "5"
        assert "The database does not answer" in response.json()["detail"]
        assert b"inside" not in response.content

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (PermissionDenied("inside"), 403),
            (SuspiciousOperation("inside"), 400),
            (RequestDataTooBig("inside"), 413),
            (Conflict("It runs"), 409),
        ],
    )
    def test_known_ones_have_their_status(
        self, raising: Callable[[Exception], Any], error: Exception, status: int
    ) -> None:
        response = raising(error)
        assert response.status_code == response.json()["status"] == status
        assert b"inside" not in response.content

    def test_a_field_and_details_are_told_without_replacing_what_is_always_there(
        self, raising: Callable[[Exception], Any]
    ) -> None:
        error = Conflict("It runs", field="process_id", why=object, detail="other")
        error.details |= {"status": "running", "since": uuid4()}
        body = raising(error).json()
        assert (body["detail"], body["status"], body["field"]) == ("It runs", 409, "process_id")
        assert "since" in body


@pytest.mark.usefixtures("flows")
def test_a_form_that_asks_for_its_next_page_is_no_error_in_the_log(
    api: APIClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert api.post("/api/processes/flow_form", [], format="json").status_code == 510
    assert caplog.records == []


class TestOutsideOfViews:
    def test_a_host_that_is_not_ours(self, stranger: APIClient) -> None:
        response = stranger.get("/api/health/", headers={"Host": "evil.example.org"})
        assert (response.status_code, response.json()["title"]) == (400, "Bad Request")

    def test_an_error_before_the_view_has_a_reference_too(
        self, api: APIClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("secret of the house")

        monkeypatch.setattr("wfo_site.common.context.acting", fail)
        api.raise_request_exception = False
        response = api.get("/api/processes/")
        assert (response.status_code, response["Content-Type"]) == (500, "application/json")
        assert b"secret" not in response.content
        assert response.json()["reference"] in caplog.text

    def test_pages_keep_their_own(self, client: Client) -> None:
        assert client.get("/nothing/of/this/name")["Content-Type"].startswith("text/html")


class TestRendering:
    def test_integers_beyond_64_bits(self) -> None:
        assert dumps({"address": 2**128 - 1}) == b'{"address":%d}' % (2**128 - 1)

    def test_half_a_surrogate_pair(self) -> None:
        assert dumps({"text": "\ud800"}) == b'{"text":"\\ud800"}'

    def test_a_problem_has_the_three_keys(self) -> None:
        assert problem(404, "Gone") == {"detail": "Gone", "status": 404, "title": "Not Found"}
