"""Reads on processes, the same for pages, REST and GraphQL."""

from workflows.selectors.allowed import reason_text, subscription_workflows
from workflows.selectors.continuing import continue_choices
from workflows.selectors.detail import process_detail
from workflows.selectors.editable_state import EditableState, editable_state
from workflows.selectors.engine import engine_status
from workflows.selectors.permissions import Permissions, process_permissions
from workflows.selectors.position import process_form
from workflows.selectors.step_log import process_log
from workflows.selectors.undo import Undo, undo_plan
from workflows.selectors.why import why_not_running
from workflows.selectors.workers import worker_status

__all__ = [
    "EditableState",
    "Permissions",
    "Undo",
    "continue_choices",
    "editable_state",
    "engine_status",
    "process_detail",
    "process_form",
    "process_log",
    "process_permissions",
    "reason_text",
    "subscription_workflows",
    "undo_plan",
    "why_not_running",
    "worker_status",
]
