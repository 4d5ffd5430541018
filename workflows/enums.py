"""States of processes and steps; the stored strings are part of the API."""

from __future__ import annotations

from django.db.models import IntegerChoices, TextChoices


class ProcessStatus(TextChoices):
    CREATED = "created", "Created"
    RUNNING = "running", "Running"
    SUSPENDED = "suspended", "Suspended"
    WAITING = "waiting", "Waiting"
    AWAITING_CALLBACK = "awaiting_callback", "Awaiting callback"
    ABORTED = "aborted", "Aborted"
    FAILED = "failed", "Failed"
    API_UNAVAILABLE = "api_unavailable", "API unavailable"
    INCONSISTENT_DATA = "inconsistent_data", "Inconsistent data"
    COMPLETED = "completed", "Completed"
    RESUMED = "resumed", "Resumed"


class StepStatus(TextChoices):
    SUCCESS = "success", "Success"
    SKIPPED = "skipped", "Skipped"
    SUSPEND = "suspend", "Suspended"
    WAITING = "waiting", "Waiting"
    AWAITING_CALLBACK = "awaiting_callback", "Awaiting callback"
    FAILED = "failed", "Failed"
    ABORT = "abort", "Aborted"
    COMPLETE = "complete", "Complete"


class ProcessKind(TextChoices):
    PROCESS = "process", "Process"
    BRANCH = "branch", "Branch"
    UNDO = "undo", "Undo"


class Priority(IntegerChoices):
    """Which processes come first: the lower, the sooner. Any number from 0 to 9 may be used, these have names."""

    INTERACTIVE = 0, "Somebody waits for it"
    SCHEDULED = 3, "It was planned"
    BATCH = 6, "It is one of many"


class WaitKind(TextChoices):
    INPUT = "input", "Input"
    CALLBACK = "callback", "Callback"
    CHILDREN = "children", "Children"
    RETRY = "retry", "Retry"


class WaitState(TextChoices):
    OPEN = "open", "Open"
    ARRIVED = "arrived", "Arrived"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"


class TimeoutAction(TextChoices):
    FAIL = "fail", "Fail"
    RETRY = "retry", "Retry"
    CONTINUE = "continue", "Continue"


class LogLevel(TextChoices):
    """How much a line that a step logs matters, from least to most."""

    DEBUG = "debug", "Debug"
    INFO = "info", "Info"
    WARNING = "warning", "Warning"
    ERROR = "error", "Error"


class InputType(TextChoices):
    USER_INPUT = "user_input", "User input"
    INITIAL_STATE = "initial_state", "Initial state"


class Assignee(TextChoices):
    """Who is expected to act when a process waits for input."""

    NOC = "NOC", "NOC"
    SYSTEM = "SYSTEM", "System"
    CHANGES = "CHANGES", "Changes"
    KLANTSUPPORT = "KLANTSUPPORT", "Klantsupport"
