"""Workflows of every kind of step, made for the state machine, and what a plain run over dicts makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import Group

from wfo_site.common.db.outside import outside
from workflows import (
    State,
    Step,
    StepList,
    begin,
    callback_step,
    conditional,
    done,
    init,
    inputstep,
    retrystep,
    step,
    step_context,
    step_group,
)
from workflows.forms import FormGenerator, FormPage

CALLBACK_SECONDS: Final = 60


@dataclass
class World:
    """What lies outside the engine: another system, and what the next bodies come to."""

    # Bodies to come that fail; shared by all steps, so whichever comes first takes one.
    failures: list[str] = field(default_factory=list)
    # How often the other system was asked, by process and step, and under which keys.
    asked: dict[tuple[UUID, str], Counter[UUID]] = field(default_factory=dict)
    # Called with the address in the body that hands work over: the other system answers at once.
    answer_early: Callable[[UUID, str], None] | None = None

    def body(self) -> None:
        """Fail if a failure was ordered."""
        if self.failures:
            raise RuntimeError(self.failures.pop())

    def call_out(self, name: str) -> None:
        """Ask the other system, in the running step."""
        context = step_context()
        self.asked.setdefault((context.process_id, name), Counter())[context.idempotency_key] += 1


class Answer(FormPage):
    answer: int


def ask_for_an_answer() -> FormGenerator:
    page = yield Answer
    return page.model_dump()


def count_on(state: State) -> State:
    """Return the state with what people answered counted on: an answer that is merged a second time would show."""
    return {**state, "answer": state["answer"] + 100} if "answer" in state else state


@dataclass(frozen=True)
class Block:
    """The bodies of one step of a workflow. Each that does something adds the name to the trace in the state."""

    kind: str
    number: int
    world: World

    @property
    def name(self) -> str:
        return f"{self.kind} {self.number}"

    def act(self, state: State) -> State:
        self.world.body()
        return count_on({**state, "trace": [*state.get("trace", []), self.name]})

    def act_on_tables(self, state: State) -> State:
        Group.objects.create(name=f"{state['process_id']}/{self.name}/{Group.objects.count()}")
        return self.act(state)

    def act_outside(self, state: State) -> State:
        self.world.call_out(self.name)
        return self.act(state)

    def hand_over(self, state: State, process_id: UUID) -> None:
        self.world.body()
        self.world.call_out(self.name)
        if self.world.answer_early is not None:
            with outside():
                self.world.answer_early(process_id, state[f"route {self.number}"])


def _group(block: Block) -> Step:
    name = block.name
    ask = inputstep(f"{name} asks", assignee="NOC")(ask_for_an_answer)
    return step_group(name, begin >> step(f"{name} acts")(block.act) >> ask >> step(f"{name} ends")(block.act))


def _callback(block: Block) -> Step:
    name, number = block.name, block.number
    return callback_step(
        name,
        step(f"{name} hands over")(block.hand_over),
        step(f"{name} checks")(block.act),
        f"result {number}",
        callback_route_key=f"route {number}",
        timeout=CALLBACK_SECONDS,
    )


STEPS: Final[dict[str, Callable[[Block], Step | StepList]]] = {
    "Plain": lambda block: step(block.name)(block.act),
    "Atomic": lambda block: step(block.name, atomic=True)(block.act_on_tables),
    "Outside": lambda block: step(block.name)(block.act_outside),
    "Retry": lambda block: retrystep(block.name)(block.act),
    "Skip": lambda block: conditional(lambda _: False)(step(block.name)(block.act)),
    "Ask": lambda block: inputstep(block.name, assignee="NOC")(ask_for_an_answer),
    "Group": _group,
    "Callback": _callback,
}
KINDS: Final = tuple(STEPS)


def steps_of(names: list[tuple[str, int]], world: World) -> StepList:
    listed = begin >> init
    for kind, number in names:
        listed = listed >> STEPS[kind](Block(kind, number, world))
    return listed >> done


def plain_run(state: State, cleared: list[str], answers: dict[str, int], results: dict[str, Any]) -> State:
    """Return the state that these steps make of `state`, one after the other: no engine, no rows, no deltas.

    `answers`: what people gave to each step; `results`: what other systems did, where they did.
    """
    for key in cleared:
        kind, _, number = key.partition(" ")
        if kind in ("Plain", "Atomic", "Outside", "Retry", "Callback"):
            state = count_on({**state, "trace": [*state.get("trace", []), key]})
        if kind == "Group":
            state = count_on({**state, "answer": answers[key], "trace": [*state.get("trace", []), key, key]})
        if kind == "Ask":
            state = {**state, "answer": answers[key]}
        if kind == "Callback" and key in results:
            state = {**state, f"result {number}": results[key]}
    return state
