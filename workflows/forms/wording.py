"""What people read of an error. A validator lists the values that it takes; where these are ids, that helps nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from workflows.forms import translations
from workflows.forms.errors import ROOT, FieldError
from workflows.forms.parsing import Option

_CHOICE_ERRORS: Final = frozenset({"enum", "literal_error"})
_NO_CHOICE: Final = "Not one of the choices, or not any more; choose again"


def beside_field(error: FieldError, options: Sequence[Option]) -> str:
    """Return what is wrong with the field that it stands at, which offers `options`."""
    is_coded = any(option.text.lower() != option.label.lower() for option in options)
    return _NO_CHOICE if is_coded and error["type"] in _CHOICE_ERRORS else error["msg"]


def with_field(error: FieldError) -> str:
    """Return what is wrong and with which field, for a place where the field cannot be seen."""
    message = _NO_CHOICE if error["type"] in _CHOICE_ERRORS else error["msg"]
    path = [str(part) for part in error["loc"] if part != ROOT]
    if not path:
        return message
    called = translations.label(path[0]) or path[0].replace("_", " ").capitalize()
    return f"{called}: {message}"
