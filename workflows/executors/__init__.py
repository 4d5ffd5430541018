"""Who calls `run(process_id)`: a thread pool in the web process, Celery workers, or the caller itself."""

from workflows.executors.base import Executor, get_executor, runner_id

__all__ = ["Executor", "get_executor", "runner_id"]
