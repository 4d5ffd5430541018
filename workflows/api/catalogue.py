"""REST of the workflows of the catalogue, with the steps that their code has."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import TypeAdapter
from rest_framework.request import Request
from rest_framework.response import Response

from products.api.rows import workflow_row
from products.api.schemas import DescriptionPatchSchema, WorkflowSchema
from products.models import Workflow
from products.services import edit_description
from wfo_site.common.errors import NotFound
from wfo_site.common.rest.access import MayChange
from wfo_site.common.rest.body import read_json, validated
from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.views import ApiView
from workflows.engine.registry import get_workflow

_patch = TypeAdapter(DescriptionPatchSchema)


class WorkflowItem(ApiView):
    permission_classes = [MayChange]
    change_permission = "products.change_workflow"

    @extend_schema(operation_id="get_workflow_by_id", responses=answers({200: WorkflowSchema}, 404, 422))
    def get(self, _request: Request, workflow_id: UUID) -> Response:
        """Show one workflow with its steps; they are null for one that is no longer in code."""
        return Response(_shown(_found(workflow_id)))

    @extend_schema(
        operation_id="patch_workflow",
        request=DescriptionPatchSchema,
        responses=answers({201: WorkflowSchema}, 400, 404, 422),
    )
    def patch(self, request: Request, workflow_id: UUID) -> Response:
        """Change the description of a workflow."""
        change = validated(_patch, read_json(request), loc=("body",))
        row = _found(workflow_id)
        if change.description is not None:
            row = edit_description(Workflow, workflow_id, change.description)
        return Response(_shown(row), status=HTTPStatus.CREATED)


def _found(workflow_id: UUID) -> Workflow:
    row = Workflow.objects.filter(pk=workflow_id).first()
    if row is None:
        raise NotFound(f"Workflow with id {workflow_id} not found")
    return row


def _shown(row: Workflow) -> dict[str, Any]:
    workflow = get_workflow(row.name)
    steps = None if workflow is None else [{"name": step.name} for step in workflow.steps]
    return {**workflow_row(row), "steps": steps}
