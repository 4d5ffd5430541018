"""What steps have logged: of a process, of one row of its history, of the step that runs."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Max, Q, QuerySet

from wfo_site.common.errors import DomainError, NotFound
from workflows.enums import LogLevel, ProcessStatus, StepStatus
from workflows.models import Process, ProcessStep, StepLogLine, StepProgress

_LEVELS = LogLevel.values


class UnknownLevel(DomainError):
    """There is no such level of log lines."""

    code = "unknown_level"


def process_log(process_id: UUID, *, step: str | None = None, level: str | None = None) -> QuerySet[StepLogLine]:
    """Return all lines of a process in the order in which they were written, also those of tries that were cut off.

    `step`: only of the step with this key; `level`: only lines that matter as much or more. Raises NotFound and
    UnknownLevel.
    """
    if level and level not in _LEVELS:
        raise UnknownLevel(f"There is no level {level!r}; use one of {', '.join(_LEVELS)}", field="level")
    if not Process.every.filter(pk=process_id).exists():
        raise NotFound(f"Process with process_id {process_id} not found")
    lines = StepLogLine.objects.filter(process_id=process_id).order_by("id")
    if step:
        lines = lines.filter(key=step)
    return lines.filter(level__in=_LEVELS[_LEVELS.index(level) :]) if level else lines


def log_of_row(row: ProcessStep) -> QuerySet[StepLogLine]:
    """Return the lines of the try that a row of the history tells of; of an abort, those of the step it cut off.

    At most two statements before the one that reads them.
    """
    if row.epoch is None:
        return StepLogLine.objects.none()
    if row.status == StepStatus.ABORT:
        before = ProcessStep.objects.filter(process_id=row.process_id, seq__lt=row.seq).order_by("-seq")
        since = before.values_list("completed_at", flat=True).first()
        of_claim = StepLogLine.objects.filter(process_id=row.process_id, epoch=row.epoch).order_by("id")
        return of_claim.filter(at__gt=since) if since is not None else of_claim
    return _of_try(row.process_id, row.key, row.epoch, before_seq=row.seq)


def log_of_running(process: Process, key: str) -> QuerySet[StepLogLine]:
    """Return the lines of the step `key` that runs now; none if the process does not run."""
    if process.last_status != ProcessStatus.RUNNING:
        return StepLogLine.objects.none()
    return _of_try(process.pk, key, process.epoch, before_seq=process.last_seq + 1)


def progress_of_running(process: Process, key: str) -> StepProgress | None:
    """Return how far the step `key` is that runs now, if it says so."""
    if process.last_status != ProcessStatus.RUNNING:
        return None
    return StepProgress.objects.filter(process_id=process.pk, epoch=process.epoch, key=key).first()


def _of_try(process_id: UUID, key: str, epoch: int, *, before_seq: int) -> QuerySet[StepLogLine]:
    """Return the lines of the try of a step that ended, or runs, under the claim `epoch`.

    The steps of a group may have been done under several claims since its last failure: of each counts the newest.
    """
    lines = StepLogLine.objects.filter(process_id=process_id, key=key).order_by("id")
    failures = ProcessStep.objects.filter(
        process_id=process_id, key=key, seq__lt=before_seq, status__in=[StepStatus.FAILED, StepStatus.WAITING]
    )
    since = failures.aggregate(epoch=Max("epoch"))["epoch"]
    tried = lines.filter(epoch__lte=epoch, **({} if since is None else {"epoch__gt": since}))
    newest = tried.exclude(sub_step="").order_by().values_list("sub_step").annotate(Max("epoch"))
    wanted = Q(sub_step="", epoch=epoch)
    for sub_step, newest_epoch in newest:
        wanted |= Q(sub_step=sub_step, epoch=newest_epoch)
    return lines.filter(wanted)
