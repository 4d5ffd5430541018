"""The verbs on processes. Pages, REST, GraphQL, schedules and steps all call these and nothing else."""

from workflows.services.abort import abort_process
from workflows.services.callbacks import arrive_callback, update_callback_progress
from workflows.services.continue_at import continue_at
from workflows.services.edit_state import edit_state
from workflows.services.engine import pause_engine, unpause_engine
from workflows.services.processes import delete_process, set_process_note
from workflows.services.release import release_process
from workflows.services.resume import resume_process
from workflows.services.resume_all import resume_all_tasks
from workflows.services.start import Order, start_process, start_processes
from workflows.services.undo import undo_process

__all__ = [
    "Order",
    "abort_process",
    "arrive_callback",
    "continue_at",
    "delete_process",
    "edit_state",
    "pause_engine",
    "release_process",
    "resume_all_tasks",
    "resume_process",
    "set_process_note",
    "start_process",
    "start_processes",
    "undo_process",
    "unpause_engine",
    "update_callback_progress",
]
