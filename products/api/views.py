"""REST of the catalogue but its workflows, whose steps a higher layer knows: shown to all, edited by who may."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import TypeAdapter
from rest_framework.request import Request
from rest_framework.response import Response

from products.api.rows import block_row, products_shown, resource_type_row
from products.api.schemas import (
    DescriptionPatchSchema,
    ProductBlockSchema,
    ProductList,
    ProductPatchSchema,
    ProductSchema,
    ResourceTypeSchema,
)
from products.models import Product, ProductBlock, ResourceType
from products.services import edit_description, edit_product
from wfo_site.common.errors import NotFound
from wfo_site.common.rest.access import MayChange
from wfo_site.common.rest.body import read_json, validated
from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.paths import both
from wfo_site.common.rest.views import ApiView

_product_patch = TypeAdapter(ProductPatchSchema)
_description_patch = TypeAdapter(DescriptionPatchSchema)

D = TypeVar("D", ProductBlock, ResourceType)


class Products(ApiView):
    @extend_schema(
        operation_id="list_products",
        parameters=[OpenApiParameter("tag", str), OpenApiParameter("product_type", str)],
        responses=answers({200: ProductList}, 422),
    )
    def get(self, request: Request) -> Response:
        """List all products; `tag` and `product_type` narrow the list, both together by both."""
        query = request.query_params
        wanted = {name: query[name] for name in ("tag", "product_type") if query.get(name)}
        return Response(products_shown(Product.objects.filter(**wanted)))


class ProductItem(ApiView):
    permission_classes = [MayChange]
    change_permission = "products.change_product"

    @extend_schema(operation_id="get_product", responses=answers({200: ProductSchema}, 404, 422))
    def get(self, _request: Request, product_id: UUID) -> Response:
        """Show one product with its blocks, fixed inputs and workflows."""
        return Response(_product(product_id))

    @extend_schema(
        operation_id="patch_product", request=ProductPatchSchema, responses=answers({201: ProductSchema}, 400, 404, 422)
    )
    def patch(self, request: Request, product_id: UUID) -> Response:
        """Change the description or the status of a product. It ends only when none of its subscriptions lives."""
        change = validated(_product_patch, read_json(request), loc=("body",))
        edit_product(product_id=product_id, description=change.description, status=change.status)
        return Response(_product(product_id), status=HTTPStatus.CREATED)


class ProductBlockItem(ApiView):
    permission_classes = [MayChange]
    change_permission = "products.change_productblock"

    @extend_schema(operation_id="get_product_block", responses=answers({200: ProductBlockSchema}, 404, 422))
    def get(self, _request: Request, product_block_id: UUID) -> Response:
        """Show one product block with its resource types."""
        return Response(block_row(_found(ProductBlock, product_block_id)))

    @extend_schema(
        operation_id="patch_product_block",
        request=DescriptionPatchSchema,
        responses=answers({201: ProductBlockSchema}, 400, 404, 422),
    )
    def patch(self, request: Request, product_block_id: UUID) -> Response:
        """Change the description of a product block."""
        return Response(block_row(_edited(ProductBlock, product_block_id, request)), status=HTTPStatus.CREATED)


class ResourceTypeItem(ApiView):
    permission_classes = [MayChange]
    change_permission = "products.change_resourcetype"

    @extend_schema(operation_id="get_resource_type", responses=answers({200: ResourceTypeSchema}, 404, 422))
    def get(self, _request: Request, resource_type_id: UUID) -> Response:
        """Show one resource type."""
        return Response(resource_type_row(_found(ResourceType, resource_type_id)))

    @extend_schema(
        operation_id="patch_resource_type",
        request=DescriptionPatchSchema,
        responses=answers({201: ResourceTypeSchema}, 400, 404, 422),
    )
    def patch(self, request: Request, resource_type_id: UUID) -> Response:
        """Change the description of a resource type."""
        return Response(resource_type_row(_edited(ResourceType, resource_type_id, request)), status=HTTPStatus.CREATED)


def _product(product_id: UUID) -> dict[str, Any]:
    found = products_shown(Product.objects.filter(product_id=product_id))
    if not found:
        raise NotFound(f"Product with product_id {product_id} not found")
    return found[0]


def _found(table: type[D], pk: UUID) -> D:
    row = table._default_manager.filter(pk=pk).first()
    if row is None:
        raise NotFound(f"{str(table._meta.verbose_name).capitalize()} with id {pk} not found")
    return row


def _edited(table: type[D], pk: UUID, request: Request) -> D:
    change = validated(_description_patch, read_json(request), loc=("body",))
    return _found(table, pk) if change.description is None else edit_description(table, pk, change.description)


urlpatterns = [
    *both("products/", Products.as_view()),
    *both("products/<loose_uuid:product_id>", ProductItem.as_view()),
    *both("product_blocks/<loose_uuid:product_block_id>", ProductBlockItem.as_view()),
    *both("resource_types/<loose_uuid:resource_type_id>", ResourceTypeItem.as_view()),
]
