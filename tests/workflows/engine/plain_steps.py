"""Steps that several tests use, and the names of those that the framework puts around a workflow's own."""

from __future__ import annotations

from workflows import State, step

LINK, LOCK, UNLOCK = "Create Process Subscription relation", "Lock subscription", "Unlock subscription"


@step("Body")
def body() -> None: ...


@step("First")
def first() -> State:
    return {"a": 1, "nested": {"x": 1}}
