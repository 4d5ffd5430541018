"""Comparing text as `ILIKE` does, on both databases; `%` and `_` of the pattern are wildcards, as clients expect."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import CharField, F, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import Lookup


class Like(Lookup):
    """`lhs ILIKE rhs`; usable as a condition in `filter()`. SQLite folds the case of ASCII letters only."""

    lookup_name = "like"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        operator = "ILIKE" if connection.vendor == "postgresql" else "LIKE"
        return f"{left} {operator} {right} ESCAPE '\\'", (*left_params, *right_params)


def like(path: str, pattern: str) -> Like:
    """Return the condition that the text at `path` matches `pattern`; NULL counts as empty text."""
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        # A backslash at the end escapes nothing: PostgreSQL refuses it, so it stands for itself.
        pattern += "\\"
    return Like(_text(path), Value(pattern, output_field=TextField()))


def _text(path: str) -> Combinable:
    return Coalesce(Cast(F(path), TextField()), Value(""), output_field=CharField())


def matches(pattern: str, text: str) -> bool:
    """Say in Python what the database would: whether `text` is like `pattern`."""
    expression = "".join({"%": ".*", "_": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(expression, text, re.IGNORECASE | re.DOTALL) is not None
