"""POST …/callback/{token} and …/progress: what external systems may say, once, and with the right token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient

from tests.api.flows import rows_of, start, status_of
from tests.api.rows import make_process
from workflows.enums import ProcessStatus
from workflows.services import pause_engine
from workflows.testing import run_until_idle

pytestmark = pytest.mark.usefixtures("flows")


@pytest.fixture
def waiting(api: APIClient) -> UUID:
    process_id = start(api, "flow_callback")
    assert status_of(process_id) == "awaiting_callback"
    return process_id


def state_of(api: APIClient, process_id: UUID) -> dict[str, Any]:
    state: dict[str, Any] = api.get(f"/api/processes/{process_id}").json()["current_state"]
    return state


def route(api: APIClient, process_id: UUID) -> str:
    return str(state_of(api, process_id)["callback_route"])


def test_the_process_goes_on_with_what_is_reported(api: APIClient, waiting: UUID) -> None:
    """Conformance 33, 76."""
    response = api.post(route(api, waiting), {"return_code": 0}, format="json")
    assert (response.status_code, response.content) == (200, b"null")
    run_until_idle()
    assert status_of(waiting) == "completed"
    assert state_of(api, waiting)["answer"] == {"return_code": 0}


def test_a_second_report_and_one_to_a_process_that_does_not_wait_are_409(api: APIClient, waiting: UUID) -> None:
    """Conformance 33, 74."""
    path = route(api, waiting)
    assert api.post(path, {"n": 1}, format="json").status_code == 200
    run_until_idle()
    before = rows_of(waiting)
    expected = {"detail": "This process is not in an awaiting state.", "status": 409, "title": "Conflict"}
    assert api.post(path, {"n": 2}, format="json").json() == expected
    assert api.post(f"{path}/progress", {"n": 2}, format="json").json() == expected
    assert rows_of(waiting) == before
    assert state_of(api, waiting)["answer"] == {"n": 1}


@pytest.mark.parametrize("status", sorted(set(ProcessStatus.values) - {"awaiting_callback"}))
def test_whatever_else_a_process_does_it_awaits_nothing(api: APIClient, status: str) -> None:
    """Conformance 33."""
    process = make_process(last_status=status)
    path = f"/api/processes/{process.pk}/callback/token"
    for one in (path, f"{path}/progress"):
        response = api.post(one, {}, format="json")
        assert (response.status_code, response.json()["detail"]) == (409, "This process is not in an awaiting state.")
    assert status_of(process.pk) == status


def test_a_wrong_token_is_404_and_changes_nothing(api: APIClient, waiting: UUID) -> None:
    """Conformance 74."""
    before = api.get(f"/api/processes/{waiting}").json()
    wrong = f"/api/processes/{waiting}/callback/wrong"
    for path in (wrong, f"{wrong}/progress"):
        response = api.post(path, {"return_code": 0}, format="json")
        assert (response.status_code, response.json()["detail"]) == (404, "Invalid token")
    assert api.get(f"/api/processes/{waiting}").json() == before
    unknown = api.post(f"/api/processes/{uuid4()}/callback/wrong", {}, format="json")
    assert unknown.status_code == 404


def test_a_token_is_of_one_process_only(api: APIClient, waiting: UUID) -> None:
    other = start(api, "flow_callback")
    token = route(api, other).rsplit("/", 1)[1]
    assert api.post(f"/api/processes/{waiting}/callback/{token}", {}, format="json").status_code == 404
    assert status_of(waiting) == status_of(other) == "awaiting_callback"


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b"null"])
def test_a_report_must_be_an_object(send: Callable[..., Any], api: APIClient, waiting: UUID, body: bytes) -> None:
    assert send("post", route(api, waiting), body).status_code == 422
    assert status_of(waiting) == "awaiting_callback"


def test_progress_is_an_object_or_text_and_each_replaces_the_one_before(
    api: APIClient, send: Callable[..., Any], waiting: UUID
) -> None:
    """Conformance 75."""
    path = route(api, waiting) + "/progress"
    sent: list[tuple[bytes, str, Any]] = [
        (b'{"percent": 10}', "application/json", {"percent": 10}),
        (b'"half way"', "application/json", "half way"),
        ("nearly: ½".encode(), "text/plain; charset=utf-8", "nearly: ½"),
        (b'{"not": "parsed"}', "text/plain", '{"not": "parsed"}'),
    ]
    for body, content_type, shown in sent:
        response = send("post", path, body, content_type)
        assert (response.status_code, response.content) == (200, b"null")
        assert state_of(api, waiting)["callback_progress"] == shown
    assert send("post", path, b"[1]").status_code == 422
    assert send("post", path, b"\xff", "text/plain").status_code == 422
    assert status_of(waiting) == "awaiting_callback"
    api.post(route(api, waiting), {}, format="json")
    run_until_idle()
    assert "callback_progress" not in state_of(api, waiting)


def test_a_paused_engine_is_503(api: APIClient, waiting: UUID) -> None:
    path = route(api, waiting)
    pause_engine()
    assert api.post(path, {}, format="json").status_code == 503
    assert api.post(f"{path}/progress", {}, format="json").status_code == 503
    assert status_of(waiting) == "awaiting_callback"


class TestWithoutLogin:
    def test_the_token_alone_does_not_do(self, api: APIClient, stranger: APIClient, waiting: UUID) -> None:
        path = route(api, waiting)
        for one in (path, f"{path}/progress"):
            assert stranger.post(one, {}, format="json").status_code == 403
        assert status_of(waiting) == "awaiting_callback"

    def test_unless_it_is_set_so(self, api: APIClient, stranger: APIClient, waiting: UUID, settings: Any) -> None:
        settings.CALLBACKS_NEED_LOGIN = False
        path = route(api, waiting)
        assert stranger.post(f"{path}/progress", {}, format="json").status_code == 200
        assert stranger.post(path, {}, format="json").status_code == 200
        assert stranger.get(f"/api/processes/{waiting}").status_code == 403
