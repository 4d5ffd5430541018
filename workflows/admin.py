"""Browse processes and what belongs to them. The engine owns every row, so nothing here can be changed."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from wfo_site.common.admin_pages import ShownInline, StructureAdmin, link, link_to_list, links, pretty_json
from workflows.models import (
    EngineSettings,
    InputState,
    Process,
    ProcessStep,
    ProcessSubscription,
    StepLogLine,
    Wait,
    WorkflowPlan,
)


class StepInline(ShownInline):
    model = ProcessStep
    fields = ["seq", "step", "status", "created_by", "started_at", "completed_at", "retries"]
    ordering = ["seq"]

    def step(self, row: ProcessStep) -> str:
        return link(row, row.name)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProcessStep]:
        # Deltas and snapshots may be large; the step's own page shows them.
        return super().get_queryset(request).defer("delta", "snapshot", "error", "detail")


class WaitInline(ShownInline):
    model = Wait
    fields = ["wait", "state", "deadline", "on_timeout", "reached", "created_at", "closed_at"]

    def wait(self, row: Wait) -> str:
        return link(row, row.kind)


class SubscriptionInline(ShownInline):
    model = ProcessSubscription
    fields = ["linked_subscription", "created_at"]

    @admin.display(description="subscription")
    def linked_subscription(self, row: ProcessSubscription) -> str:
        return link(row.subscription)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProcessSubscription]:
        return super().get_queryset(request).select_related("subscription")


@admin.register(Process)
class ProcessAdmin(StructureAdmin[Process]):
    list_display = ["process_id", "workflow", "last_status", "last_step", "is_task", "started_at", "created_by"]
    list_filter = ["last_status", "is_task", "assignee", "workflow", "started_at"]
    search_fields = ["process_id", "workflow__name", "created_by", "last_step", "failed_reason", "note"]
    search_help_text = "By id, workflow, person, step, reason of failure or note"
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "process_id",
                    "linked_workflow",
                    "last_status",
                    "last_step",
                    "is_task",
                    "created_by",
                    "assignee",
                    "started_at",
                    "last_modified_at",
                    "note",
                    "failed_reason",
                    "traceback",
                    "inputs",
                ]
            },
        ),
        ("Tree", {"fields": ["kind", "linked_parent", "root_id", "branch_key", "linked_children"]}),
        (
            "Queue",
            {
                "fields": [
                    "epoch",
                    "runner",
                    "lease_until",
                    "not_before",
                    "held_because",
                    "rung_at",
                    "priority",
                    "queue",
                    "lost_claims",
                    "left_since",
                    "last_seq",
                    "wait_kind",
                ]
            },
        ),
    ]
    inlines = [StepInline, WaitInline, SubscriptionInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Process]:
        # A branch has a page, too, which its parent links to; lists show what people started.
        on_page = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        manager = Process.every if on_page else Process.objects
        return manager.select_related("workflow", "parent")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        allowed = {"subscriptions__subscription_id__exact", "process_id__exact", "workflow__workflow_id__exact"}
        return lookup in allowed or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    @admin.display(description="workflow")
    def linked_workflow(self, process: Process) -> str:
        return link(process.workflow)

    @admin.display(description="parent")
    def linked_parent(self, process: Process) -> str:
        return link(process.parent)

    @admin.display(description="children")
    def linked_children(self, process: Process) -> str:
        return links(Process.every.filter(parent=process).order_by("process_id")[:100])

    def inputs(self, process: Process) -> str:
        return link_to_list(InputState, "show", process__process_id__exact=process.pk)


@admin.register(ProcessStep)
class ProcessStepAdmin(StructureAdmin[ProcessStep]):
    list_display = ["name", "status", "seq", "process_id", "created_by", "started_at", "completed_at"]
    list_filter = ["status", "started_at"]
    search_fields = ["process__process_id", "name"]
    ordering = ["-started_at"]
    fields = [
        "linked_process",
        "seq",
        "name",
        "key",
        "sub_step",
        "status",
        "created_by",
        "started_at",
        "completed_at",
        "retries",
        "epoch",
        "pretty_delta",
        "removed",
        "pretty_error",
        "pretty_detail",
        "commit_hash",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProcessStep]:
        return super().get_queryset(request).defer("snapshot")

    @admin.display(description="process")
    def linked_process(self, step: ProcessStep) -> str:
        return _link_to_process(step)

    @admin.display(description="changes of state")
    def pretty_delta(self, step: ProcessStep) -> str:
        return pretty_json(step.delta)

    @admin.display(description="error")
    def pretty_error(self, step: ProcessStep) -> str:
        return pretty_json(step.error)

    @admin.display(description="detail")
    def pretty_detail(self, step: ProcessStep) -> str:
        return pretty_json(step.detail)


@admin.register(StepLogLine)
class StepLogLineAdmin(StructureAdmin[StepLogLine]):
    list_display = ["at", "level", "key", "text_start", "process_id"]
    list_filter = ["level", "at"]
    search_fields = ["process__process_id", "key"]
    ordering = ["-id"]
    fields = ["linked_process", "at", "level", "key", "sub_step", "attempt", "epoch", "text"]

    @admin.display(description="process")
    def linked_process(self, line: StepLogLine) -> str:
        return _link_to_process(line)

    @admin.display(description="text")
    def text_start(self, line: StepLogLine) -> str:
        return line.text[:100]


@admin.register(InputState)
class InputStateAdmin(StructureAdmin[InputState]):
    list_display = ["input_type", "process_id", "input_time", "created_by", "merged_seq"]
    list_filter = ["input_type", "input_time"]
    search_fields = ["process__process_id", "created_by"]
    ordering = ["-input_time"]
    fields = ["linked_process", "input_type", "input_time", "created_by", "merged_seq", "pretty_input"]

    @admin.display(description="process")
    def linked_process(self, row: InputState) -> str:
        return _link_to_process(row)

    @admin.display(description="input")
    def pretty_input(self, row: InputState) -> str:
        return pretty_json(row.input_state)


@admin.register(Wait)
class WaitAdmin(StructureAdmin[Wait]):
    """Nonce and hash of a callback's token are left out: who sees the one could make the token."""

    list_display = ["kind", "state", "key", "process_id", "created_at", "deadline", "on_timeout"]
    list_filter = ["kind", "state", "on_timeout"]
    search_fields = ["process__process_id", "key"]
    ordering = ["-created_at"]
    fields = [
        "linked_process",
        "kind",
        "state",
        "key",
        "reached",
        "created_at",
        "closed_at",
        "deadline",
        "on_timeout",
        "timeout_seconds",
        "result_key",
        "pretty_body",
        "pretty_progress",
        "progress_at",
        "pretty_detail",
    ]

    @admin.display(description="process")
    def linked_process(self, row: Wait) -> str:
        return _link_to_process(row)

    @admin.display(description="body")
    def pretty_body(self, row: Wait) -> str:
        return pretty_json(row.body)

    @admin.display(description="progress")
    def pretty_progress(self, row: Wait) -> str:
        return pretty_json(row.progress)

    @admin.display(description="detail")
    def pretty_detail(self, row: Wait) -> str:
        return pretty_json(row.detail)


@admin.register(WorkflowPlan)
class WorkflowPlanAdmin(StructureAdmin[WorkflowPlan]):
    list_display = ["workflow", "short_digest", "step_count", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["workflow__name", "digest"]
    fields = ["linked_workflow", "digest", "created_at", "pretty_keys"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkflowPlan]:
        return super().get_queryset(request).select_related("workflow")

    @admin.display(description="workflow")
    def linked_workflow(self, plan: WorkflowPlan) -> str:
        return link(plan.workflow)

    @admin.display(description="digest")
    def short_digest(self, plan: WorkflowPlan) -> str:
        return plan.digest[:12]

    @admin.display(description="steps")
    def step_count(self, plan: WorkflowPlan) -> int:
        return len(plan.keys)

    @admin.display(description="steps")
    def pretty_keys(self, plan: WorkflowPlan) -> str:
        return pretty_json(plan.keys)


@admin.register(EngineSettings)
class EngineSettingsAdmin(StructureAdmin[EngineSettings]):
    """Pausing goes through the settings page, which tells the runners."""

    list_display = ["id", "global_lock"]
    fields = ["id", "global_lock"]


def _link_to_process(row: ProcessStep | InputState | StepLogLine | Wait) -> str:
    return link(Process(process_id=row.process_id), row.process_id)
