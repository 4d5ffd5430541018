"""What only those who administer the installation may do, whichever way they come."""

from __future__ import annotations

from wfo_site.common.errors import Forbidden
from workflows.engine.authorization import THE_SYSTEM, Asker


def check_is_staff(user_model: Asker, action: str) -> None:
    """Raise Forbidden for a person who is not staff; programs without login are asked nothing, as everywhere."""
    if user_model is None or user_model is THE_SYSTEM or getattr(user_model, "is_staff", False):
        return
    raise Forbidden(f"Only staff may {action}")
