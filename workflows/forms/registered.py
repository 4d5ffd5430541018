"""Forms that stand by themselves, known by a key: an API asks for their pages and gets their result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wfo_site.common.errors import NotFound
from workflows.forms.protocol import DEFAULT_LOCALE, State, StateForm, post_form

_forms: dict[str, StateForm] = {}


class FormNotFound(NotFound):
    """No form is registered under the key."""

    code = "form_not_found"

    def __init__(self, key: str) -> None:
        super().__init__(f"Form {key} does not exist.")


class DuplicateForm(ValueError):
    """Two different forms want one key."""


def register_form(key: str, form: StateForm) -> None:
    """Make a form known under `key`; again with the same form does nothing. Raises DuplicateForm for another one."""
    if _forms.setdefault(key, form) is not form:
        raise DuplicateForm(f"There is another form under the key {key!r} already; give yours another key")


def list_forms() -> list[str]:
    """Return the keys of all forms in the order of their registration."""
    return list(_forms)


def start_form(
    key: str, user_inputs: Sequence[Any] = (), *, user: str, locale: str = DEFAULT_LOCALE, **extra_state: Any
) -> State:
    """Return the result of a registered form, which sees {"form_key", "user", …} as its state.

    Raises FormNotFound, and what `post_form` raises.
    """
    form = _forms.get(key)
    if form is None:
        raise FormNotFound(key)
    return post_form(form, {"form_key": key, "user": user, **extra_state}, user_inputs, locale)
