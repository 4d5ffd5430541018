"""Shapes of the catalogue as API clients see them. They document the API; answers are built from rows."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, RootModel, StringConstraints

from products.enums import ProductLifecycle, Target
from products.services import DESCRIPTION_LENGTH
from wfo_site.common.rest.openapi import Epoch


class ResourceTypeSchema(BaseModel):
    resource_type: str
    description: str | None = None
    resource_type_id: UUID


class ProductBlockSchema(BaseModel):
    product_block_id: UUID
    name: str
    description: str
    tag: str | None = None
    status: ProductLifecycle
    resource_types: list[ResourceTypeSchema] | None = None
    created_at: Epoch
    end_date: Epoch | None = None


class FixedInputSchema(BaseModel):
    fixed_input_id: UUID
    name: str
    value: str
    product_id: UUID
    created_at: Epoch


class StepSchema(BaseModel):
    name: str


class WorkflowSchema(BaseModel):
    name: str
    target: Target
    is_task: bool = False
    description: str | None = None
    created_at: Epoch
    workflow_id: UUID
    steps: list[StepSchema] | None = None


class ProductBaseSchema(BaseModel):
    product_id: UUID | None = None
    name: str
    description: str
    product_type: str
    status: ProductLifecycle
    tag: str
    created_at: Epoch | None = None
    end_date: Epoch | None = None


class ProductSchema(BaseModel):
    product_id: UUID
    name: str
    description: str
    product_type: str
    status: ProductLifecycle
    tag: str
    created_at: Epoch
    end_date: Epoch | None = None
    product_blocks: list[ProductBlockSchema]
    fixed_inputs: list[FixedInputSchema]
    workflows: list[WorkflowSchema]


Description = Annotated[str, StringConstraints(max_length=DESCRIPTION_LENGTH)] | None


class DescriptionPatchSchema(BaseModel):
    """Absent and null change nothing."""

    description: Description = None


class ProductPatchSchema(DescriptionPatchSchema):
    """Only what is given changes."""

    status: ProductLifecycle | None = None


class ProductList(RootModel[list[ProductSchema]]):
    """Products with their blocks, fixed inputs and workflows."""
