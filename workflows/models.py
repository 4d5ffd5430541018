"""Processes: runs of workflows, with their steps, inputs and waits. The process row is the queue.

Nobody calls `Process.save()` on a stored row: writes name their columns and carry the fence of the engine.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from products.models import Workflow
from subscriptions.models import Subscription
from wfo_site.common.clock import now
from wfo_site.common.uuid7 import uuid7
from workflows.enums import (
    Assignee,
    InputType,
    LogLevel,
    ProcessKind,
    ProcessStatus,
    StepStatus,
    TimeoutAction,
    WaitKind,
    WaitState,
)
from workflows.states import ENDED, RUNNABLE

_LIVE = sorted(status.value for status in RUNNABLE)


class WorkflowPlan(models.Model):
    """The keys of a workflow's steps in order, stored once for each version that ran."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="plans")
    digest = models.CharField(max_length=64)
    keys = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workflow", "digest"], name="workflow_plan_once")]

    def __str__(self) -> str:
        return f"{self.workflow} {self.digest[:8]}"


class ProcessQuerySet(models.QuerySet["Process"]):
    def listed(self) -> ProcessQuerySet:
        """Leave out branches and undos, which are parts of other processes."""
        return self.filter(kind=ProcessKind.PROCESS)

    def live(self) -> ProcessQuerySet:
        """Processes that a runner may take or has taken."""
        return self.filter(last_status__in=_LIVE)

    def uncompleted(self) -> ProcessQuerySet:
        return self.exclude(last_status__in=ENDED)


class ListedProcessManager(models.Manager["Process"]):
    def get_queryset(self) -> ProcessQuerySet:
        return ProcessQuerySet(self.model, using=self._db).listed()


class Process(models.Model):
    """One run of a workflow.

    `objects` sees what people see; `every` also sees branches and undos, and is what the engine uses.
    """

    process_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(Workflow, on_delete=models.PROTECT, related_name="processes", db_index=False)
    assignee = models.CharField(max_length=50, default=Assignee.SYSTEM)
    last_status = models.CharField(max_length=50, choices=ProcessStatus, default=ProcessStatus.CREATED)
    last_step = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API shows null
    started_at = models.DateTimeField()
    last_modified_at = models.DateTimeField()
    failed_reason = models.CharField(max_length=10_000, null=True, blank=True)  # noqa: DJ001 - the API shows null
    traceback = models.CharField(max_length=50_000, null=True, blank=True)  # noqa: DJ001 - the API shows null
    created_by = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API shows null
    is_task = models.BooleanField(default=False)
    note = models.CharField(max_length=5000, null=True, blank=True)  # noqa: DJ001 - the API shows null
    subscriptions = models.ManyToManyField(Subscription, through="ProcessSubscription", related_name="processes")

    # Tree: a branch or undo belongs to its parent; a sub-workflow is a process of its own that has a parent.
    kind = models.CharField(max_length=20, choices=ProcessKind, default=ProcessKind.PROCESS)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="children")
    root_id = models.UUIDField(db_index=True)
    # Where in the tree: plan keys and items from the root down, part of the idempotency key.
    branch_key = models.CharField(max_length=1000, blank=True, default="")
    # What its parent calls it.
    branch_name = models.CharField(max_length=255, blank=True, default="")
    # The parent's row that waits for it, and whose state a branch starts from; null if nobody waits.
    parent_seq = models.PositiveIntegerField(null=True, blank=True)

    # Queue: who runs it, since when, and what keeps it from being run.
    epoch = models.PositiveBigIntegerField(default=0)
    runner = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - no runner
    lease_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    held_because = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001 - not held
    rung_at = models.DateTimeField(null=True, blank=True)
    # Lower runs first; batches get higher numbers than people who wait.
    priority = models.SmallIntegerField(default=0)
    # Claims under which the next step was to be done, see `workflows.engine.losses`.
    lost_claims = models.PositiveSmallIntegerField(default=0)
    # Since when runners whose code does not fit have left it to others; null once one fits.
    left_since = models.DateTimeField(null=True, blank=True)
    # The queue that the next step asks for; null: that of the workflow.
    queue = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 - no queue of its own

    # Position: the plan in force and the last row written.
    plan = models.ForeignKey(WorkflowPlan, null=True, on_delete=models.PROTECT, related_name="+")
    last_seq = models.PositiveIntegerField(default=0)
    wait_kind = models.CharField(max_length=20, choices=WaitKind, null=True, blank=True)  # noqa: DJ001 - no wait

    objects = ListedProcessManager.from_queryset(ProcessQuerySet)()
    every = models.Manager.from_queryset(ProcessQuerySet)()

    class Meta:
        ordering = ["-started_at", "-process_id"]
        base_manager_name = "every"
        default_manager_name = "objects"
        verbose_name_plural = "processes"
        permissions = [("change_process_state", "Can change the state of a failed or suspended process")]
        indexes = [
            # Only live rows, and no column that a heartbeat writes: a million finished rows cost the queue nothing.
            models.Index(fields=["priority", "process_id"], name="process_queue", condition=Q(last_status__in=_LIVE)),
            models.Index(fields=["is_task", "-started_at"], name="process_newest"),
            models.Index(fields=["last_status", "is_task"], name="process_status"),
            models.Index(fields=["workflow", "-started_at"], name="process_workflow_newest"),
            # How long a workflow usually takes is read from its newest completed runs.
            models.Index(
                fields=["workflow", "-started_at"],
                name="process_newest_completed",
                condition=Q(kind=ProcessKind.PROCESS, last_status=ProcessStatus.COMPLETED),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(last_status__in=ProcessStatus.values), name="process_status_known"),
            models.CheckConstraint(condition=Q(kind__in=ProcessKind.values), name="process_kind_known"),
            # One undo at a time; one that was given up may be followed by another.
            models.UniqueConstraint(
                fields=["parent"],
                name="process_undone_once",
                condition=Q(kind=ProcessKind.UNDO) & ~Q(last_status=ProcessStatus.ABORTED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.process_id} {self.last_status}"

    @property
    def runs_on(self) -> bool:
        """It was aborted, and the step that was running then has not ended on its worker."""
        return self.last_status == ProcessStatus.ABORTED and self.lease_until is not None and self.lease_until > now()


class ProcessStep(models.Model):
    """One row of a process's history. The state is the fold of the rows by `seq`, see `workflows.engine.history`.

    `delta`: top-level state keys with their new values; `removed`: keys taken away. Failed and waiting rows carry
    `error` instead. `sub_step` is set while a step group is under way: the last of its steps that is done.
    A row without `key` is no step of the plan but what a person did to the process, as `detail` says: the `reason` of a
    change of its state, or the keys that count as `cleared` since it was made to go on elsewhere. That of a group names
    the steps that it has `left_out`, because their conditions did not hold.
    """

    step_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Found by (process, seq), as is the process's workflow by its newest: an index of their own would only cost writes.
    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="steps", db_index=False)
    seq = models.PositiveIntegerField()
    name = models.CharField(max_length=255)
    key = models.CharField(max_length=255)
    status = models.CharField(max_length=50, choices=StepStatus)
    delta = models.JSONField(default=dict)
    removed = models.JSONField(default=list)
    error = models.JSONField(null=True)
    snapshot = models.JSONField(null=True)
    detail = models.JSONField(null=True)
    sub_step = models.CharField(max_length=255, null=True)  # noqa: DJ001 - no group under way
    # The claim under which it was written; null for rows that no runner wrote before this was kept.
    epoch = models.PositiveBigIntegerField(null=True)
    retries = models.PositiveIntegerField(default=0)
    # When the earlier of several identical failures ended, ISO text; of very many, the last ones.
    earlier_completed_at = models.JSONField(default=list)
    created_by = models.CharField(max_length=255, null=True)  # noqa: DJ001 - the API shows null
    started_at = models.DateTimeField()
    completed_at = models.DateTimeField()
    commit_hash = models.CharField(max_length=40, null=True)  # noqa: DJ001 - not in a checkout

    class Meta:
        ordering = ["process", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["process", "seq"], name="process_step_seq_once"),
            models.CheckConstraint(condition=Q(status__in=StepStatus.values), name="process_step_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.status}"


class StepLogLine(models.Model):
    """What a step said while it ran, written beside its transaction and kept whatever becomes of that.

    `epoch` is the claim under which it was said: a row of the history shows the lines of its own claim, so those of a
    runner that has lost the process never pass for those of the one that took it over. `sub_step`: the step of a group.
    """

    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="log_lines", db_index=False)
    epoch = models.PositiveBigIntegerField()
    key = models.CharField(max_length=255)
    sub_step = models.CharField(max_length=255, blank=True, default="")
    attempt = models.PositiveIntegerField()
    at = models.DateTimeField()
    level = models.CharField(max_length=10, choices=LogLevel)
    text = models.TextField()

    class Meta:
        ordering = ["process", "id"]
        indexes = [models.Index(fields=["process", "id"], name="step_log_line_order")]
        constraints = [
            models.CheckConstraint(condition=Q(level__in=LogLevel.values), name="step_log_line_level_known"),
        ]

    def __str__(self) -> str:
        return f"{self.level}: {self.text[:80]}"


class StepProgress(models.Model):
    """How far the step is that last said so, at most one for each process. `total` null: nobody knows."""

    process = models.OneToOneField(Process, primary_key=True, on_delete=models.CASCADE, related_name="step_progress")
    epoch = models.PositiveBigIntegerField()
    key = models.CharField(max_length=255)
    sub_step = models.CharField(max_length=255, blank=True, default="")
    done = models.FloatField()
    total = models.FloatField(null=True)
    text = models.CharField(max_length=500, blank=True, default="")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.done:g} of {self.total:g}" if self.total is not None else f"{self.done:g}"


class UndoPlan(models.Model):
    """What an undo does, decided once when it starts: a crash, a retry and other code find the same.

    `steps`, in their order: `process_id` and `seq` of the row that is undone, its `key` and `sub_step`, `name` of the
    row that undoes it, `is_half_done`. `left`: the names of steps that stay as they are, because nothing undoes them.
    """

    process = models.OneToOneField(Process, primary_key=True, on_delete=models.CASCADE, related_name="undo_plan")
    steps = models.JSONField()
    left = models.JSONField()

    def __str__(self) -> str:
        return f"{len(self.steps)} steps to undo"


class InputState(models.Model):
    """What a person or program gave a process. `merged_seq` is the row that took it in; null until then."""

    input_state_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="input_states")
    input_state = models.JSONField()
    input_type = models.CharField(max_length=20, choices=InputType)
    input_time = models.DateTimeField()
    created_by = models.CharField(max_length=255)
    merged_seq = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["process", "input_time", "input_state_id"]
        indexes = [models.Index(fields=["process"], name="input_unmerged", condition=Q(merged_seq__isnull=True))]

    def __str__(self) -> str:
        return f"{self.input_type} of {self.process_id}"


class Wait(models.Model):
    """Something a process waits for. Arrival, expiry and abort compare-and-set `state`, so exactly one wins.

    A callback's token is derived from `nonce` and the secret key; only its hash is stored.
    """

    wait_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="waits")
    kind = models.CharField(max_length=20, choices=WaitKind)
    state = models.CharField(max_length=20, choices=WaitState, default=WaitState.OPEN)
    # Plan key of the step that waits.
    key = models.CharField(max_length=255)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    deadline = models.DateTimeField(null=True)
    on_timeout = models.CharField(max_length=20, choices=TimeoutAction, default=TimeoutAction.FAIL)
    timeout_seconds = models.FloatField(null=True)
    token_hash = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - only callbacks have one
    nonce = models.CharField(max_length=64, blank=True, default="")
    result_key = models.CharField(max_length=255, blank=True, default="")
    # True once the process stands at the wait; a callback that comes before is kept.
    reached = models.BooleanField(default=False)
    body = models.JSONField(null=True)
    progress = models.JSONField(null=True)
    progress_at = models.DateTimeField(null=True)
    # Children: how many are meant, how many must end well, how many may live at once, and the items.
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["process", "created_at"]
        indexes = [
            models.Index(
                fields=["deadline"], name="wait_due", condition=Q(state=WaitState.OPEN, deadline__isnull=False)
            ),
            models.Index(fields=["process", "state"], name="wait_of_process"),
        ]
        constraints = [models.CheckConstraint(condition=Q(state__in=WaitState.values), name="wait_state_known")]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class ProcessSubscription(models.Model):
    """Which subscriptions a process works on."""

    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="process_subscriptions")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="process_subscriptions")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["process", "subscription"], name="process_subscription_once")]

    def __str__(self) -> str:
        return f"{self.process_id} {self.subscription_id}"


class StartKey(models.Model):
    """An idempotency key of a start, kept for 24 hours: the same key with the same inputs gives the same process."""

    key = models.CharField(max_length=255, unique=True)
    inputs_digest = models.CharField(max_length=64)
    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class Lease(models.Model):
    """A name that one at a time may hold, for a while: whoever wins the compare-and-set on `until`."""

    name = models.CharField(primary_key=True, max_length=100)
    holder = models.UUIDField()
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} until {self.until}"


class EngineSettings(models.Model):
    """One row: whether the engine is paused, and since when."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    global_lock = models.BooleanField(default=False)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "engine settings"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="engine_settings_single_row")]

    def __str__(self) -> str:
        return "paused" if self.global_lock else "running"
