"""Whatever is sent to whatever operation, nothing happens that nobody foresaw: no 500 but that of a form with too many
pages, and always JSON that says why."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from rest_framework.test import APIClient

from tests.api.flows import start
from tests.api.rows import make_process, make_product, make_subscription, make_workflow
from tests.api.test_schema import json_of, property_names, schema

pytestmark = pytest.mark.usefixtures("flows")

TEXTS = [
    "",
    "\0",
    "a\0b",
    "x" * 6000,
    "🦊\u202e",
    "'; DROP TABLE workflows_process; --",
    "%_\\",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "wfo-callback:01900000-0000-7000-8000-000000000001",
    "9" * 5000,
    "-1",
    "NaN",
]
# As bytes: some are no JSON at all, and some no client library would write.
BODIES = [
    b"",
    b"null",
    b"true",
    b"0",
    b'""',
    b"[]",
    b"{}",
    b"[{}]",
    b"[null]",
    b"[[[[]]]]",
    b"{",
    b"\xff",
    b"NaN",
    b"[1e999]",
    b'[{"a": 123456789012345678901234567890}]',
    b'{"a": 1, "a": 2}',
    b'[{"\\u0000": "\\u0000"}]',
    b'[{"__class__": "x", "self": 1, "cls": 2}]',
    b"[" + b"{}," * 3000 + b"{}]",
    b'{"x": ' + b"[" * 60 + b"]" * 60 + b"}",
]


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in sorted(schema()["paths"].items())
        for method, operation in methods.items()
    ]


@pytest.fixture
def ids(staff_api: APIClient) -> dict[str, str]:
    """One of each thing that a path may name."""
    product = make_product()
    return {
        "process_id": str(start(staff_api, "flow_ask")),
        "subscription_id": str(make_subscription(product).pk),
        "product_id": str(product.pk),
        "workflow_id": str(make_workflow("modify_note").pk),
        "workflow_key": "flow_form",
    }


def check(response: Any, what: object) -> None:
    if response.status_code == 500:
        assert response.json()["type"] == "FormOverflowError", (what, response.content)
    assert response.status_code in {200, 201, 204, 304, 400, 403, 404, 405, 409, 412, 422, 500, 503, 510}, what
    if response.status_code >= 400:
        shown = response.json()
        assert shown["detail"], what
        assert "Traceback" not in str(shown), what


def filled(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: ids.get(match[1], str(UUID(int=7))), path)


def test_bodies_to_every_operation(staff_api: APIClient, ids: dict[str, str]) -> None:
    for (method, path, _), body in itertools.product(operations(), BODIES):
        response = staff_api.generic(method.upper(), filled(path, ids), body, content_type="application/json")
        check(response, (method, path, body[:60]))


def test_values_for_every_field_of_every_body(staff_api: APIClient, ids: dict[str, str]) -> None:
    values = [*TEXTS, None, 0, -1, 2**63, 10**30, 1.5, True, [], {}, {"a": [{}]}, list(range(500))]
    good = {**ids, "customer_id": "c", "description": "d", "id": ids["product_id"], "global_lock": False, "note": "n"}
    for method, path, operation in operations():
        if "requestBody" not in operation:
            continue
        # The bodies without fields of their own are pages of forms, and what other systems report.
        fields = property_names(json_of(operation["requestBody"])) or {"name"}
        whole = {field: good[field] for field in fields & good.keys()}
        for field, value in itertools.product(sorted(fields), values):
            body = json.dumps({**whole, field: value})
            for sent in (body, f"[{body}]") if fields == {"name"} else (body,):
                response = staff_api.generic(method.upper(), filled(path, ids), sent, content_type="application/json")
                check(response, (method, path, field, value))


def test_texts_for_every_part_of_a_path_and_every_parameter(staff_api: APIClient, ids: dict[str, str]) -> None:
    for (method, path, operation), text in itertools.product(operations(), TEXTS):
        for parameter in operation.get("parameters", ()):
            name, where = parameter["name"], parameter["in"]
            url, query, headers = filled(path, ids), {}, {}
            if where == "path" and text:
                url = filled(path, {**ids, name: quote(text, safe="")})
            elif where == "query":
                query = {name: text}
            elif where == "header" and text.isascii() and "\0" not in text:
                headers = {name: text}
            response = staff_api.generic(
                method.upper(), url, b"[{}]", content_type="application/json", query_params=query, headers=headers
            )
            check(response, (method, path, name, text[:60]))


@pytest.mark.parametrize("name", ["filter", "sort", "range"])
def test_every_filter_and_sort_with_every_text(staff_api: APIClient, name: str) -> None:
    from workflows.api.filters import FILTERS, SORTS

    make_process(make_subscription(), note="x")
    values = {
        "filter": [f"{field},{prefix}{text}" for field in FILTERS for prefix in ("", "!", ">=") for text in TEXTS[:10]],
        "sort": [f"{field},{order}" for field in SORTS for order in ("asc", "desc", "", "\0")],
        "range": [f"{one},{other}" for one in ["0", *TEXTS] for other in ["1", *TEXTS]],
    }[name]
    for value in values:
        check(staff_api.get("/api/processes/", {name: value}), value)
