"""What undoing a process comes to: its finished steps in reverse, those of its branches among them, and what becomes of
each.

Read from the history and compared with the code: the history says what was done, the code how it is taken back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from workflows.engine.history import left_out_of, state_at
from workflows.engine.injection import missing_in
from workflows.engine.registry import get_workflow
from workflows.engine.standing import is_done, standing_of
from workflows.engine.step_options import Effect
from workflows.engine.steps import NAME_LENGTH, OBSOLETE_NAME, State, Step, StepKind, StepList, nothing_to_undo
from workflows.engine.tree import Program, Ref, path_of, program_of, ref_of
from workflows.enums import ProcessKind, StepStatus
from workflows.models import Process, ProcessStep, UndoPlan
from workflows.states import CLEARED_STEPS

# Kinds that no plan names.
_MARKS: Final = frozenset({StepKind.START, StepKind.DONE, StepKind.ABORT})
# What of a step that is not stored as done has left nothing: it would have been stored with it.
_STORED_TOGETHER: Final = frozenset({Effect.READ, Effect.DATABASE})
_FAILED: Final = frozenset({StepStatus.FAILED, StepStatus.WAITING})
_STOPPED: Final = _FAILED | {StepStatus.AWAITING_CALLBACK}

GONE: Final = "The code does not have this step any more."
NO_UNDO: Final = "It has no undo: what it did stays."
HALF_DONE_WITHOUT_UNDO: Final = "It stopped half way and has no undo: what it did until then is not known, and stays."
OF_ITS_OWN: Final = "A process of its own: undo it on its own page."
UNDONE_BEFORE: Final = "An earlier undo has taken it back."


class Fate(StrEnum):
    """What becomes of a step when its process is undone."""

    UNDONE = "undone"
    NOTHING = "nothing"
    STAYS = "stays"
    ELSEWHERE = "elsewhere"
    BEFORE = "before"


@dataclass(frozen=True, kw_only=True)
class Undoing:
    """A step that was done, and what becomes of it.

    `process_id` and `seq` name its row, whose state the undo gets; `where` names the branches that it stands in.
    `is_half_done`: it failed or was cut off. `other_id`: the process that it started.
    """

    process_id: UUID
    seq: int
    key: str
    name: str
    fate: Fate
    sub_step: str | None = None
    where: str = ""
    undo_name: str = ""
    reason: str = ""
    is_half_done: bool = False
    other_id: UUID | None = None

    @property
    def mark(self) -> tuple[str, str, str | None]:
        """What tells it from all others, also in the plan of another undo."""
        return (str(self.process_id), self.key, self.sub_step)

    def stored(self) -> dict[str, Any]:
        """Return what an undo keeps of it."""
        name = f"{self.undo_name} ({self.where})" if self.where else self.undo_name
        return {
            "process_id": str(self.process_id),
            "seq": self.seq,
            "key": self.key,
            "sub_step": self.sub_step,
            "name": name[:NAME_LENGTH],
            "is_half_done": self.is_half_done,
        }


@dataclass(frozen=True, kw_only=True)
class _Done:
    """A step that was done, or begun: the row that says so."""

    key: str
    name: str
    seq: int
    is_half_done: bool = False
    # Of a group under way: the last of its steps that is known to be done.
    sub_step: str | None = None
    # Of a group: the steps that it did without.
    left_out: frozenset[str] = frozenset()


@dataclass
class _Node:
    """A process of the tree: the one to undo, or a branch of it."""

    process: Process
    ref: Ref
    program: Program | None
    done: list[_Done] = field(default_factory=list)
    kids: dict[str, list[Process]] = field(default_factory=lambda: defaultdict(list))

    def step(self, key: str) -> Step | None:
        if self.program is None or key not in self.program.keys:
            return None
        found = self.program.steps[self.program.keys.index(key)]
        # A placeholder under the name of a step that was removed does not know what that one did.
        return None if found.kind is StepKind.OBSOLETE and key != OBSOLETE_NAME else found


def undoings_of(process: Process) -> list[Undoing]:
    """Return what was done by a process read with its workflow, and becomes of it, in the order of the undo.

    Five statements, and some more for each step that stopped half way.
    """
    nodes = _read_tree(process)
    taken_back = _taken_back(process.process_id)
    found = list(_of_node(nodes[process.process_id], nodes, ""))
    return [
        replace(one, fate=Fate.BEFORE, reason=UNDONE_BEFORE)
        if one.fate is Fate.UNDONE and one.mark in taken_back
        else one
        for one in found
    ]


def branches_of(process: Process) -> list[Process]:
    """Return the branches of a process, those within them too. One statement."""
    everywhere = Process.every.filter(root_id=process.root_id, kind=ProcessKind.BRANCH).select_related("workflow")
    kids: dict[UUID | None, list[Process]] = defaultdict(list)
    for branch in everywhere.order_by("process_id"):
        kids[branch.parent_id].append(branch)
    found = list(kids[process.process_id])
    # From parent to child: ids need not ascend, since runners whose clocks differ have made them.
    for branch in found:
        found.extend(kids[branch.process_id])
    return found


def _read_tree(process: Process) -> dict[UUID, _Node]:
    workflow = get_workflow(process.workflow.name)
    nodes = {}
    for one in (process, *branches_of(process)):
        ref = ref_of(one)
        nodes[one.process_id] = _Node(one, ref, program_of(workflow, ref) if workflow is not None else None)
    own = Process.every.filter(parent_id__in=list(nodes), kind=ProcessKind.PROCESS).select_related("workflow")
    for kid in (*(node.process for node in nodes.values()), *own.order_by("process_id")):
        if kid.parent_id in nodes and kid.process_id != process.process_id:
            nodes[kid.parent_id].kids[path_of(kid.branch_key)[-1].key].append(kid)
    rows: dict[UUID, list[ProcessStep]] = defaultdict(list)
    columns = ("process_id", "seq", "key", "name", "status", "sub_step", "detail")
    for row in ProcessStep.objects.filter(process_id__in=list(nodes)).order_by("seq").only(*columns):
        rows[row.process_id].append(row)
    cut_off = set(
        ProcessStep.objects.filter(process_id__in=list(nodes), status=StepStatus.ABORT)
        .filter(delta__has_key="abort_note")
        .values_list("process_id", flat=True)
    )
    for process_id, node in nodes.items():
        node.done = _done(node, rows[process_id], was_cut_off=process_id in cut_off)
    return nodes


def _done(node: _Node, rows: Sequence[ProcessStep], *, was_cut_off: bool) -> list[_Done]:
    """Return what a process has done or begun, each step once, in the order in which it last ended."""
    done: dict[str, _Done] = {}
    # An earlier try of these may have done what the last one left out.
    failed: set[str] = set()
    cleared = standing_of(rows).done
    written = [row for row in rows if row.key and row.status != StepStatus.ABORT]
    for row in written:
        is_cleared = is_done(row)
        if row.status == StepStatus.SKIPPED:
            continue
        if is_cleared or row.status in _STOPPED or row.sub_step is not None:
            if row.status in _FAILED:
                failed.add(row.key)
            done.pop(row.key, None)
            done[row.key] = _Done(
                key=row.key,
                name=row.name,
                seq=row.seq,
                is_half_done=not is_cleared,
                sub_step=row.sub_step,
                left_out=frozenset(() if row.key in failed else left_out_of(row.detail)),
            )
    last = written[-1] if written else None
    # Not even the failure could be written.
    failed_without_row = bool(node.process.failed_reason) and (last is None or last.key in cleared[-1:])
    if (was_cut_off or failed_without_row) and (begun := _next(node, cleared)) is not None:
        key, step = begun
        # No row of its own: the state it began with is that after all rows before the abort.
        seq = max((row.seq for row in rows if row.status != StepStatus.ABORT), default=0)
        done.setdefault(key, _Done(key=key, name=step.name, seq=1 + seq, is_half_done=True))
    return list(done.values())


def _next(node: _Node, cleared: list[str]) -> tuple[str, Step] | None:
    """Return the step that was due: it may have run without a word of it being stored."""
    program = node.program
    if program is None or program.keys[: len(cleared)] != cleared or len(program.keys) == len(cleared):
        return None
    return program.keys[len(cleared)], program.steps[len(cleared)]


def _of_node(node: _Node, nodes: dict[UUID, _Node], where: str) -> Iterator[Undoing]:
    for done in reversed(node.done):
        step = node.step(done.key)
        if kids := node.kids.get(done.key):
            yield from _of_kids(node, done, kids, nodes, where)
        elif step is None or step.kind not in _MARKS | {StepKind.FORK}:
            yield from _of_step(node, done, step, where)


def _of_kids(
    node: _Node, done: _Done, kids: Iterable[Process], nodes: dict[UUID, _Node], where: str
) -> Iterator[Undoing]:
    """Go through the parts of a step, the last first; one that was made anew comes before what it replaced."""
    for kid in sorted(kids, key=lambda one: (path_of(one.branch_key)[-1].index, one.process_id), reverse=True):
        path = f"{where} / {kid.branch_name}" if where else kid.branch_name
        if kid.kind == ProcessKind.BRANCH:
            yield from _of_node(nodes[kid.process_id], nodes, path)
        else:
            yield Undoing(
                process_id=node.process.process_id,
                seq=done.seq,
                key=done.key,
                name=kid.workflow.description or kid.workflow.name,
                fate=Fate.ELSEWHERE,
                where=path,
                reason=OF_ITS_OWN,
                other_id=kid.process_id,
            )


def _of_step(node: _Node, done: _Done, step: Step | None, where: str) -> Iterator[Undoing]:
    one = Undoing(
        process_id=node.process.process_id,
        seq=done.seq,
        key=done.key,
        name=done.name,
        fate=Fate.STAYS,
        where=where,
        reason=HALF_DONE_WITHOUT_UNDO if done.is_half_done else NO_UNDO,
        is_half_done=done.is_half_done,
    )
    if step is None:
        yield replace(one, reason=GONE)
    elif step.undo is None and step.kind is StepKind.GROUP and any(inner.undo for inner in step.steps):
        for key, inner in reversed(_begun(step.steps, done.sub_step)):
            if does_nothing(inner) or key in done.left_out:
                continue
            yield _decided(node.ref, replace(one, sub_step=key, name=f"{done.name} / {inner.name}"), inner)
    else:
        yield _decided(node.ref, one, step)


def _begun(steps: StepList, last: str | None) -> list[tuple[str, Step]]:
    """Return the steps of a group that were or may have been begun: up to the one after `last`, or all."""
    keys = steps.keys()
    begun = len(keys) if last not in keys else keys.index(last) + 2
    return list(zip(keys, steps, strict=True))[:begun]


def does_nothing(step: Step) -> bool:
    """Say whether a step did nothing that would have to be taken back."""
    if step.undo is not None:
        return step.undo is nothing_to_undo
    if step.kind is StepKind.GROUP and not step.options.effects:
        return all(does_nothing(inner) for inner in step.steps)
    return step.effects == {Effect.READ}


def _decided(ref: Ref, one: Undoing, step: Step) -> Undoing:
    left_nothing = step.atomic or (bool(step.effects) and step.effects <= _STORED_TOGETHER)
    if does_nothing(step) or (one.is_half_done and step.kind is not StepKind.GROUP and left_nothing):
        return replace(one, fate=Fate.NOTHING, reason="")
    if step.undo is None:
        return one
    if one.is_half_done and step.undo.function is not None:
        state: State = state_at(ref, one.seq)
        seen = step.undo.lens.get(state) if step.undo.lens else state
        if missing := missing_in(seen, step.undo.function):
            names = ", ".join(repr(name) for name in missing)
            return replace(one, reason=f"It stopped before it returned {names}, which its undo needs: look after it.")
    return replace(one, fate=Fate.UNDONE, undo_name=step.undo.name, reason="")


def _taken_back(process_id: UUID) -> set[tuple[str, str, str | None]]:
    """Return the marks of what earlier undos of a process have taken back."""
    taken_back = set()
    for plan in UndoPlan.objects.filter(process__parent_id=process_id):
        keys = StepList(Step(step["name"]) for step in plan.steps).keys()
        rows = ProcessStep.objects.filter(process_id=plan.process_id, status__in=CLEARED_STEPS, sub_step__isnull=True)
        cleared = set(rows.values_list("key", flat=True))
        taken_back |= {
            (step["process_id"], step["key"], step["sub_step"])
            for key, step in zip(keys, plan.steps, strict=True)
            if key in cleared
        }
    return taken_back
