"""GET /products/ and /products/{product_id}."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from products.api.rows import products_shown
from products.api.schemas import ProductList, ProductSchema
from products.models import Product
from wfo_site.common.errors import NotFound
from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.paths import both
from wfo_site.common.rest.views import ApiView


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
    @extend_schema(operation_id="get_product", responses=answers({200: ProductSchema}, 404, 422))
    def get(self, _request: Request, product_id: UUID) -> Response:
        """Show one product with its blocks, fixed inputs and workflows."""
        found = products_shown(Product.objects.filter(product_id=product_id))
        if not found:
            raise NotFound(f"Product with product_id {product_id} not found")
        return Response(found[0])


urlpatterns = [
    *both("products/", Products.as_view()),
    *both("products/<loose_uuid:product_id>", ProductItem.as_view()),
]
