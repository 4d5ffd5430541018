"""The page of a process: its frame and its steps, without the state, which each step loads when it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Prefetch, Q

from subscriptions.models import Subscription
from wfo_site.common.clock import now
from wfo_site.common.errors import NotFound
from workflows.engine.fitting import Fit, fit
from workflows.engine.plans import name_of, stored_rest
from workflows.engine.registry import get_workflow
from workflows.engine.standing import NO_STEP, Standing, standing_of
from workflows.engine.steps import Step, StepKind
from workflows.engine.tree import Program, program_of, ref_of
from workflows.enums import ProcessStatus, StepStatus, WaitState
from workflows.models import Process, ProcessStep, Wait
from workflows.page_selectors.parts import Parts, parts_of
from workflows.selectors.estimates import Estimate, estimate_of
from workflows.states import CLEARED_STEPS, ENDED, OPEN_STEPS, RESUMABLE, RUNNABLE

PENDING: Final = "pending"
RUNNING: Final = "running"

_ICON_OF_KIND: Final[dict[StepKind, str]] = {
    StepKind.START: "player-play",
    StepKind.DONE: "circle-check",
    StepKind.INPUT: "edit",
    StepKind.GROUP: "list-details",
    StepKind.FORK: "git-branch",
    StepKind.RETRY: "refresh",
    StepKind.ABORT: "player-stop",
}
_ICON_DEFAULT: Final = "settings"
_ICON_OF_PEOPLE: Final = "edit"
_TRIES_THAT_FAILED: Final = frozenset({StepStatus.FAILED, StepStatus.WAITING})

# The columns of a step row that its card shows; delta, snapshot and error may be megabytes and wait until it is opened.
_CARD_COLUMNS: Final = (
    "seq",
    "name",
    "key",
    "status",
    "sub_step",
    "retries",
    "detail",
    "created_by",
    "started_at",
    "completed_at",
)


@dataclass(frozen=True, kw_only=True)
class StepCard:
    """One line of the timeline: a row that was written, or a step that is still to come.

    `version` changes whenever what the opened card shows may have changed. Durations are in seconds.
    """

    anchor: str
    key: str
    name: str
    status: str
    icon: str
    seq: int | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    created_by: str | None = None
    retries: int = 0
    sub_step: str | None = None
    is_current: bool = False
    # A suspension or a wait that is over: another row tells how it went on.
    is_past: bool = False
    # Still to come when the process was aborted.
    is_called_off: bool = False

    @property
    def is_step(self) -> bool:
        """False for what a person did to the process."""
        return self.key != NO_STEP

    @property
    def is_written(self) -> bool:
        return self.seq is not None

    @property
    def duration(self) -> float | None:
        if self.started_at is None or self.completed_at is None:
            return None
        return max((self.completed_at - self.started_at).total_seconds(), 0.0)

    @property
    def version(self) -> str:
        ended = f"{self.completed_at:%s%f}" if self.completed_at else ""
        return f"{self.seq}-{self.status}-{self.retries}-{ended}"

    @property
    def log_query(self) -> str:
        """The query of an address that asks for what this step says."""
        return urlencode({"step": self.key})

    @property
    def label(self) -> str:
        if self.status in StepStatus.values:
            return str(StepStatus(self.status).label)
        if self.is_called_off:
            return "Not run"
        return {PENDING: "To do", RUNNING: "Running"}[self.status]


@dataclass(frozen=True, kw_only=True)
class StepDot:
    """One step at a glance: the newest of its rows, and how often it failed."""

    card: StepCard
    failures: int


@dataclass(frozen=True, kw_only=True)
class ProcessView:
    """Everything that the page of one process shows before a step is opened."""

    process: Process
    subscriptions: list[Subscription]
    cards: list[StepCard]
    waits: list[Wait]
    parts: Parts
    workflow_is_in_code: bool
    estimate: Estimate
    # It stands at a step that a person answers.
    has_form: bool
    # Why the code does not go on where it stands, in a sentence; and it has steps at which it could.
    misfit: str = ""
    can_go_on_elsewhere: bool = False

    @property
    def wants_choice(self) -> bool:
        """A person must choose where it goes on."""
        return bool(self.misfit) and self.process.last_status in RESUMABLE

    @property
    def product_names(self) -> list[str]:
        return sorted({subscription.product.name for subscription in self.subscriptions})

    @property
    def current(self) -> StepCard | None:
        return next((card for card in self.cards if card.is_current), None)

    @property
    def dots(self) -> list[StepDot]:
        """The run on one line: all rows of one step are one dot, which counts those that failed."""
        dots: list[StepDot] = []
        for card in (card for card in self.cards if card.is_step):
            failures = card.retries + 1 if card.status in _TRIES_THAT_FAILED else 0
            if dots and dots[-1].card.key == card.key:
                failures += dots.pop().failures
            dots.append(StepDot(card=card, failures=failures))
        return dots

    @property
    def done_count(self) -> int:
        """How many steps are done; a row that suspended or failed before is not one."""
        return sum(card.is_step and card.status in CLEARED_STEPS for card in self.cards)

    @property
    def step_count(self) -> int:
        """How many steps there are, done and to come."""
        return (
            self.done_count
            + sum(not card.is_written for card in self.cards)
            + (1 if self.current and self.current.is_written else 0)
        )

    @property
    def seconds(self) -> float:
        """From the start to the end or, while it is open, to now."""
        end = self.process.last_modified_at if self.process.last_status in ENDED else now()
        return max((end - self.process.started_at).total_seconds(), 0.0)

    @property
    def version(self) -> str:
        """Change whenever the live part of the page would be drawn differently."""
        process = self.process
        progress = max((wait.progress_at.isoformat() for wait in self.waits if wait.progress_at), default="")
        modified = process.last_modified_at.isoformat()
        return f"{process.last_status}|{process.last_seq}|{modified}|{process.note}|{progress}|{self.parts.version}"


def process_view(process_id: UUID) -> ProcessView:
    """Read the page of one process in at most 8 queries, whatever the number of steps. Raises NotFound."""
    subscriptions = Subscription.objects.select_related("product").order_by("description")
    process = (
        Process.every.select_related("workflow", "plan", "parent__workflow")
        .prefetch_related(Prefetch("subscriptions", queryset=subscriptions))
        .filter(pk=process_id)
        .first()
    )
    if process is None:
        raise NotFound(f"There is no process {process_id}; it may have been deleted")
    rows = list(
        ProcessStep.objects.filter(process_id=process_id)
        .annotate(has_error=ExpressionWrapper(Q(error__isnull=False), output_field=BooleanField()))
        .order_by("seq")
        .only(*_CARD_COLUMNS)
    )
    workflow = get_workflow(process.workflow.name)
    program = program_of(workflow, ref_of(process)) if workflow is not None else None
    plan, standing = _plan_of(program), standing_of(rows)
    is_forked = standing.last is not None and _is_forked(standing.last)
    found = fit(program, standing, is_forked=is_forked) if workflow is not None else None
    misfit = found.problem if found is not None and process.last_status not in ENDED else ""
    remaining = _remaining(process, standing, found, plan.keys)
    return ProcessView(
        process=process,
        subscriptions=list(process.subscriptions.all()),
        cards=_cards(process, rows, plan, remaining),
        estimate=estimate_of(process, rows, remaining),
        waits=list(Wait.objects.filter(process_id=process_id, state=WaitState.OPEN).defer("body", "detail")),
        parts=parts_of(process),
        workflow_is_in_code=workflow is not None,
        misfit=misfit,
        can_go_on_elsewhere=bool(misfit) and bool(plan.keys),
        has_form=process.last_status == ProcessStatus.SUSPENDED and not misfit and plan.has_form(standing.stopped_at),
    )


def planned_cards(workflow_name: str) -> list[StepCard]:
    """Return the steps of a workflow that has not started, all to do. No query; empty where the code has none."""
    workflow = get_workflow(workflow_name)
    plan = _plan_of(Program.of(workflow) if workflow is not None else None)
    return [
        StepCard(anchor=f"next-{n}", key=key, name=plan.name(key), status=PENDING, icon=plan.icon(key))
        for n, key in enumerate(plan.keys)
    ]


@dataclass(frozen=True)
class _CodePlan:
    """The steps of a workflow as the code has them now, by key."""

    keys: list[str]
    steps: dict[str, Step]

    def name(self, key: str) -> str:
        if key in self.steps:
            return self.steps[key].name
        # A step that the code no longer has.
        return name_of(key)

    def has_form(self, key: str | None) -> bool:
        return key in self.steps and self.steps[key].form is not None

    def icon(self, key: str) -> str:
        if key == NO_STEP:
            return _ICON_OF_PEOPLE
        return _ICON_OF_KIND.get(self.steps[key].kind, _ICON_DEFAULT) if key in self.steps else _ICON_DEFAULT


def _plan_of(program: Program | None) -> _CodePlan:
    if program is None:
        return _CodePlan([], {})
    return _CodePlan(program.keys, dict(zip(program.keys, program.steps, strict=True)))


def _remaining(process: Process, standing: Standing[Any], found: Fit | None, code_keys: list[str]) -> list[str]:
    """Return the plan keys still to do: of the code or, where that does not fit, of the plan that it has run by."""
    if process.last_status == ProcessStatus.COMPLETED:
        return []
    return stored_rest(process.plan, standing.done) if found is None or found.problem else code_keys[found.index :]


def _cards(process: Process, rows: Sequence[ProcessStep], plan: _CodePlan, remaining: list[str]) -> list[StepCard]:
    standing = standing_of(rows)
    cleared, last = standing.done, standing.last
    is_at_work = process.last_status in RUNNABLE
    is_running = process.last_status == ProcessStatus.RUNNING
    # The step due next has a card already: it stopped, or it is a group that has done some of its steps.
    has_card = last is not None and bool(remaining) and last.key == remaining[0]
    is_open = last is not None and (last.sub_step is not None or _is_forked(last))
    has_card = has_card and (not is_at_work or is_open)
    cards = [
        StepCard(
            anchor=f"step-{row.seq}",
            key=row.key,
            name=row.name,
            status=RUNNING if row is last and has_card and is_running else row.status,
            icon=plan.icon(row.key),
            seq=row.seq,
            started_at=row.started_at,
            completed_at=row.completed_at,
            created_by=row.created_by,
            retries=row.retries,
            sub_step=row.sub_step,
            is_current=row is last and has_card,
            is_past=row.status in OPEN_STEPS and not (row is last and has_card),
        )
        for row in rows
    ]
    first_place = len(cleared) + (1 if has_card else 0)
    for index, key in enumerate(remaining[1:] if has_card else remaining):
        is_next = index == 0 and is_at_work and not has_card
        cards.append(
            StepCard(
                # By place in the plan: the anchor of a step to come stays its own while others are done.
                anchor=f"next-{first_place + index}",
                key=key,
                name=plan.name(key),
                status=RUNNING if is_next and is_running else PENDING,
                icon=plan.icon(key),
                started_at=_since(process, last) if is_next and is_running else None,
                is_current=is_next,
                is_called_off=process.last_status == ProcessStatus.ABORTED,
            )
        )
    return cards


def _is_forked(row: ProcessStep) -> bool:
    """Say whether a row, annotated with `has_error`, is of a step that waits for its parts."""
    return row.status == StepStatus.WAITING and not getattr(row, "has_error", False)


def _since(process: Process, last: ProcessStep | None) -> datetime:
    """When the running step began: as the row before it was written or, after a pause, as it was taken up."""
    return max(last.completed_at, process.last_modified_at) if last else process.last_modified_at
