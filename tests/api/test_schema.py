"""The schema is valid and says what existing clients rely on: `contract.json` holds what they were written for."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

CONTRACT: dict[str, Any] = json.loads((Path(__file__).parent / "contract.json").read_text())


@cache
def schema() -> dict[str, Any]:
    return json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str))


def property_names(part: dict[str, Any] | None) -> set[str]:
    """Names at the top of a schema, through references, lists and alternatives."""
    if part is None:
        return set()
    if "$ref" in part:
        return property_names(schema()["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]])
    if part.get("type") == "array":
        return property_names(part.get("items", {}))
    alternatives = [property_names(one) for one in part.get("anyOf", ())]
    return set(part.get("properties", ())).union(*alternatives)


def json_of(part: dict[str, Any]) -> dict[str, Any] | None:
    return part.get("content", {}).get("application/json", {}).get("schema")


def test_it_is_valid_and_made_without_a_warning(tmp_path: Path) -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(tmp_path / "schema.yaml"))


@pytest.mark.parametrize("operation", CONTRACT)
def test_an_operation_is_what_clients_were_written_for(operation: str) -> None:
    method, path = operation.split()
    recorded, ours = CONTRACT[operation], schema()["paths"][path][method.lower()]
    parameters = {f"{one['in']}:{one['name']}": one.get("required", False) for one in ours.get("parameters", ())}
    assert recorded["parameters"].items() <= parameters.items()
    assert not any(required for name, required in parameters.items() if name not in recorded["parameters"])
    assert set(recorded["codes"]) <= set(ours["responses"])
    success = next(answer for code, answer in sorted(ours["responses"].items()) if code < "300")
    assert set(recorded["answer"]) <= property_names(json_of(success))
    if recorded["body"] is None:
        assert "requestBody" not in ours
    else:
        assert ours["requestBody"]["required"] is recorded["body"]["required"]
        assert set(recorded["body"]["properties"]) <= property_names(json_of(ours["requestBody"]))


def test_every_operation_has_a_sentence_and_a_name_of_its_own() -> None:
    operations = [operation for path in schema()["paths"].values() for operation in path.values()]
    assert all(operation["description"].strip() for operation in operations)
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))


def _routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> list[str]:
    found = []
    for entry in patterns:
        route = prefix + str(entry.pattern)
        found += _routes(entry.url_patterns, route) if isinstance(entry, URLResolver) else [route]
    return found


def test_every_path_exists_with_and_without_trailing_slash() -> None:
    routes = {route for route in _routes(get_resolver().url_patterns) if route.startswith("api/") and "^" not in route}
    lonely = [route for route in routes if not {route + "/", route.rstrip("/")} & (routes - {route})]
    assert not [route for route in lonely if "graphql" not in route]


@pytest.mark.django_db
class TestServed:
    @pytest.mark.parametrize("path", ["/api/openapi.json", "/api/schema?format=json", "/api/schema/?format=json"])
    def test_as_json(self, stranger: APIClient, path: str) -> None:
        assert stranger.get(path).json()["openapi"].startswith("3.1")

    @pytest.mark.parametrize("path", ["/api/docs", "/api/docs/"])
    def test_as_a_page_that_needs_no_other_host_and_no_inline_code(self, stranger: APIClient, path: str) -> None:
        response = stranger.get(path)
        assert response.status_code == 200
        html = response.content.decode()
        assert "<style" not in html
        assert "<script>" not in html
        assert "http" not in html.replace("http-equiv", "")
        assert "'unsafe-inline'" not in response["Content-Security-Policy"]
        script = stranger.get(path, {"script": ""})
        assert script["Content-Type"].startswith("application/javascript")
        assert b"SwaggerUIBundle" in script.content
