"""Addresses of pages about processes. Included at the root: lists of tasks and processes stand beside each other."""

from __future__ import annotations

from django.urls import include, path

from workflows.views import (
    actions,
    continuing,
    detail,
    engine,
    header,
    insync,
    lists,
    panels,
    resume,
    starting,
    state,
    step_log,
    undo,
    wizard,
)

app_name = "workflows"

_PROCESS = "processes/<uuid:process_id>"

urlpatterns = [
    path("forms/", include("workflows.forms.urls")),
    path("processes/", lists.workflow_processes, name="process-list"),
    path("tasks/", lists.task_processes, name="task-list"),
    path("processes/new/", starting.new_subscription, name="process-new"),
    path("tasks/new/", starting.new_task, name="task-new"),
    path("tasks/retry/", actions.retry_all_tasks, name="task-retry-all"),
    path("processes/start/<str:workflow_name>/", wizard.start, name="process-start"),
    path(f"{_PROCESS}/", detail.process_detail, name="process-detail"),
    # The same page: a link that says task or process leads there, whatever it is.
    path("tasks/<uuid:process_id>/", detail.process_detail, name="task-detail"),
    path(f"{_PROCESS}/row/", lists.row, name="process-row"),
    path(f"{_PROCESS}/live/", detail.live, name="process-live"),
    path(f"{_PROCESS}/changes/", detail.changes, name="process-changes"),
    path(f"{_PROCESS}/steps/<int:seq>/", detail.step, name="process-step"),
    path(f"{_PROCESS}/steps/<int:seq>/log/", step_log.of_step, name="process-step-log"),
    path(f"{_PROCESS}/log/", step_log.running, name="process-log"),
    path(f"{_PROCESS}/resume/", resume.resume, name="process-resume"),
    path(f"{_PROCESS}/retry/", actions.retry, name="process-retry"),
    path(f"{_PROCESS}/proceed/", actions.proceed, name="process-proceed"),
    path(f"{_PROCESS}/continue/", continuing.choose, name="process-continue"),
    path(f"{_PROCESS}/undo/", undo.undo, name="process-undo"),
    path(f"{_PROCESS}/state/", state.state, name="process-state"),
    path(f"{_PROCESS}/abort/", actions.abort, name="process-abort"),
    path(f"{_PROCESS}/release/", actions.release, name="process-release"),
    path(f"{_PROCESS}/delete/", actions.delete, name="process-delete"),
    path(f"{_PROCESS}/note/", actions.note, name="process-note"),
    path("processes/panels/active/", panels.active, name="panel-active"),
    path("processes/panels/failed/", panels.failed, name="panel-failed"),
    path("processes/panels/failed-tasks/", panels.failed_tasks, name="panel-failed-tasks"),
    path("processes/panels/mine/", panels.mine, name="panel-mine"),
    path(
        "processes/of-subscription/<uuid:subscription_id>/",
        panels.subscription_processes,
        name="subscription-processes",
    ),
    path(
        "processes/actions-of-subscription/<uuid:subscription_id>/",
        panels.subscription_actions,
        name="subscription-actions",
    ),
    path(
        "processes/in-sync/<uuid:subscription_id>/",
        insync.set_in_sync,
        name="subscription-set-in-sync",
    ),
    path("processes/engine/", engine.engine, name="engine"),
    path("processes/badges/engine/", header.engine_badge, name="engine-badge"),
    path("processes/badges/failed-tasks/", header.failed_tasks_badge, name="failed-tasks-badge"),
    path("processes/engine/pause/", header.pause_engine, name="engine-pause"),
    path("processes/engine/unpause/", header.unpause_engine, name="engine-unpause"),
]
