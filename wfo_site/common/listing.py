"""Lists whose whole state is their address: words, filters, order, page and page length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

M = TypeVar("M", bound=Model)

# Counting stops here: at a million rows an exact number costs more than the page, and nobody pages that far.
COUNT_CAP = 10_000
PAGE_LENGTHS = (10, 25, 50, 100)
DEFAULT_LENGTH = 25
# An offset reads all rows before it; whoever wants what lies further must filter.
LAST_PAGE = 1_000


@dataclass(frozen=True, kw_only=True)
class ListPage(Generic[M]):
    """One page of a list and what its links need."""

    rows: Sequence[M]
    number: int
    per_page: int
    # Rows in all, at most COUNT_CAP.
    total: int
    capped: bool
    # Field name, with a minus when descending.
    sort: str
    has_next: bool
    lengths: tuple[int, ...] = PAGE_LENGTHS

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def first_row(self) -> int:
        return (self.number - 1) * self.per_page + 1 if self.rows else 0

    @property
    def last_row(self) -> int:
        return self.first_row + len(self.rows) - 1 if self.rows else 0

    @property
    def total_text(self) -> str:
        """Return "1,234", or "10,000+" where counting stopped."""
        return f"{self.total:,}{'+' if self.capped else ''}"

    @property
    def last_number(self) -> int:
        return max(1, -(-self.total // self.per_page), self.number)

    @property
    def numbers(self) -> list[int | None]:
        """Return the page numbers to link to: first, last and the neighbours; None stands for a gap."""
        wanted = {1, self.last_number, *range(self.number - 1, self.number + 2)}
        shown = sorted(number for number in wanted if 1 <= number <= self.last_number)
        result: list[int | None] = []
        for number in shown:
            if result and result[-1] is not None and number - result[-1] > 1:
                # A gap of one page is that page.
                result.append(number - 1 if number - result[-1] == 2 else None)
            result.append(number)
        return result


def paginate(
    queryset: QuerySet[M, Any],
    params: QueryDict,
    *,
    sorts: Mapping[str, str],
    default: str,
    count: QuerySet[Any, Any] | None = None,
) -> ListPage[M]:
    """Return the page of `queryset` that `params` (page, per, sort) name. Two statements, whatever the number of rows.

    `sorts` maps names in the address to fields; `default` is such a name, with a minus when descending. Rows with equal
    values are ordered by key, so that no row shows on two pages. Unknown values fall back to the defaults, and a page
    past the end becomes the last one. `count` may be a cheaper queryset with the same number of rows.
    """
    sort = params.get("sort", default)
    if sort.lstrip("-") not in sorts:
        sort = default
    minus = "-" if sort.startswith("-") else ""
    ordered = queryset.order_by(f"{minus}{sorts[sort.lstrip('-')]}", f"{minus}pk")
    per_page = _number(params.get("per"), DEFAULT_LENGTH)
    if per_page not in PAGE_LENGTHS:
        per_page = DEFAULT_LENGTH
    total = (queryset if count is None else count).order_by().values("pk")[: COUNT_CAP + 1].count()
    capped = total > COUNT_CAP
    number = min(max(1, _number(params.get("page"), 1)), LAST_PAGE)
    if not capped:
        number = min(number, max(1, -(-total // per_page)))
    start = (number - 1) * per_page
    rows = list(ordered[start : start + per_page + 1])
    return ListPage(
        rows=rows[:per_page],
        number=number,
        per_page=per_page,
        total=min(total, COUNT_CAP),
        capped=capped,
        sort=sort,
        has_next=len(rows) > per_page and number < LAST_PAGE,
    )


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default
