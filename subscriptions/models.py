"""Subscriptions: products delivered to customers, as graphs of block instances with their history."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from products.models import Product, ProductBlock
from subscriptions.enums import SubscriptionLifecycle
from wfo_site.common.uuid7 import uuid7

# SQLite does not look at the length of a text, so saving does.
CUSTOMER_ID_LENGTH = 255
DESCRIPTION_LENGTH = 2000
NOTE_LENGTH = 5000
LABEL_LENGTH = 255

_STATUS_CHOICES = [(status.value, status.value.capitalize()) for status in SubscriptionLifecycle]


class Subscription(models.Model):
    """One product delivered to one customer.

    `version` rises by a database trigger on every UPDATE, so nothing lives on this row that is not its business.
    """

    subscription_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="subscriptions")
    customer_id = models.CharField(max_length=CUSTOMER_ID_LENGTH, db_index=True)
    description = models.CharField(max_length=DESCRIPTION_LENGTH)
    status = models.CharField(max_length=255, choices=_STATUS_CHOICES, default=SubscriptionLifecycle.INITIAL)
    insync = models.BooleanField(default=False)
    # The root process that took the lock; a plain id, because processes live in a higher layer.
    locked_by = models.UUIDField(null=True, blank=True, editable=False)
    start_date = models.DateTimeField(null=True, blank=True)
    end_date = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=NOTE_LENGTH, null=True, blank=True)  # noqa: DJ001 - the API shows null
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["-start_date", "-subscription_id"]
        indexes = [
            models.Index(fields=["status", "start_date"], name="subscription_status_start"),
            models.Index(fields=["-start_date", "-subscription_id"], name="subscription_newest"),
            models.Index(fields=["locked_by"], name="subscription_locked_by", condition=Q(locked_by__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in SubscriptionLifecycle]),
                name="subscription_status_known",
            ),
            models.CheckConstraint(
                condition=Q(insync=False) | Q(locked_by__isnull=True), name="subscription_insync_has_no_lock"
            ),
        ]

    def __str__(self) -> str:
        return self.description


class SubscriptionInstance(models.Model):
    """One block of one subscription. `values` is a JSON object: attribute name to value, types and list order kept."""

    subscription_instance_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="instances")
    product_block = models.ForeignKey(ProductBlock, on_delete=models.PROTECT, related_name="instances")
    label = models.CharField(max_length=LABEL_LENGTH, null=True, blank=True)  # noqa: DJ001 - the API shows null
    values = models.JSONField(default=dict, blank=True)
    # Directly below the subscription: the attribute and the place in its list. Null below a block, and in older data.
    root_attr = models.CharField(max_length=255, null=True, blank=True, editable=False)  # noqa: DJ001 - no attribute
    root_order = models.PositiveIntegerField(default=0, editable=False)
    depends_on = models.ManyToManyField(
        "self",
        through="SubscriptionInstanceRelation",
        through_fields=("in_use_by", "depends_on"),
        symmetrical=False,
        related_name="in_use_by",
    )

    def __str__(self) -> str:
        return f"{self.product_block} {self.label or str(self.subscription_instance_id)[:8]}"


class SubscriptionInstanceRelation(models.Model):
    """`in_use_by` holds `depends_on` in its attribute `domain_model_attr`, at place `order_id` of a list."""

    in_use_by = models.ForeignKey(SubscriptionInstance, on_delete=models.CASCADE, related_name="depends_on_relations")
    depends_on = models.ForeignKey(SubscriptionInstance, on_delete=models.CASCADE, related_name="in_use_by_relations")
    domain_model_attr = models.CharField(max_length=255, null=True)  # noqa: DJ001 - older data has none
    order_id = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["order_id"]
        constraints = [
            models.UniqueConstraint(fields=["in_use_by", "depends_on"], name="subscription_instance_relation_once")
        ]

    def __str__(self) -> str:
        return f"{self.in_use_by_id} {self.domain_model_attr}[{self.order_id}] {self.depends_on_id}"


class SubscriptionRevision(models.Model):
    """What one transaction changed in one subscription, who and which step did it.

    `changes`: list of {"path", "old", "new"}, with the "subscription_instance_id" of the block where it is one's.
    `snapshot`: the whole subscription at creation and at every 20th revision.
    """

    revision_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=255)
    process_id = models.UUIDField(null=True)
    step = models.CharField(max_length=255, null=True)  # noqa: DJ001 - none outside a process
    changes = models.JSONField()
    snapshot = models.JSONField(null=True)

    class Meta:
        ordering = ["subscription", "number"]
        constraints = [
            models.UniqueConstraint(fields=["subscription", "number"], name="subscription_revision_number_once")
        ]

    def __str__(self) -> str:
        return f"revision {self.number} of {self.subscription_id}"


class SubscriptionCustomerDescription(models.Model):
    """What a customer calls a subscription."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="customer_descriptions")
    customer_id = models.CharField(max_length=CUSTOMER_ID_LENGTH)
    description = models.CharField(max_length=DESCRIPTION_LENGTH)
    created_at = models.DateTimeField(auto_now_add=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer_id", "subscription"], name="uniq_customer_subscription_description"
            )
        ]

    def __str__(self) -> str:
        return self.description


class SubscriptionMetadata(models.Model):
    """Free JSON beside a subscription."""

    subscription = models.OneToOneField(
        Subscription, primary_key=True, on_delete=models.CASCADE, related_name="metadata_row"
    )
    metadata = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"metadata of {self.subscription_id}"
