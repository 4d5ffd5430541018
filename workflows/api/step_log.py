"""REST of what the steps of a process have logged."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.views import ApiView
from workflows import selectors
from workflows.api.listing import InvalidRange, Range
from workflows.api.schemas import StepLog
from workflows.enums import LogLevel

MAX_LINES: Final = 1_000


class ProcessLog(ApiView):
    @extend_schema(
        operation_id="process_log",
        parameters=[
            OpenApiParameter("range", str, description=f"`a,b`: the lines from a up to b; `0,{MAX_LINES}` by default"),
            OpenApiParameter("step", str, description="Only lines of this step"),
            OpenApiParameter("level", str, enum=LogLevel.values, description="Only lines that matter so much or more"),
        ],
        responses=answers({200: StepLog}, 400, 404, 422),
    )
    def get(self, request: Request, process_id: UUID) -> Response:
        """Show what the steps of a process have logged, the oldest line first, also while they run."""
        query = request.query_params
        part = Range.parse(query.get("range")) or Range(0, MAX_LINES)
        if part.end - part.start > MAX_LINES:
            raise InvalidRange(f"Invalid range: at most {MAX_LINES} lines are given at once, as in range=0,{MAX_LINES}")
        lines = selectors.process_log(process_id, step=query.get("step"), level=query.get("level"))
        headers = {"Content-Range": f"log {part.start}-{part.end}/{lines.order_by().count()}"}
        rows = lines.values("at", "level", "text", "key", "sub_step", "attempt", "epoch")[part.start : part.end]
        return Response(
            [
                {
                    "time": row["at"],
                    "level": row["level"],
                    "text": row["text"],
                    "step": row["key"],
                    "sub_step": row["sub_step"] or None,
                    "attempt": row["attempt"],
                    "claim": row["epoch"],
                }
                for row in rows
            ],
            headers=headers,
        )
