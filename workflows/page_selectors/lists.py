"""Lists of processes: what the address asks for, found so that page 1 of a million costs what page 1 of ten does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args
from uuid import UUID

from django.db.models import Case, OuterRef, Prefetch, Q, Subquery, Value, When
from django.db.models.functions import Left
from django.http import QueryDict

from products.enums import Target
from products.models import Workflow
from subscriptions.models import Subscription
from wfo_site.common.json import NUL_MARK
from wfo_site.common.listing import COUNT_CAP, ListPage, paginate
from workflows.enums import ProcessStatus
from workflows.models import Process, ProcessQuerySet, ProcessSubscription
from workflows.selectors.estimates import late_among
from workflows.states import ENDED, FAILED

Tab = Literal["active", "completed", "all"]

# Sort names of the address. The default follows the index `process_newest` and stays cheap on any number of rows.
SORTS: Final[dict[str, str]] = {
    "started": "started_at",
    "modified": "last_modified_at",
    "workflow": "workflow__description",
    "status": "last_status",
    "step": "last_step",
    "created_by": "created_by",
}
DEFAULT_SORT: Final = "-started"

# A search that names no more subscriptions than this looks their processes up.
FEW_SUBSCRIPTIONS: Final = 500

# A row shows the beginning of why a process failed; the whole may be 60 kB.
_FAILURE_LENGTH: Final = 160
_WITH_FAILURE: Final = (*FAILED, ProcessStatus.WAITING)

_ACTIVE: Final = tuple(status.value for status in ProcessStatus if status not in ENDED)
_ENDED: Final = tuple(status.value for status in ProcessStatus if status in ENDED)
_STATUSES_OF_TAB: Final[dict[Tab, tuple[str, ...]]] = {
    "active": _ACTIVE,
    "completed": _ENDED,
    "all": tuple(ProcessStatus.values),
}


@dataclass(frozen=True, kw_only=True)
class ProcessFilter:
    """Which processes a list shows. What an address does not know it ignores, so that old bookmarks keep working."""

    is_task: bool
    tab: Tab = "active"
    text: str = ""
    statuses: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    created_by: str = ""

    @classmethod
    def from_query(cls, query: QueryDict, *, is_task: bool) -> ProcessFilter:
        tab = query.get("tab", "active")
        return cls(
            is_task=is_task,
            tab=tab if tab in get_args(Tab) else "active",  # type: ignore[arg-type]  # checked here
            text=_clean(query.get("q", ""), 200),
            statuses=tuple(status for status in query.getlist("status") if status in ProcessStatus.values),
            targets=tuple(target for target in query.getlist("target") if target in Target.values),
            created_by=_clean(query.get("created_by", ""), 255),
        )

    @property
    def is_narrowed(self) -> bool:
        """True when a person asked for less than the tab holds."""
        return bool(self.text or self.statuses or self.targets or self.created_by)

    @property
    def tab_statuses(self) -> tuple[str, ...]:
        """The statuses that the tab offers to filter by."""
        return _STATUSES_OF_TAB[self.tab]


def process_list(wanted: ProcessFilter, params: QueryDict) -> ListPage[Process]:
    """Return the page of the list that `wanted` and the page, per and sort of `params` name.

    At most 4 queries, one more for each word that is searched, and those that find out who is late.
    """
    matching = _matching(wanted)
    page = paginate(_as_rows(matching), params, sorts=SORTS, default=DEFAULT_SORT, count=matching)
    _mark_late(page.rows)
    return page


def process_row(process_id: UUID) -> Process | None:
    """Return one process with what a row of a list shows; None when it does not exist (any more)."""
    process = _as_rows(Process.objects.filter(pk=process_id)).first()
    if process is not None:
        _mark_late([process])
    return process


def _mark_late(processes: Sequence[Process]) -> None:
    """Give each process `is_late`: it takes longer than its workflow usually does."""
    late = late_among(processes)
    for process in processes:
        process.is_late = process.pk in late  # type: ignore[attr-defined]


def newest(processes: ProcessQuerySet, limit: int) -> list[Process]:
    """Return the newest of `processes` with what a row shows, in 2 queries."""
    return list(_as_rows(processes).order_by("-started_at", "-process_id")[:limit])


def count_text(processes: ProcessQuerySet) -> str:
    """Count in one query: "1,234", or "10,000+" where counting stopped."""
    seen = processes.order_by().values("pk")[: COUNT_CAP + 1].count()
    return f"{min(seen, COUNT_CAP):,}{'+' if seen > COUNT_CAP else ''}"


def _clean(text: str, length: int) -> str:
    # A NUL arrives as its visible mark, which nobody looks for.
    return text.replace(NUL_MARK, "").strip()[:length]


def _as_rows(processes: ProcessQuerySet) -> ProcessQuerySet:
    subscriptions = Subscription.objects.select_related("product").order_by("description")
    beginning = Left("failed_reason", _FAILURE_LENGTH)
    return (
        processes.select_related("workflow")
        .defer("traceback", "failed_reason")
        .annotate(failure=Case(When(last_status__in=_WITH_FAILURE, then=beginning), default=Value("")))
        .prefetch_related(Prefetch("subscriptions", queryset=subscriptions))
    )


def _matching(wanted: ProcessFilter) -> ProcessQuerySet:
    processes: ProcessQuerySet = Process.objects.filter(is_task=wanted.is_task)
    if wanted.statuses or wanted.tab != "all":
        asked = [status for status in wanted.tab_statuses if not wanted.statuses or status in wanted.statuses]
        processes = processes.filter(last_status__in=asked)
    if wanted.created_by:
        processes = processes.filter(created_by=wanted.created_by)
    terms = wanted.text.split()
    if not terms and not wanted.targets:
        return processes
    # The few workflows are matched first, as ids: then each process is tested without a join.
    workflows = list(Workflow.objects.values_list("workflow_id", "name", "description", "target"))
    if wanted.targets:
        processes = processes.filter(workflow_id__in=[w[0] for w in workflows if w[3] in wanted.targets])
    for term in terms:
        processes = processes.filter(_mentions(term, workflows))
    return processes


def _mentions(term: str, workflows: list[tuple[UUID, str, str, str]]) -> Q:
    lowered = term.lower()
    named = [w[0] for w in workflows if lowered in w[1].lower() or lowered in w[2].lower()]
    condition = Q(created_by__icontains=term) | Q(note__icontains=term) | _works_on_mentioned(term)
    if named:
        condition |= Q(workflow_id__in=named)
    if bounds := _uuid_bounds(term):
        condition |= Q(pk__gte=bounds[0], pk__lte=bounds[1])
    return condition


def _works_on_mentioned(term: str) -> Q:
    """Say that a process works on a subscription whose description has `term`: few are named, many are asked for."""
    mentioned = Subscription.objects.filter(description__icontains=term).order_by()
    ids = list(mentioned.values_list("pk", flat=True)[: FEW_SUBSCRIPTIONS + 1])
    links = ProcessSubscription.objects.order_by()
    if len(ids) <= FEW_SUBSCRIPTIONS:
        return Q(pk__in=links.filter(subscription__in=ids).values("process_id"))
    # Most processes match, so a page is full soon. Compared with one value and not asked by EXISTS, which PostgreSQL
    # answers by finding all of them beforehand.
    mine = links.filter(process_id=OuterRef("pk"), subscription__description__icontains=term)
    return Q(pk=Subquery(mine.values("process_id")[:1]))


def _uuid_bounds(term: str) -> tuple[UUID, UUID] | None:
    """Return the first and last UUID that begins with `term`; None when it is not 4 or more digits of one."""
    digits = term.replace("-", "").lower()
    if not 4 <= len(digits) <= 32 or set(digits) - set("0123456789abcdef"):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
