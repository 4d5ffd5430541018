"""The last page of a form: what is about to happen, to read and confirm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from workflows.forms import Choice, FormGenerator, SubmitFormPage, migration_summary


def summary_page(product_name: str, values: Mapping[str, Any], fields: Iterable[str]) -> FormGenerator:
    """Show the fields named with their values, one column."""
    names = list(fields)
    table = {"labels": names, "columns": [[_shown(values[name]) for name in names]]}

    class ProductSummary(SubmitFormPage, title=f"{product_name} summary"):
        product_summary: migration_summary(table)  # type: ignore[valid-type]

    yield ProductSummary
    return {}


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "Yes" if value else "No"
        case Choice():
            return str(value.label)
        case Enum():
            return str(value.value)
        case list() | tuple():
            return ", ".join(_shown(item) for item in value)
    return str(value)
