"""Put something else in the place of what leads out of here: an inventory, a runner of playbooks, any client."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, ParamSpec, TypeVar

from workflows.testing.faults import Crash

P = ParamSpec("P")
R = TypeVar("R")
When = Literal["before", "after"]


@contextmanager
def swapped(original: Callable[P, R], replacement: Callable[P, R]) -> Iterator[None]:
    """Put `replacement` in the place of a function for the block, in every module that has imported it."""
    places = [
        (module, name)
        for module in list(sys.modules.values())
        for name, value in list(getattr(module, "__dict__", {}).items())
        if value is original
    ]
    assert places, f"{original!r} is no name of any module, so nothing would see its replacement"
    for module, name in places:
        setattr(module, name, replacement)
    try:
        yield
    finally:
        for module, name in places:
            setattr(module, name, original)


@dataclass(frozen=True)
class Call:
    """A call of another system."""

    operation: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass
class Intercepted:
    """Stands before a client: every call is noted in `calls` and goes through, unless it is made to fail."""

    calls: list[Call] = field(default_factory=list)
    _faults: list[tuple[str, When, BaseException]] = field(default_factory=list)

    @property
    def operations(self) -> list[str]:
        """The names of the calls, in order."""
        return [call.operation for call in self.calls]

    def fail(self, operation: str, error: BaseException, *, when: When = "before") -> None:
        """Let the next call of `operation` raise `error`: instead of its work, or after it was done."""
        self._faults.append((operation, when, error))

    def crash(self, operation: str, *, when: When = "before") -> None:
        """Let the worker die in the next call of `operation`: before its work, or with the work done."""
        self.fail(operation, Crash(f"{when} {operation}"), when=when)

    def around(self, client: object) -> Any:
        """Return something that behaves as `client` does, with this before it."""
        return _Proxy(client, self)

    def strike(self, operation: str, when: When) -> None:
        fault = next((each for each in self._faults if each[:2] == (operation, when)), None)
        if fault is not None:
            self._faults.remove(fault)
            raise fault[2]


class _Proxy:
    def __init__(self, client: object, intercepted: Intercepted) -> None:
        self._client = client
        self._intercepted = intercepted

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        if not callable(value):
            return value

        @functools.wraps(value)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._intercepted.calls.append(Call(name, args, kwargs))
            self._intercepted.strike(name, "before")
            result = value(*args, **kwargs)
            self._intercepted.strike(name, "after")
            return result

        return call
