"""Browse the catalogue. Structure follows code and is shown; descriptions and statuses are people's."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from products import registry
from products.enums import ProductLifecycle
from products.models import FixedInput, Product, ProductBlock, ProductBlockRelation, ResourceType, Workflow
from products.services import ProductInUse, edit_product, refuse_while_subscribed
from products.sync import Drift, catalogue_drift, sync_catalogue
from products.wanted import CatalogueBroken
from wfo_site.common.admin_pages import ShownInline, StructureAdmin, link, link_to_list, links


class FixedInputInline(ShownInline):
    model = FixedInput
    fields = ["name", "value", "created_at"]


class HoldsInline(ShownInline):
    model = ProductBlockRelation
    fk_name = "in_use_by"
    verbose_name_plural = "holds blocks"
    fields = ["block", "min", "max"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProductBlockRelation]:
        return super().get_queryset(request).select_related("depends_on", "in_use_by")

    def block(self, relation: ProductBlockRelation) -> str:
        return link(relation.depends_on)


class HeldByInline(HoldsInline):
    fk_name = "depends_on"
    verbose_name_plural = "held by blocks"

    def block(self, relation: ProductBlockRelation) -> str:
        return link(relation.in_use_by)


class ProductForm(ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Refuses to end a product that has subscriptions, as the API does."""

    def clean_status(self) -> str:
        status = str(self.cleaned_data["status"])
        if status == ProductLifecycle.END_OF_LIFE and status != self.initial.get("status"):
            try:
                refuse_while_subscribed(self.instance)
            except ProductInUse as refused:
                self.add_error("status", refused.message)
        return status


@admin.register(Product)
class ProductAdmin(StructureAdmin[Product]):
    change_list_template = "admin/products/product/change_list.html"
    form = ProductForm
    editable = ("description", "status")
    list_display = [
        "name",
        "product_type",
        "tag",
        "status",
        "blocks",
        "linked_workflows",
        "subscription_count",
        "in_code",
    ]
    list_filter = ["status", "product_type", "tag"]
    search_fields = ["name", "description", "tag", "product_type"]
    fields = [
        "name",
        "description",
        "status",
        "product_type",
        "tag",
        "blocks",
        "linked_workflows",
        "subscription_count",
        "in_code",
        "product_id",
        "created_at",
        "end_date",
    ]
    inlines = [FixedInputInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        products = super().get_queryset(request).prefetch_related("product_blocks", "workflows")
        return products.annotate(_subscriptions=Count("subscriptions"))

    def get_urls(self) -> list[URLPattern]:
        sync = path("sync/", self.admin_site.admin_view(self.sync_view), name="products_product_sync")
        return [sync, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        drift: list[Drift] = []
        try:
            drift = catalogue_drift()
        except CatalogueBroken as broken:
            self.message_user(request, broken.message, messages.ERROR)
        context = {
            "drift": drift,
            "repairable": any(difference.repairable for difference in drift) and self.has_change_permission(request),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def sync_view(self, request: HttpRequest) -> HttpResponse:
        """Make the tables follow the registry, as every migrate does."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            changes = [difference for difference in sync_catalogue() if difference.repairable]
        except CatalogueBroken as broken:
            self.message_user(request, broken.message, messages.ERROR)
        else:
            self.message_user(request, f"The catalogue follows code: {len(changes)} changes made.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:products_product_changelist"))

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        """Only what no product package knows any more; subscriptions of it refuse the deletion."""
        return (
            obj is not None and obj.name not in registry.products() and request.user.has_perm("products.delete_product")
        )

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:  # noqa: ARG002
        edited = {name: form.cleaned_data[name] for name in form.changed_data if name in self.editable}
        edit_product(product_id=obj.pk, **edited)

    def blocks(self, product: Product) -> str:
        return links(product.product_blocks.all())

    @admin.display(description="workflows")
    def linked_workflows(self, product: Product) -> str:
        return links(product.workflows.all())

    @admin.display(description="subscriptions", ordering="_subscriptions")
    def subscription_count(self, product: Product) -> str:
        table = Product._meta.get_field("subscriptions").related_model
        count = getattr(product, "_subscriptions", 0)
        return link_to_list(table, count, product__product_id__exact=product.pk)

    @admin.display(boolean=True)
    def in_code(self, product: Product) -> bool:
        return product.name in registry.products()


@admin.register(ProductBlock)
class ProductBlockAdmin(StructureAdmin[ProductBlock]):
    editable = ("description", "status")
    list_display = ["name", "tag", "status", "attributes", "of_products"]
    list_filter = ["status", "tag"]
    search_fields = ["name", "description", "tag", "resource_types__resource_type"]
    fields = [
        "name",
        "description",
        "status",
        "tag",
        "attributes",
        "of_products",
        "product_block_id",
        "created_at",
        "end_date",
    ]
    inlines = [HoldsInline, HeldByInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProductBlock]:
        return super().get_queryset(request).prefetch_related("resource_types", "products")

    def attributes(self, block: ProductBlock) -> str:
        return links(block.resource_types.all())

    @admin.display(description="products")
    def of_products(self, block: ProductBlock) -> str:
        return links(block.products.all())


@admin.register(ResourceType)
class ResourceTypeAdmin(StructureAdmin[ResourceType]):
    editable = ("description",)
    list_display = ["resource_type", "description", "blocks"]
    search_fields = ["resource_type", "description"]
    fields = ["resource_type", "description", "blocks", "resource_type_id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ResourceType]:
        return super().get_queryset(request).prefetch_related("product_blocks")

    def blocks(self, resource_type: ResourceType) -> str:
        return links(resource_type.product_blocks.all())


@admin.register(Workflow)
class WorkflowAdmin(StructureAdmin[Workflow]):
    editable = ("description",)
    list_display = ["name", "target", "is_task", "description", "of_products", "in_code"]
    list_filter = ["target", "is_task", ("deleted_at", admin.EmptyFieldListFilter)]
    search_fields = ["name", "description"]
    fields = [
        "name",
        "description",
        "target",
        "is_task",
        "of_products",
        "runs",
        "in_code",
        "workflow_id",
        "created_at",
        "deleted_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workflow]:
        return super().get_queryset(request).prefetch_related("products")

    @admin.display(description="products")
    def of_products(self, workflow: Workflow) -> str:
        return links(workflow.products.all())

    @admin.display(description="processes")
    def runs(self, workflow: Workflow) -> str:
        table = Workflow._meta.get_field("processes").related_model
        return link_to_list(table, "show", workflow__workflow_id__exact=workflow.pk)

    @admin.display(boolean=True)
    def in_code(self, workflow: Workflow) -> bool:
        return workflow.name in registry.workflows()
