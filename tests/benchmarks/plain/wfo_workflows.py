from __future__ import annotations

from tests.benchmarks.plain.steps import plain_steps
from workflows import StepList, workflow


@workflow("A hundred plain steps")
def plain_hundred() -> StepList:
    return plain_steps(100)
