"""Paths of `workflows.api`, put under /api by the site."""

from __future__ import annotations

from wfo_site.common.rest.paths import both
from workflows.api.callbacks import Callback, CallbackProgress
from workflows.api.catalogue import WorkflowItem
from workflows.api.continuing import ContinueAt
from workflows.api.engine import EngineStatus, WorkerStatus
from workflows.api.forms import RegisteredForm, TranslationsOf
from workflows.api.processes import Abort, Processes, ProcessItem, Release, Resume, ResumeAll, Start, StatusCounts
from workflows.api.state import State
from workflows.api.step_log import ProcessLog
from workflows.api.subscriptions import SetInSync, SubscriptionWorkflows
from workflows.api.undo import Undo

_process = "processes/<loose_uuid:process_id>"

urlpatterns = [
    *both("processes/", Processes.as_view()),
    *both("processes/status-counts", StatusCounts.as_view()),
    *both("processes/resume-all", ResumeAll.as_view()),
    *both(_process, ProcessItem.as_view()),
    # Never reached, the line above takes every method; it stands here to be in the schema.
    *both("processes/<str:workflow_key>", Start.as_view()),
    *both(f"{_process}/log", ProcessLog.as_view()),
    *both(f"{_process}/resume", Resume.as_view()),
    *both(f"{_process}/abort", Abort.as_view()),
    *both(f"{_process}/undo", Undo.as_view()),
    *both(f"{_process}/continue-at", ContinueAt.as_view()),
    *both(f"{_process}/state", State.as_view()),
    *both(f"{_process}/release", Release.as_view()),
    *both(f"{_process}/callback/<str:token>", Callback.as_view()),
    *both(f"{_process}/callback/<str:token>/progress", CallbackProgress.as_view()),
    *both("settings/status", EngineStatus.as_view()),
    *both("settings/worker-status", WorkerStatus.as_view()),
    *both("workflows/<loose_uuid:workflow_id>", WorkflowItem.as_view()),
    *both("forms/<str:form_key>", RegisteredForm.as_view()),
    *both("translations/<str:language>", TranslationsOf.as_view()),
    *both("subscriptions/workflows/<loose_uuid:subscription_id>", SubscriptionWorkflows.as_view()),
    *both("subscriptions/<loose_uuid:subscription_id>/set_in_sync", SetInSync.as_view()),
]
