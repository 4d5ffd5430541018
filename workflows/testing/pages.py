"""What a form asks for, and what it says to what was filled in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from workflows.engine.steps import State


@dataclass(frozen=True)
class Page:
    """The answer of a form to the pages filled in so far: the next page, or what is wrong, or its result.

    `schema`: of the page that is asked for or was refused. `errors`: what was refused, field (`ports.0`) to sentence.
    """

    schema: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    result: State | None = None

    @property
    def title(self) -> str:
        return str(self.schema["title"])

    @property
    def fields(self) -> list[str]:
        return list(self.schema["properties"])

    def schema_of(self, name: str) -> dict[str, Any]:
        """Return the schema of a field, its choices in place."""
        found: dict[str, Any] = self.schema["properties"][name]
        reference = found.get("$ref", "").rpartition("/")[2]
        return {**self.schema["$defs"][reference], **found} if reference else found

    def options(self, name: str) -> list[str]:
        """Return the labels that a choice offers, in the order of its values."""
        found = self.schema_of(name)
        return [found.get("options", {}).get(value, value) for value in found["enum"]]


def walk(form: Callable[[State], Any] | None, state: State, pages: Sequence[State]) -> Page:
    """Give a form the pages filled in so far and return what it says; nothing is started or stored."""
    from wfo_site.common.json import to_json
    from workflows.forms import FormNotCompleteError, FormValidationError, post_form

    try:
        return Page(result=post_form(form, to_json(state), list(pages)))
    except FormNotCompleteError as asked:
        return Page(schema=asked.form)
    except FormValidationError as refused:
        errors = {".".join(str(part) for part in error["loc"]): error["msg"] for error in refused.errors}
        return Page(schema=refused.form or {}, errors=errors)
