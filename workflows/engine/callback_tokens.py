"""Tokens of callbacks: derived from the secret key when needed, never stored.

The state holds a reference `wfo-callback:<wait id>`; it becomes an address when handed to a step or to a user who may
resume. What a step returns is searched for addresses it was given, and they become references again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.conf import settings

from workflows.engine.steps import State

PREFIX = "wfo-callback:"
REFERENCE = re.compile(PREFIX + r"([0-9a-f-]{36})")
MASKED = "callback address (hidden)"


def new_nonce() -> str:
    return secrets.token_hex(16)


def token_of(wait_id: UUID, nonce: str, token_hash: str | None = None) -> str:
    """Return the token of a wait. With `token_hash`, of the key (current or fallback) that it was made with."""
    tokens = [_derive(key, wait_id, nonce) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return next((token for token in tokens if hash_of(token) == token_hash), tokens[0])


def _derive(key: str, wait_id: UUID, nonce: str) -> str:
    digest = hmac.new(b"wfo-callback:" + key.encode(), f"{wait_id}:{nonce}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def reference_to(wait_id: UUID) -> str:
    return f"{PREFIX}{wait_id}"


def route_of(process_id: UUID, token: str) -> str:
    return f"/api/processes/{process_id}/callback/{token}"


def references_in(value: Any) -> set[UUID]:
    """Return the waits that a JSON value refers to."""
    return {UUID(found) for found in REFERENCE.findall(json.dumps(value))}


def expand(value: Any, route: Callable[[UUID], str]) -> Any:
    """Return a JSON value with each reference replaced by `route(wait id)`."""
    return _map_text(value, lambda text: REFERENCE.sub(lambda match: route(UUID(match[1])), text))


def mask(value: Any) -> Any:
    """Return a JSON value in which nobody can see a callback address."""
    return expand(value, lambda _: MASKED)


def conceal(value: State, routes: Iterable[tuple[str, str]]) -> State:
    """Return a JSON value with the given (secret, reference) texts replaced, wherever they stand in a text."""

    def hide(text: str) -> str:
        for secret, reference in routes:
            text = text.replace(secret, reference)
        return text

    concealed: State = _map_text(value, hide)
    return concealed


def _map_text(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case list():
            return [_map_text(item, change) for item in value]
        case dict():
            return {key: _map_text(item, change) for key, item in value.items()}
    return value
