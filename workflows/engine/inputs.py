"""What people gave a process and no row has taken in yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from wfo_site.common.clock import now
from wfo_site.common.json import to_json
from workflows.engine import fast_path
from workflows.engine.state import merge_input
from workflows.engine.steps import State
from workflows.enums import InputType
from workflows.models import InputState


class Given(NamedTuple):
    """An input that waits to be merged into the state."""

    input_id: UUID
    values: State
    created_by: str


def give(inputs: Mapping[UUID, State], *, user: str) -> None:
    """Note what a user gives to processes; their steps from here on are that user's doing. One statement."""
    moment = now()
    InputState.objects.bulk_create(
        InputState(
            process_id=process_id,
            input_state=to_json(values),
            input_type=InputType.USER_INPUT,
            input_time=moment,
            created_by=user,
        )
        for process_id, values in inputs.items()
    )


def unmerged(process_id: UUID) -> list[Given]:
    """Return the inputs of a process that wait, in the order in which they came. One statement."""
    if fast_path.is_on():
        return [Given(*row) for row in fast_path.unmerged(process_id)]
    rows = InputState.objects.filter(process_id=process_id, merged_seq__isnull=True)
    ordered = rows.order_by("input_time", "input_state_id")
    return [Given(*row) for row in ordered.values_list("input_state_id", "input_state", "created_by")]


def merged(inputs: Iterable[Given], state: State | None = None) -> State:
    """Return `state` with the inputs merged in, one after the other."""
    after: State = state or {}
    for given in inputs:
        after = merge_input(after, given.values)
    return after


def mark_merged(inputs: Iterable[UUID], seq: int) -> None:
    """Note that the row `seq` has taken these inputs in."""
    if ids := list(inputs):
        InputState.objects.filter(pk__in=ids).update(merged_seq=seq)
