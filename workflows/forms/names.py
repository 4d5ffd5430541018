"""How the place of a value on a page is written as the name of a control: `ports.0.vlan`."""

from __future__ import annotations

from collections.abc import Iterable

from workflows.forms.limits import MAX_DEPTH

# A dot inside a key would read as a step down.
_ESCAPES = (("~", "~0"), (".", "~1"))


def join(prefix: str, key: str) -> str:
    """Return the name of `key` inside `prefix`; a name without prefix stands on the page itself."""
    for plain, escaped in _ESCAPES:
        key = key.replace(plain, escaped)
    return f"{prefix}.{key}" if prefix else key


def name_of(path: Iterable[int | str]) -> str:
    """Return the name of a path such as ("ports", 0, "vlan")."""
    name = ""
    for part in path:
        name = join(name, str(part))
    return name


def child_keys(names: Iterable[str]) -> dict[str, list[str]]:
    """Return for every prefix among `names` the keys that follow it, so that a list finds its rows at once."""
    found: dict[str, dict[str, None]] = {}
    for name in names:
        if name.count(".") > MAX_DEPTH:
            continue
        prefix, dot, key = name.rpartition(".")
        while dot:
            siblings = found.setdefault(prefix, {})
            known = key in siblings
            siblings[key] = None
            if known:
                break
            prefix, dot, key = prefix.rpartition(".")
    return {prefix: list(keys) for prefix, keys in found.items()}


def unescape(key: str) -> str:
    for plain, escaped in reversed(_ESCAPES):
        key = key.replace(escaped, plain)
    return key
