"""Products as the API shows them, in five statements whatever their number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Prefetch, QuerySet

from products.models import FixedInput, Product, ProductBlock, ResourceType, Workflow


def products_shown(products: QuerySet[Product]) -> list[dict[str, Any]]:
    """Return one ProductSchema for each product; removed workflows are left out. Five statements."""
    return [
        product_row(product)
        for product in products.prefetch_related(
            "product_blocks__resource_types",
            "fixed_inputs",
            Prefetch("workflows", queryset=Workflow.objects.filter(deleted_at__isnull=True)),
        )
    ]


def product_base_row(product: Product) -> dict[str, Any]:
    """Return a ProductBaseSchema."""
    return {
        "product_id": product.product_id,
        "name": product.name,
        "description": product.description,
        "product_type": product.product_type,
        "status": product.status,
        "tag": product.tag,
        "created_at": product.created_at,
        "end_date": product.end_date,
    }


def product_row(product: Product) -> dict[str, Any]:
    return {
        **product_base_row(product),
        "product_blocks": [block_row(block) for block in product.product_blocks.all()],
        "fixed_inputs": _fixed_input_rows(product.fixed_inputs.all()),
        "workflows": [workflow_row(workflow) for workflow in product.workflows.all()],
    }


def block_row(block: ProductBlock) -> dict[str, Any]:
    """Return a ProductBlockSchema; no statement if the resource types are loaded."""
    return {
        "product_block_id": block.product_block_id,
        "name": block.name,
        "description": block.description,
        "tag": block.tag or None,
        "status": block.status,
        "resource_types": [resource_type_row(resource_type) for resource_type in block.resource_types.all()],
        "created_at": block.created_at,
        "end_date": block.end_date,
    }


def resource_type_row(resource_type: ResourceType) -> dict[str, Any]:
    """Return a ResourceTypeSchema."""
    return {
        "resource_type": resource_type.resource_type,
        "description": resource_type.description or None,
        "resource_type_id": resource_type.resource_type_id,
    }


def _fixed_input_rows(fixed_inputs: Iterable[FixedInput]) -> list[dict[str, Any]]:
    return [
        {
            "fixed_input_id": one.fixed_input_id,
            "name": one.name,
            "value": one.value,
            "product_id": one.product_id,
            "created_at": one.created_at,
        }
        for one in fixed_inputs
    ]


def workflow_row(workflow: Workflow) -> dict[str, Any]:
    """Return a WorkflowSchema without its steps, which only code knows."""
    return {
        "name": workflow.name,
        "target": workflow.target,
        "is_task": workflow.is_task,
        "description": workflow.description,
        "created_at": workflow.created_at,
        "workflow_id": workflow.workflow_id,
        "steps": None,
    }
