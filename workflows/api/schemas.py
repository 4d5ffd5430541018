"""Shapes of processes as API clients see them, and of what they send. Answers are built from rows."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints

from products.enums import Target
from subscriptions.api.schemas import SubscriptionSchema
from wfo_site.common.rest.openapi import Epoch
from workflows.engine.undo_plan import Fate
from workflows.enums import Assignee, LogLevel, ProcessKind, ProcessStatus
from workflows.selectors.continuing import StepStanding

JsonObject = dict[str, Any]


class ProcessStepSchema(BaseModel):
    """A row of the history, or a step to come. `reason`: why a person changed the state, where the row says that."""

    step_id: UUID | None = None
    name: str
    status: str
    created_by: str | None = None
    executed: Epoch | None = Field(default=None, deprecated=True)
    started: Epoch | None = None
    completed: Epoch | None = None
    commit_hash: str | None = None
    reason: str | None = None
    state: JsonObject | None = None
    state_delta: JsonObject | None = None


class ChildProcessSchema(BaseModel):
    """What a step of a process has started: a `branch` of that process, or a `process` of its own.

    `step` is the key of that step, `name` what the child is called there.
    """

    process_id: UUID
    kind: ProcessKind
    name: str
    step: str | None = None
    workflow_name: str
    last_status: ProcessStatus


class ProcessSchema(BaseModel):
    """A process. `steps`, `form` and `current_state` are null where several processes are listed.

    Of a single process, `why` says in a sentence why it does not run at the moment, `deadline` until when it waits, and
    `next_retry_at` when a step that failed for now is tried again. `estimated_end` is null where nobody can tell; a
    process is late when it has worked for longer than 95 of 100 of the last runs. `undo_of` and `undone_by` link a
    process and its undo, `parent_process_id` and `children` the tree. None of these is in lists.
    """

    process_id: UUID
    workflow_id: UUID
    workflow_name: str
    is_task: bool
    created_by: str | None = None
    failed_reason: str | None = None
    started_at: Epoch
    last_status: ProcessStatus
    last_step: str | None = None
    assignee: Assignee
    last_modified_at: Epoch
    traceback: str | None = None
    product_id: UUID | None = None
    customer_id: str | None = None
    workflow_target: Target | None = None
    subscriptions: list[SubscriptionSchema]
    current_state: JsonObject | None = None
    steps: list[ProcessStepSchema] | None = None
    form: JsonObject | None = None
    note: str | None = None
    parent_process_id: UUID | None = None
    children: list[ChildProcessSchema] | None = None
    why: str | None = None
    deadline: Epoch | None = None
    next_retry_at: Epoch | None = None
    estimated_end: Epoch | None = None
    is_late: bool | None = None
    undo_of: UUID | None = None
    undone_by: UUID | None = None


class ProcessList(RootModel[list[ProcessSchema]]):
    """Processes, the newest first unless asked otherwise."""


class StepLogLineSchema(BaseModel):
    """A line that a step logged. `attempt` counts its tries from 1; `claim` tells apart who ran it: a higher one came
    later. `sub_step` is the step of a group."""

    time: Epoch
    level: LogLevel
    text: str
    step: str
    sub_step: str | None = None
    attempt: int
    claim: int


class StepLog(RootModel[list[StepLogLineSchema]]):
    """Lines in the order in which they were written."""


class UndoStepSchema(BaseModel):
    """A finished step, and what becomes of it.

    `fate`: undone, nothing (there is nothing to take back), stays (nothing takes it back), elsewhere (a process of its
    own), before (an earlier undo did). `state`: what its undo gets. `where` names the branches that it stands in.
    """

    process_id: UUID
    name: str
    where: str
    fate: Fate
    undo_name: str
    reason: str
    is_half_done: bool
    other_process_id: UUID | None = None
    state: JsonObject | None = None


class UndoPlanSchema(BaseModel):
    """What undoing a process does, in order. `reason` says why it cannot be started; null if it can."""

    process_id: UUID
    reason: str | None = None
    undone_by: UUID | None = None
    steps: list[UndoStepSchema]


class OldStepSchema(BaseModel):
    """A step of the plan that a process has run by: done, stopped (it stands there), or todo."""

    key: str
    name: str
    standing: StepStanding


class NewStepSchema(BaseModel):
    """A step of the code at which a process may go on. `was_done`: it has done a step of this name before."""

    key: str
    name: str
    was_done: bool
    is_suggested: bool


class ContinueAtChoicesSchema(BaseModel):
    """Where a process may go on whose workflow's code has changed. `reason` says why there is nothing to choose.

    `plan` and `version` are to be sent with the choice: it holds for these steps, and for where the process stands.
    """

    process_id: UUID
    version: int
    plan: str
    why: str | None = None
    reason: str | None = None
    old: list[OldStepSchema]
    new: list[NewStepSchema]


class ContinueAtSchema(BaseModel):
    """The key of the step at which a process is to go on."""

    model_config = ConfigDict(extra="forbid")

    step: str
    plan: str
    version: int


class ProcessStateSchema(BaseModel):
    """The state that the next step of a process sees, the addresses of callbacks hidden.

    `version` is to be sent with a change of it. `reason` says why it cannot be changed, or not by this user; null if it
    can. `own_keys` are the engine's.
    """

    process_id: UUID
    version: int
    reason: str | None = None
    state: JsonObject
    own_keys: list[str]


class StateEditSchema(BaseModel):
    """A change of a state: `state` is the whole of it, or `set` and `remove` name keys. `version`: of the state that
    was looked at. `reason` is shown in the history."""

    model_config = ConfigDict(extra="forbid")

    version: int
    reason: Annotated[str, StringConstraints(max_length=1000)]
    state: JsonObject | None = None
    set: JsonObject | None = None
    remove: list[str] | None = None


class ProcessIdSchema(BaseModel):
    id: UUID


class ProcessPatchSchema(BaseModel):
    """Only the keys that are present change something."""

    note: Annotated[str, StringConstraints(max_length=5000)] | None = None


class ProcessStatusCounts(BaseModel):
    """How many there are in each status that occurs."""

    process_counts: dict[ProcessStatus, int]
    task_counts: dict[ProcessStatus, int]


class PagesOfInput(RootModel[list[JsonObject] | None]):
    """The inputs of all pages filled in so far, one object for each page. Null stands for one empty page."""


class ResumeInput(RootModel[list[JsonObject] | JsonObject | None]):
    """The inputs of all pages filled in so far. An object stands for one page; empty or null for one empty page."""


class CallbackBody(RootModel[JsonObject]):
    """What the external system reports; a step finds it in the state."""


class ProgressBody(RootModel[str | JsonObject]):
    """How far the external system is: text, or an object."""


class FormNotComplete(BaseModel):
    """A further page is needed: its JSON schema, and whether more pages follow."""

    type: str
    detail: str
    title: str
    status: int
    form: JsonObject
    meta: JsonObject | None = None


class FormResult(RootModel[JsonObject]):
    """What the form made of its input."""


class Translations(RootModel[JsonObject]):
    """Texts by key, nested: `workflow.<name>`, `forms.fields.<name>` and more."""


class GlobalStatusEnum(StrEnum):
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    PAUSING = "PAUSING"


class EngineSettingsBaseSchema(BaseModel):
    global_lock: bool


class ProcessResumeAllSchema(BaseModel):
    """How many tasks there were to resume."""

    count: int


class EngineSettingsSchema(BaseModel):
    global_lock: bool
    global_status: GlobalStatusEnum | None = None
    running_processes: int


class WorkerStatusSchema(BaseModel):
    executor_type: str
    number_of_workers_online: int = 0
    number_of_queued_jobs: int = 0
    number_of_running_jobs: int = 0


class SubscriptionRelationSchema(BaseModel):
    subscription_id: UUID
    subscription_description: str


class WorkflowListItemSchema(BaseModel):
    """A workflow, and if it may not start now: the reason and what stands in the way."""

    name: str
    description: str | None = None
    reason: str | None = None
    usable_when: list[Any] | None = None
    status: str | None = None
    action: str | None = None
    locked_relations: list[UUID] | None = None
    locked_relations_detail: list[SubscriptionRelationSchema] | None = None
    unterminated_in_use_by_subscriptions: list[UUID] | None = None
    unterminated_in_use_by_subscriptions_detail: list[SubscriptionRelationSchema] | None = None


class SubscriptionWorkflowListsSchema(BaseModel):
    """The workflows of a subscription by target. `reason` is there when all of them are blocked for it."""

    reason: str | None = None
    locked_relations: list[UUID] | None = None
    locked_relations_detail: list[SubscriptionRelationSchema] | None = None
    create: list[WorkflowListItemSchema]
    modify: list[WorkflowListItemSchema]
    terminate: list[WorkflowListItemSchema]
    system: list[WorkflowListItemSchema]
    reconcile: list[WorkflowListItemSchema]
    # The recorded name; as an attribute it would hide a method of pydantic.
    validate_: list[WorkflowListItemSchema] = Field(default=[], alias="validate")
