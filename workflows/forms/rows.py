"""Adds and removes rows of lists on the server, for browsers without scripts; with them forms.js does it in place."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from workflows.forms.names import unescape


@dataclass(frozen=True)
class RowChange:
    """What the button of a list asks: to add a row to the list `name`, or to take away the row `name`."""

    verb: str = ""
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.verb)

    @classmethod
    def parse(cls, text: str | None) -> RowChange:
        """Read "add:ports" or "remove:ports.2"; anything else asks nothing."""
        verb, _, name = (text or "").partition(":")
        return cls(verb, name) if verb in {"add", "remove"} and name else cls()

    def before(self, posted: QueryDict) -> QueryDict:
        """Return what was posted without the row that goes; done before decoding, which closes gaps."""
        if self.verb != "remove":
            return posted
        kept = posted.copy()
        for key in list(kept):
            if key == self.name or key.startswith(f"{self.name}."):
                del kept[key]
        parent = self.name.rpartition(".")[0]
        # The list itself was there, even if its last row goes.
        kept.appendlist(parent, "")
        return kept

    def after(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the decoded values with an empty row at the end of the list that grows."""
        grown: dict[str, Any] = copy.deepcopy(dict(values))
        if self.verb != "add":
            return grown
        *path, last = [unescape(part) for part in self.name.split(".")]
        here: Any = grown
        for part in path:
            here = _inside(here, part)
            if here is None:
                return grown
        if isinstance(here, dict):
            here[last] = [*(here.get(last) or []), None]
        elif isinstance(here, list) and last.isdecimal() and int(last) < len(here):
            here[int(last)] = [*(here[int(last)] or []), None]
        return grown


def _inside(value: Any, part: str) -> Any:
    match value:
        case dict():
            return value.setdefault(part, {})
        case list() if part.isdecimal() and int(part) < len(value):
            return value[int(part)]
        case _:
            return None
