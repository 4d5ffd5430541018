"""Forms of logging in and of one's own password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm


def _style(form: forms.BaseForm) -> None:
    for name, field in form.fields.items():
        invalid = form.is_bound and (name in form.errors or not name)
        field.widget.attrs["class"] = "form-control is-invalid" if invalid else "form-control"


class LoginForm(AuthenticationForm):
    """Username and password. It never says which of the two was wrong."""

    error_messages = {
        "invalid_login": "This username and password do not fit together. Capitals matter in both.",
        "inactive": "This account is switched off; ask an administrator.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _style(self)


class OwnPasswordForm(PasswordChangeForm):
    """The old password and twice a new one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _style(self)
