"""Says in words what was filled in: the labels of fields, options and picked things instead of their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from wfo_site.common.json import to_json
from workflows.forms import translations
from workflows.forms.parsing import Field, option_text, parse_page
from workflows.forms.pickers import describe
from workflows.forms.protocol import page_schema


@dataclass(frozen=True)
class Said:
    """One line: what a field is called and what it holds."""

    label: str
    text: str


def review(pages: Iterable[BaseModel], language: str = translations.DEFAULT_LANGUAGE) -> list[Said]:
    """Return a line for each field that was filled in on `pages`, in their order."""
    return [line for page in pages for line in _lines(page, language)]


def _lines(page: BaseModel, language: str) -> Iterator[Said]:
    values = to_json(page.model_dump(mode="json"))
    for field in parse_page(page_schema(type(page))):
        if field.is_display or values.get(field.key) in (None, "", []):
            continue
        label = translations.label(field.key, language) or field.title
        yield Said(label, said(field, values[field.key]))


def said(field: Field, value: Any) -> str:
    """Return a value as a person reads it."""
    if field.format == "password" or field.extra.get("password"):
        return "••••••••"
    match value:
        case list():
            item = field.item or field
            return ", ".join(said(item, entry) for entry in value)
        case Mapping():
            inner = {part.key: part for part in field.properties}
            known = ((inner[key], entry) for key, entry in value.items() if key in inner)
            return "; ".join(f"{part.title}: {said(part, entry)}" for part, entry in known)
        case bool():
            return "Yes" if value else "No"
    for option in field.options:
        if option.text == option_text(value):
            return option.label
    offer = describe(field.format, value)
    return offer.label if offer else option_text(value)
