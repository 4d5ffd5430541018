"""Who may start and retry the workflows that the framework brings: everybody, unless an app says otherwise."""

from __future__ import annotations

from collections.abc import Awaitable

from workflows.engine.authorization import AuthContext
from workflows.engine.steps import AuthCallback

_registered: dict[str, AuthCallback] = {}


def register_internal_authorize_callback(callback: AuthCallback) -> None:
    """Ask `callback` who may start these workflows, and resume them; the last one registered counts."""
    _registered["authorize"] = callback


def register_internal_retry_auth_callback(callback: AuthCallback) -> None:
    """Ask `callback` who may retry their failed steps; the last one registered counts."""
    _registered["retry"] = callback


def internal_authorize(context: AuthContext) -> bool | Awaitable[bool]:
    callback = _registered.get("authorize")
    return callback is None or callback(context)


def internal_retry_auth(context: AuthContext) -> bool | Awaitable[bool]:
    callback = _registered.get("retry")
    return callback is None or callback(context)
