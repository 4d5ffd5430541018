"""POST /api/forms/{form_key} and GET /api/translations/{language}."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.flows import two_pages
from workflows.forms import FormGenerator, registered
from workflows.forms.translations import translations
from workflows.models import Process

pytestmark = pytest.mark.django_db
URL = "/api/forms/order_cable"


@pytest.fixture(autouse=True)
def form(monkeypatch: pytest.MonkeyPatch) -> None:
    def order_cable(state: dict[str, Any]) -> FormGenerator:
        result = yield from two_pages()
        return {**result, "by": state["user"], "form": state["form_key"]}

    monkeypatch.setattr(registered, "_forms", {})
    registered.register_form("order_cable", order_cable)


def test_it_is_filled_in_page_by_page_and_answers_its_result(api: APIClient) -> None:
    """Conformance 125, for a form of one's own."""
    first = api.post(URL, [], format="json")
    assert first.status_code == 510
    assert first.json()["form"]["properties"].keys() == {"name"}
    assert api.post(URL, [{"name": "x"}], format="json").json()["form"]["properties"].keys() == {"size"}
    done = api.post(URL, [{"name": "x"}, {"size": 3}], format="json")
    assert done.status_code == 200
    assert done.json() == {"name": "x", "size": 3, "by": "alice", "form": "order_cable"}
    assert not Process.objects.exists()


def test_what_is_wrong_is_named(api: APIClient) -> None:
    wrong = api.post(URL, [{"name": "x"}, {"size": "big"}], format="json")
    assert wrong.status_code == 400
    assert wrong.json()["validation_errors"][0]["loc"] == ["size"]
    assert api.post(URL, {"name": "x"}, format="json").status_code == 422
    assert api.generic("POST", URL).status_code == 422


def test_an_unknown_one_is_404(api: APIClient) -> None:
    """Conformance 125."""
    response = api.post("/api/forms/no_form", [], format="json")
    assert response.status_code == 404
    assert response.json() == {"detail": "Form no_form does not exist.", "title": "Not Found", "status": 404}


class TestTranslations:
    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Any, settings: Any) -> Iterator[None]:
        (tmp_path / "en-GB.json").write_text('{"workflow": {"test_flow": "Test it"}}')
        settings.TRANSLATIONS_DIR = tmp_path
        translations.cache_clear()
        yield
        translations.cache_clear()

    def test_the_texts_of_a_language(self, api: APIClient, stranger: APIClient) -> None:
        """Conformance 123."""
        for client in (api, stranger):
            shown = client.get("/api/translations/en-GB")
            assert shown.status_code == 200
            assert shown.json()["workflow"]["test_flow"] == "Test it"
        assert api.get("/api/translations/xx-YY").json() == {}

    @pytest.mark.parametrize("language", ["en", "en_GB", "EN-gb", "..%2F", "en-GB.json", "en-GB%0A"])
    def test_what_is_no_language_is_422(self, stranger: APIClient, language: str) -> None:
        """Conformance 123."""
        response = stranger.get(f"/api/translations/{language}")
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["path", "language"]
