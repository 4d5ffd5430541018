"""Lists of processes for API clients: a part of them, told apart from an earlier answer by its ETag.

Three statements whatever the number of rows: the count (when a range is asked for), the processes, their subscriptions.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from wfo_site.common.errors import DomainError
from wfo_site.common.rest.conditional import weak
from workflows.models import ProcessQuerySet, ProcessSubscription

# A list without range is all of it; beyond this it must be asked for in parts.
MAX_ROWS: Final = 10_000

_COLUMNS: Final = (
    "process_id",
    "workflow_id",
    "is_task",
    "created_by",
    "failed_reason",
    "started_at",
    "last_status",
    "last_step",
    "assignee",
    "last_modified_at",
    "traceback",
    "note",
)
_SUBSCRIPTION_COLUMNS: Final = (
    "subscription_id",
    "start_date",
    "description",
    "status",
    "product_id",
    "customer_id",
    "insync",
    "note",
    "end_date",
    "version",
)
_PRODUCT_COLUMNS: Final = (
    "product_id",
    "name",
    "description",
    "product_type",
    "status",
    "tag",
    "created_at",
    "end_date",
)


class InvalidRange(DomainError):
    """The range of a list cannot be used; the message says why."""

    code = "invalid_range"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="range")


@dataclass(frozen=True)
class Range:
    """Rows from `start` up to, but without, `end`."""

    start: int
    end: int

    @classmethod
    def parse(cls, parameter: str | None) -> Range | None:
        """Read `a,b`; absent or empty is no range. Raises InvalidRange."""
        if not parameter:
            return None
        parts = parameter.split(",")
        if len(parts) != 2 or not all(_is_number(part.strip()) for part in parts):
            raise InvalidRange(f"Invalid range {parameter!r}: two numbers are needed, as in range=0,10")
        start, end = (int(part) for part in parts)
        if start >= end:
            raise InvalidRange("Invalid range: its start must be lower than its end")
        return cls(start, end)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


@dataclass(frozen=True)
class Listed:
    """Rows of processes without their subscriptions, and what the headers of the answer say of them."""

    rows: list[dict[str, Any]]
    content_range: str | None

    @property
    def etag(self) -> str:
        return weak(f"0x{fingerprint((row['process_id'], row['last_modified_at']) for row in self.rows):08x}")


def fingerprint(rows: Iterable[tuple[UUID, datetime]]) -> int:
    """Return the CRC32 over ids and times of last change, in order; of no rows it is 0."""
    crc = 0
    for process_id, modified in rows:
        crc = zlib.crc32(modified.isoformat().encode(), zlib.crc32(process_id.bytes, crc))
    return crc


def listed(processes: ProcessQuerySet, part: Range | None) -> Listed:
    """Read the part of `processes` that is asked for. Raises InvalidRange for more than MAX_ROWS rows."""
    if part is None:
        rows = _rows(processes, Range(0, MAX_ROWS + 1))
        content_range = None
    else:
        total = processes.order_by().count()
        content_range = f"processes {part.start}-{part.end}/{total}"
        rows = _rows(processes, Range(part.start, min(part.end, part.start + MAX_ROWS + 1)))
    if len(rows) > MAX_ROWS:
        raise InvalidRange(f"More than {MAX_ROWS} processes match; ask for a part of them, as in range=0,100")
    return Listed(rows, content_range)


def _rows(processes: ProcessQuerySet, part: Range) -> list[dict[str, Any]]:
    return list(processes.values(*_COLUMNS, "workflow__name", "workflow__target")[part.start : part.end])


def process_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one ProcessSchema for each row, with its subscriptions and their products. One statement."""
    subscriptions = _subscriptions_of([row["process_id"] for row in rows])
    return [_process_row(row, subscriptions[row["process_id"]]) for row in rows]


def _process_row(row: Mapping[str, Any], subscriptions: list[dict[str, Any]]) -> dict[str, Any]:
    first = subscriptions[0] if subscriptions else {}
    return {
        **{column: row[column] for column in _COLUMNS},
        "workflow_name": row["workflow__name"],
        "workflow_target": row["workflow__target"],
        "product_id": first.get("product_id"),
        "customer_id": first.get("customer_id"),
        "subscriptions": subscriptions,
        "current_state": None,
        "steps": None,
        "form": None,
    }


def _subscriptions_of(process_ids: list[UUID]) -> defaultdict[UUID, list[dict[str, Any]]]:
    result: defaultdict[UUID, list[dict[str, Any]]] = defaultdict(list)
    links = (
        ProcessSubscription.objects.filter(process_id__in=process_ids)
        .order_by("created_at", "pk")
        .values(
            "process_id",
            *(f"subscription__{column}" for column in _SUBSCRIPTION_COLUMNS),
            *(f"subscription__product__{column}" for column in _PRODUCT_COLUMNS),
        )
    )
    for link in links if process_ids else ():
        product = {column: link[f"subscription__product__{column}"] for column in _PRODUCT_COLUMNS}
        result[link["process_id"]].append(
            {
                **{column: link[f"subscription__{column}"] for column in _SUBSCRIPTION_COLUMNS},
                "name": None,
                "tag": product["tag"],
                "product": product,
                "customer_descriptions": None,
            }
        )
    return result
