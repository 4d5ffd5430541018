"""Where a process stands among others: its path from the root, the steps that are its own, the state it starts from."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, field
from functools import cached_property
from uuid import UUID

from workflows.engine.forks import Fork
from workflows.engine.registry import Workflow, plan_digest
from workflows.engine.steps import StepList
from workflows.enums import ProcessKind
from workflows.models import Process


@dataclass(frozen=True)
class Part:
    """One turn on the way from the root: the plan key of the step that forked, and which of its children."""

    key: str
    index: int
    is_workflow: bool = False


@dataclass(frozen=True, kw_only=True)
class Ref:
    """What has to be known of a process to find its steps and its state."""

    process_id: UUID
    workflow_name: str
    kind: str = ProcessKind.PROCESS
    parent_id: UUID | None = None
    parent_seq: int | None = None
    branch_key: str = ""

    @property
    def is_branch(self) -> bool:
        return self.kind == ProcessKind.BRANCH


_REF_FIELDS = ("process_id", "workflow__name", "kind", "parent_id", "parent_seq", "branch_key")


def ref_to(process_id: UUID) -> Ref | None:
    """Read the place of a process; None if there is none. One statement."""
    row = Process.every.filter(pk=process_id).values_list(*_REF_FIELDS).first()
    return None if row is None else Ref(**dict(zip(Ref.__dataclass_fields__, row, strict=True)))


def whole_of(process_id: UUID, root_id: UUID | None = None) -> list[UUID]:
    """Return a process and, of a branch, what that is a part of, up to the process of its own.

    A statement for each level; none for the root of a tree, if that is known.
    """
    whole = [process_id]
    while whole[-1] != root_id:
        row = Process.every.filter(pk=whole[-1]).values_list("kind", "parent_id").first()
        if row is None or row[0] != ProcessKind.BRANCH or row[1] is None:
            break
        whole.append(row[1])
    return whole


def ref_of(process: Process) -> Ref:
    """Return the place of a process that was read with its workflow."""
    return Ref(
        process_id=process.process_id,
        workflow_name=process.workflow.name,
        kind=process.kind,
        parent_id=process.parent_id,
        parent_seq=process.parent_seq,
        branch_key=process.branch_key,
    )


def path_of(branch_key: str) -> list[Part]:
    return [Part(*part) for part in json.loads(branch_key)] if branch_key else []


def path_below(branch_key: str, part: Part) -> str:
    """Return the `branch_key` of a child."""
    return json.dumps([astuple(one) for one in (*path_of(branch_key), part)], ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Program:
    """The steps that one process runs: those of its workflow, or of one branch within it.

    `before`: the steps on the way to a branch, whose callbacks stay in force. `fork` and `index`: where it left them.
    """

    workflow: Workflow
    steps: StepList
    keys: list[str]
    before: StepList = field(default_factory=StepList)
    fork: Fork | None = None
    index: int = 0

    @classmethod
    def of(cls, workflow: Workflow) -> Program:
        """Return the whole workflow as a program."""
        return cls(workflow, workflow.steps, workflow.keys)

    @cached_property
    def digest(self) -> str:
        return plan_digest(self.keys)


def program_of(workflow: Workflow, ref: Ref) -> Program | None:
    """Return what a process runs; None for a branch whose step the code no longer has.

    Two statements for an undo, none for others.
    """
    if ref.kind == ProcessKind.UNDO:
        # It reads the histories of what it undoes, and reading those takes programs.
        from workflows.engine.undo import undo_program

        return undo_program(workflow, ref)
    if not ref.is_branch:
        return Program.of(workflow)
    path = path_of(ref.branch_key)
    own = next((number for number in range(len(path), 0, -1) if path[number - 1].is_workflow), 0)
    program = Program.of(workflow)
    for part in path[own:]:
        found = _branch_of(program, part)
        if found is None:
            return None
        program = found
    return program


def _branch_of(program: Program, part: Part) -> Program | None:
    if part.key not in program.keys:
        return None
    position = program.keys.index(part.key)
    fork = program.steps[position].fork
    try:
        steps = StepList() if fork is None else fork.steps_of(part.index)
    except IndexError:
        return None
    before = program.before >> program.steps[: position + 1]
    return Program(program.workflow, steps, steps.keys(), before, fork, part.index) if steps else None
