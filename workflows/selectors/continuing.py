"""Where a process may go on whose workflow has changed: the plan that it has run by, and that of the code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from wfo_site.common.errors import NotFound
from workflows.engine.plans import name_of, stored_rest
from workflows.engine.standing import is_done
from workflows.engine.tree import ref_of
from workflows.models import Process, ProcessStep
from workflows.selectors.position import Position, position_of
from workflows.states import RESUMABLE

FITS: Final = "The code of its workflow goes on where it stands; retry it, answer its form, or wait."


class StepStanding(StrEnum):
    """How far a process is with a step of its old plan."""

    DONE = "done"
    STOPPED = "stopped"
    AHEAD = "ahead"


@dataclass(frozen=True, kw_only=True)
class OldStep:
    """A step of the plan that a process has run by."""

    key: str
    standing: StepStanding

    @property
    def name(self) -> str:
        return name_of(self.key)


@dataclass(frozen=True, kw_only=True)
class NewStep:
    """A step of the code. `was_done`: the process has done a step of this key."""

    key: str
    name: str
    was_done: bool
    is_suggested: bool


@dataclass(frozen=True, kw_only=True)
class Choices:
    """`refusal`: why there is nothing to choose. `plan` names the steps of the code as they are now."""

    process: Process
    position: Position
    refusal: str
    old: list[OldStep] = field(default_factory=list)
    new: list[NewStep] = field(default_factory=list)

    @property
    def why(self) -> str:
        return self.position.misfit

    @property
    def plan(self) -> str:
        return self.position.program.digest if self.position.program is not None else ""

    @property
    def version(self) -> int:
        """Of where the process stands."""
        return self.process.epoch


def continue_choices(process_id: UUID) -> Choices:
    """Return where a process may go on, in some five statements. Raises NotFound."""
    process = Process.every.select_related("workflow", "plan").filter(pk=process_id).first()
    if process is None:
        raise NotFound(f"Process with process_id {process_id} not found")
    position = position_of(ref_of(process))
    rows = ProcessStep.objects.filter(process_id=process_id).order_by("seq").only("key", "status", "sub_step")
    ever_done = {row.key for row in rows if is_done(row)}
    return Choices(
        process=process,
        position=position,
        refusal=_refusal(process, position),
        old=_old(process, position),
        new=list(_new(position, ever_done)),
    )


def _refusal(process: Process, position: Position) -> str:
    if process.last_status not in RESUMABLE:
        return (
            f"It is {process.get_last_status_display().lower()}; only what has stopped can be made to go on elsewhere."
        )
    if position.program is None:
        return position.misfit or "The code of its workflow is not installed any more."
    return "" if position.misfit else FITS


def _old(process: Process, position: Position) -> list[OldStep]:
    standing = position.history.standing
    steps = [OldStep(key=key, standing=StepStanding.DONE) for key in standing.done]
    rest = [key for key in stored_rest(process.plan, standing.done) if key != standing.stopped_at]
    if standing.stopped_at is not None:
        steps.append(OldStep(key=standing.stopped_at, standing=StepStanding.STOPPED))
    return [*steps, *(OldStep(key=key, standing=StepStanding.AHEAD) for key in rest)]


def _new(position: Position, ever_done: set[str]) -> Iterable[NewStep]:
    if position.program is None:
        return
    for index, (key, step) in enumerate(zip(position.program.keys, position.program.steps, strict=True)):
        yield NewStep(
            key=key,
            name=step.name,
            was_done=key in ever_done,
            is_suggested=bool(position.misfit) and index == position.index,
        )
