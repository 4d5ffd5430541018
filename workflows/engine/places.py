"""Where in a workflow a process stands, and what is in force there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from workflows.engine.retries import EVERY_HOUR, RetryPolicy
from workflows.engine.steps import Step, StepKind

# In the state while a group is under way: the group, and the last of its steps that is done.
STEP_GROUP_KEY: Final = "__step_group"
SUB_STEP_KEY: Final = "__sub_step"


@dataclass(frozen=True)
class Place:
    """A step to run and the row it writes: its own, or that of the group it is part of."""

    step: Step
    name: str
    key: str
    group: Step | None = None
    sub_step: str | None = None
    is_last: bool = False

    @property
    def seconds(self) -> float:
        """How long the step may take."""
        said = self.step.options.timeout or (self.group.options.timeout if self.group is not None else None)
        return said or settings.STEP_TIMEOUT_SECONDS or math.inf

    @property
    def queue(self) -> str | None:
        """The queue that it is done on; None: that of the workflow. A group is done on one."""
        return self.group.options.queue if self.group is not None else self.step.options.queue

    @property
    def retry(self) -> RetryPolicy | None:
        """How its failures are tried again; a step that says nothing leaves that to its group."""
        said = self.step.options.retry or (self.group.options.retry if self.group is not None else None)
        return said or (EVERY_HOUR if self.step.kind is StepKind.RETRY else None)
