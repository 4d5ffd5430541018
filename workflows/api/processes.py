"""REST of processes: start, list, show, resume, abort, note, delete."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.db.models import Count
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import TypeAdapter
from rest_framework.request import Request
from rest_framework.response import Response

from wfo_site.common.errors import NotFound
from wfo_site.common.rest.body import read_json, validated
from wfo_site.common.rest.conditional import is_unchanged, not_modified
from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.paths import NoUUID
from wfo_site.common.rest.views import ApiView
from workflows import selectors, services
from workflows.api.detail import detail_row
from workflows.api.filters import filtered, sorted_by
from workflows.api.listing import Range, listed, process_rows
from workflows.api.request import (
    IDEMPOTENCY_KEY,
    MORE_PAGES,
    REPORTER,
    idempotency_key,
    pages_to_resume,
    pages_to_start,
    reporter,
    user_model,
)
from workflows.api.schemas import (
    PagesOfInput,
    ProcessIdSchema,
    ProcessList,
    ProcessPatchSchema,
    ProcessResumeAllSchema,
    ProcessSchema,
    ProcessStatusCounts,
    ResumeInput,
)
from workflows.models import Process

_patch = TypeAdapter(ProcessPatchSchema)


class Processes(ApiView):
    @extend_schema(
        operation_id="list_processes",
        parameters=[
            OpenApiParameter("range", str, description="`a,b`: the rows from a up to, but without, b"),
            OpenApiParameter("sort", str, description="`field,asc|desc`, repeated for further fields"),
            OpenApiParameter("filter", str, description="`field,value`, repeated; all must match"),
            OpenApiParameter("if-none-match", str, OpenApiParameter.HEADER),
        ],
        responses=answers({200: ProcessList}, 304, 400, 422),
    )
    def get(self, request: Request) -> Response:
        """List processes and tasks."""
        query = request.query_params
        processes = sorted_by(filtered(Process.objects.all(), query.get("filter")), query.get("sort"))
        found = listed(processes, Range.parse(query.get("range")))
        if is_unchanged(request, found.etag):
            return not_modified(found.etag)
        headers = {"ETag": found.etag}
        if found.content_range:
            headers["Content-Range"] = found.content_range
        return Response(process_rows(found.rows), headers=headers)


class Start(ApiView):
    @extend_schema(
        operation_id="create_workflow",
        parameters=[REPORTER, IDEMPOTENCY_KEY],
        request=PagesOfInput,
        responses={**answers({201: ProcessIdSchema}, 400, 403, 404, 409, 412, 422, 503), **MORE_PAGES},
    )
    def post(self, request: Request, workflow_key: str) -> Response:
        """Start a workflow. Until the last page of its form is filled in, the answer is 510 with the next page."""
        return _start(request, workflow_key)


def _start(request: Request, workflow_key: str) -> Response:
    process_id = services.start_process(
        workflow_key,
        pages_to_start(request),
        user=reporter(request),
        user_model=user_model(request),
        idempotency_key=idempotency_key(request),
    )
    return Response({"id": process_id}, status=HTTPStatus.CREATED)


class ProcessItem(ApiView):
    """One process. The same path with POST starts a workflow: its last part is then the name of the workflow."""

    methods_without_uuid = frozenset({"POST"})

    @extend_schema(operation_id="get_process", responses=answers({200: ProcessSchema}, 404, 422))
    def get(self, request: Request, process_id: UUID) -> Response:
        """Show a process with its steps, its state and the form it waits for."""
        permissions = selectors.process_permissions(process_id, user_model(request))
        return Response(detail_row(selectors.process_detail(process_id, may_resume=permissions.resume)))

    @extend_schema(
        operation_id="edit_process",
        request=ProcessPatchSchema,
        responses=answers({200: ProcessSchema}, 400, 404, 422),
    )
    def patch(self, request: Request, process_id: UUID) -> Response:
        """Change the note; null takes it away. The answer shows no steps."""
        change = validated(_patch, read_json(request), loc=("body",))
        if "note" in change.model_fields_set:
            services.set_process_note(process_id, change.note)
        found = listed(Process.objects.filter(process_id=process_id), None)
        if not found.rows:
            raise NotFound(f"Process with process_id {process_id} not found")
        return Response(process_rows(found.rows)[0])

    @extend_schema(operation_id="delete_process", responses=answers({204: None}, 400, 404, 409, 422))
    def delete(self, request: Request, process_id: UUID) -> Response:
        """Delete a task; for staff. Processes of workflows stay for ever."""
        services.delete_process(process_id, user_model=user_model(request))
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(exclude=True)
    def post(self, request: Request, process_id: UUID | NoUUID) -> Response:
        return _start(request, process_id.text if isinstance(process_id, NoUUID) else str(process_id))


class Resume(ApiView):
    @extend_schema(
        operation_id="resume_workflow_process",
        parameters=[REPORTER],
        request=ResumeInput,
        responses={**answers({204: None}, 400, 403, 404, 409, 422, 503), **MORE_PAGES},
    )
    def put(self, request: Request, process_id: UUID) -> Response:
        """Give a suspended process its input, or try a failed or waiting step again."""
        if not Process.every.filter(process_id=process_id).exists():
            # Before the body is looked at: an unknown process is unknown whatever is sent to it.
            raise NotFound(f"Process with process_id {process_id} not found")
        services.resume_process(
            process_id, pages_to_resume(request), user=reporter(request), user_model=user_model(request)
        )
        return Response(status=HTTPStatus.NO_CONTENT)


class ResumeAll(ApiView):
    @extend_schema(
        operation_id="resume_all_processes",
        request=None,
        parameters=[REPORTER],
        responses=answers({200: ProcessResumeAllSchema}, 409, 422, 503),
    )
    def put(self, request: Request) -> Response:
        """Try all tasks again that failed or wait for another try. Refused while another call is doing that."""
        count = services.resume_all_tasks(user=reporter(request), user_model=user_model(request))
        return Response({"count": count})


class Abort(ApiView):
    @extend_schema(
        operation_id="abort_process",
        request=None,
        parameters=[REPORTER],
        responses=answers({204: None}, 404, 409, 422),
    )
    def put(self, request: Request, process_id: UUID) -> Response:
        """Stop a process for good. What it did is not undone, and its subscriptions stay out of sync."""
        services.abort_process(process_id, user=reporter(request))
        return Response(status=HTTPStatus.NO_CONTENT)


class Release(ApiView):
    @extend_schema(
        operation_id="release_process",
        request=None,
        parameters=[REPORTER],
        responses=answers({204: None}, 403, 404, 409, 422, 503),
    )
    def put(self, request: Request, process_id: UUID) -> Response:
        """Let a process try once more that is held because it took its worker down three times."""
        services.release_process(process_id, user=reporter(request), user_model=user_model(request))
        return Response(status=HTTPStatus.NO_CONTENT)


class StatusCounts(ApiView):
    @extend_schema(operation_id="process_status_counts", responses=answers({200: ProcessStatusCounts}))
    def get(self, _request: Request) -> Response:
        """Count processes and tasks by status; statuses that do not occur are left out."""
        counts: dict[str, dict[str, int]] = {"process_counts": {}, "task_counts": {}}
        groups = Process.objects.order_by().values_list("is_task", "last_status").annotate(number=Count("pk"))
        for is_task, status, number in groups:
            counts["task_counts" if is_task else "process_counts"][status] = number
        return Response(counts)
