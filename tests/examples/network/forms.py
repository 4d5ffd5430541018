"""Ask for the forms of the example as a program does, and look at what they ask and refuse."""

from __future__ import annotations

from typing import Any

import pytest

from workflows.forms import FormNotCompleteError, FormValidationError
from workflows.services import start_process


def page_after(workflow: str, *pages: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of the page that a start asks for next."""
    with pytest.raises(FormNotCompleteError) as asked:
        start_process(workflow, list(pages))
    return asked.value.form


def refusals(workflow: str, *pages: dict[str, Any]) -> dict[str, str]:
    """Return what a start complains of: field to sentence."""
    with pytest.raises(FormValidationError) as refused:
        start_process(workflow, list(pages))
    return {".".join(str(part) for part in error["loc"]): error["msg"] for error in refused.value.errors}


def options(schema: dict[str, Any], field: str) -> list[str]:
    """Return the labels that a choice offers, in the order of its values."""
    found = schema["properties"][field]
    if "$ref" in found:
        found = schema["$defs"][found["$ref"].rpartition("/")[2]]
    return [found.get("options", {}).get(value, value) for value in found["enum"]]
