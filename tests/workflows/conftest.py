"""What every test of workflows begins with."""

from __future__ import annotations

import pytest

from workflows.executors import celery as executor


@pytest.fixture(autouse=True)
def no_broker_has_disappointed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that could not ring keeps quiet for a while, and so would fail the test that comes next."""
    monkeypatch.setattr(executor, "_executor", executor.CeleryExecutor())
