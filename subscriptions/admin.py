"""Browse subscriptions, their blocks and their history. Workflows change them, so here they are shown only."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from subscriptions.models import (
    Subscription,
    SubscriptionCustomerDescription,
    SubscriptionInstance,
    SubscriptionInstanceRelation,
    SubscriptionRevision,
)
from wfo_site.common.admin_pages import ShownInline, StructureAdmin, link, link_to_list, pretty_json


class InstanceInline(ShownInline):
    model = SubscriptionInstance
    verbose_name_plural = "blocks"
    fields = ["block", "label", "pretty_values"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionInstance]:
        return super().get_queryset(request).select_related("product_block")

    def block(self, instance: SubscriptionInstance) -> str:
        return link(instance, instance.product_block.name)

    @admin.display(description="values")
    def pretty_values(self, instance: SubscriptionInstance) -> str:
        return pretty_json(instance.values)


class CustomerDescriptionInline(ShownInline):
    model = SubscriptionCustomerDescription
    fields = ["customer_id", "description", "created_at", "version"]


@admin.register(Subscription)
class SubscriptionAdmin(StructureAdmin[Subscription]):
    list_display = ["description", "product", "status", "insync", "customer_id", "start_date", "version"]
    list_filter = ["status", "insync", "product"]
    search_fields = ["subscription_id", "description", "customer_id", "note", "product__name"]
    search_help_text = "By id, description, customer, note or product"
    fields = [
        "description",
        "linked_product",
        "status",
        "insync",
        "holder",
        "customer_id",
        "note",
        "start_date",
        "end_date",
        "version",
        "subscription_id",
        "metadata",
        "history",
        "runs",
    ]
    inlines = [InstanceInline, CustomerDescriptionInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        return super().get_queryset(request).select_related("product", "metadata_row")

    @admin.display(description="product")
    def linked_product(self, subscription: Subscription) -> str:
        return link(subscription.product)

    @admin.display(description="locked by process")
    def holder(self, subscription: Subscription) -> str:
        table = Subscription._meta.get_field("processes").related_model
        if subscription.locked_by is None:
            return "nobody"
        return link_to_list(table, subscription.locked_by, process_id__exact=subscription.locked_by)

    def metadata(self, subscription: Subscription) -> str:
        row = getattr(subscription, "metadata_row", None)
        return pretty_json(row.metadata if row else None)

    def history(self, subscription: Subscription) -> str:
        return link_to_list(SubscriptionRevision, "revisions", subscription__subscription_id__exact=subscription.pk)

    @admin.display(description="processes")
    def runs(self, subscription: Subscription) -> str:
        table = Subscription._meta.get_field("processes").related_model
        return link_to_list(table, "processes", subscriptions__subscription_id__exact=subscription.pk)


class HoldsInline(ShownInline):
    model = SubscriptionInstanceRelation
    fk_name = "in_use_by"
    verbose_name_plural = "holds blocks"
    fields = ["domain_model_attr", "order_id", "other"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionInstanceRelation]:
        rows = super().get_queryset(request)
        return rows.select_related("depends_on__product_block", "in_use_by__product_block")

    @admin.display(description="block")
    def other(self, relation: SubscriptionInstanceRelation) -> str:
        return link(relation.depends_on)


class HeldByInline(HoldsInline):
    fk_name = "depends_on"
    verbose_name_plural = "held by blocks"

    @admin.display(description="block")
    def other(self, relation: SubscriptionInstanceRelation) -> str:
        return link(relation.in_use_by)


@admin.register(SubscriptionInstance)
class SubscriptionInstanceAdmin(StructureAdmin[SubscriptionInstance]):
    list_display = ["product_block", "label", "subscription", "subscription_instance_id"]
    list_filter = ["product_block"]
    search_fields = ["subscription_instance_id", "label", "subscription__description", "product_block__name"]
    fields = ["block", "label", "of_subscription", "pretty_values", "subscription_instance_id"]
    inlines = [HoldsInline, HeldByInline]

    def block(self, instance: SubscriptionInstance) -> str:
        return link(instance.product_block)

    @admin.display(description="subscription")
    def of_subscription(self, instance: SubscriptionInstance) -> str:
        return link(instance.subscription)

    @admin.display(description="values")
    def pretty_values(self, instance: SubscriptionInstance) -> str:
        return pretty_json(instance.values)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionInstance]:
        return super().get_queryset(request).select_related("product_block", "subscription")


@admin.register(SubscriptionRevision)
class SubscriptionRevisionAdmin(StructureAdmin[SubscriptionRevision]):
    list_display = ["subscription", "number", "created_at", "created_by", "step", "change_count"]
    list_filter = ["created_at"]
    search_fields = ["subscription__subscription_id", "subscription__description", "created_by", "process_id"]
    ordering = ["-created_at"]
    fields = [
        "of_subscription",
        "number",
        "created_at",
        "created_by",
        "process",
        "step",
        "pretty_changes",
        "pretty_snapshot",
    ]

    @admin.display(description="subscription")
    def of_subscription(self, revision: SubscriptionRevision) -> str:
        return link(revision.subscription)

    def process(self, revision: SubscriptionRevision) -> str:
        table = Subscription._meta.get_field("processes").related_model
        if revision.process_id is None:
            return "outside a process"
        return link_to_list(table, revision.process_id, process_id__exact=revision.process_id)

    @admin.display(description="changes")
    def change_count(self, revision: SubscriptionRevision) -> int:
        return len(revision.changes)

    @admin.display(description="changes")
    def pretty_changes(self, revision: SubscriptionRevision) -> str:
        return pretty_json(revision.changes)

    @admin.display(description="snapshot")
    def pretty_snapshot(self, revision: SubscriptionRevision) -> str:
        return pretty_json(revision.snapshot)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionRevision]:
        return super().get_queryset(request).select_related("subscription")


@admin.register(SubscriptionCustomerDescription)
class SubscriptionCustomerDescriptionAdmin(StructureAdmin[SubscriptionCustomerDescription]):
    editable = ("description",)
    list_display = ["description", "customer_id", "subscription", "created_at", "version"]
    search_fields = ["description", "customer_id", "subscription__description"]
    fields = ["description", "customer_id", "of_subscription", "created_at", "version"]

    @admin.display(description="subscription")
    def of_subscription(self, row: SubscriptionCustomerDescription) -> str:
        return link(row.subscription)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionCustomerDescription]:
        return super().get_queryset(request).select_related("subscription")
