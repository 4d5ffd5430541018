"""What is stored of an exception."""

from __future__ import annotations

from typing import Any

import pytest

from wfo_site.common.errors import Conflict
from workflows import ApiException, InconsistentDataError, ProcessFailureError
from workflows.engine.errors import error_to_dict


class NotThere(ApiException):
    """As clients that are generated from an API have them."""


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        (ValueError("no"), {"error": "no", "class": "ValueError"}),
        (KeyError("port"), {"error": "'port'", "class": "KeyError"}),
        (ProcessFailureError("It broke"), {"error": "It broke", "class": "ProcessFailureError", "details": None}),
        (
            InconsistentDataError("Two truths", {"here": 1, "there": [2]}),
            {"error": "Two truths", "class": "InconsistentDataError", "details": {"here": 1, "there": [2]}},
        ),
        (
            ApiException(502, "Bad gateway", {"trace": "x"}, {"Retry-After": "5"}),
            {
                "error": "(502) Bad gateway",
                "class": "ApiException",
                "status_code": 502,
                "body": {"trace": "x"},
                "headers": {"Retry-After": "5"},
            },
        ),
        (
            NotThere(404, "Not found"),
            {"error": "(404) Not found", "class": "NotThere", "status_code": 404, "body": None, "headers": {}},
        ),
        (Conflict("Taken", by="bob"), {"error": "Taken", "class": "Conflict", "details": {"by": "bob"}}),
        (Conflict("Taken"), {"error": "Taken", "class": "Conflict"}),
    ],
)
def test_each_kind_adds_what_it_knows(error: Exception, stored: dict[str, Any]) -> None:
    """Conformance 204."""
    assert error_to_dict(error) == stored


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_what_cannot_be_stored_is_left_out(value: object) -> None:
    for error in (ProcessFailureError("It broke", {"load": value}), ApiException(500, "Oops", body=value)):
        assert error_to_dict(error) == {"error": str(error), "class": type(error).__name__}
