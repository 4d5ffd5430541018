"""The catalogue: what can be ordered, of which blocks it is made, and which workflows work on it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from products.enums import ProductLifecycle, Target
from wfo_site.common.uuid7 import uuid7


class ResourceType(models.Model):
    """The name of one attribute of product blocks; the values live in the block instances."""

    resource_type_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    resource_type = models.CharField(max_length=510, unique=True)
    description = models.CharField(max_length=2000, blank=True, default="")

    class Meta:
        ordering = ["resource_type"]

    def __str__(self) -> str:
        return self.resource_type


class ProductBlock(models.Model):
    """A reusable group of attributes; the class of the same name in code gives it its types."""

    product_block_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=255, unique=True)
    description = models.CharField(max_length=2000)
    tag = models.CharField(max_length=20, blank=True, default="")
    status = models.CharField(max_length=255, choices=ProductLifecycle, default=ProductLifecycle.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    end_date = models.DateTimeField(null=True, blank=True)
    resource_types = models.ManyToManyField(ResourceType, related_name="product_blocks", blank=True)
    depends_on: models.ManyToManyField[ProductBlock, Any] = models.ManyToManyField(
        "self",
        through="ProductBlockRelation",
        through_fields=("in_use_by", "depends_on"),
        symmetrical=False,
        related_name="in_use_by",
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ProductLifecycle.values), name="product_block_status_known")
        ]

    def __str__(self) -> str:
        return self.name


class ProductBlockRelation(models.Model):
    """Instances of one block may hold instances of the other; `min` and `max` bound how many."""

    in_use_by = models.ForeignKey(ProductBlock, on_delete=models.CASCADE, related_name="depends_on_relations")
    depends_on = models.ForeignKey(ProductBlock, on_delete=models.CASCADE, related_name="in_use_by_relations")
    min = models.PositiveIntegerField(null=True, blank=True)
    max = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["in_use_by", "depends_on"], name="product_block_relation_once")]

    def __str__(self) -> str:
        return f"{self.in_use_by} uses {self.depends_on}"


class Workflow(models.Model):
    """What the catalogue knows of a workflow; the steps are code. A removed one stays, marked by `deleted_at`."""

    workflow_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=255, unique=True)
    target = models.CharField(max_length=20, choices=Target)
    description = models.CharField(max_length=2000)
    is_task = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=Q(target__in=Target.values), name="workflow_target_known")]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """Something that can be ordered; a subscription is one delivered."""

    product_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=255, unique=True)
    description = models.CharField(max_length=2000)
    product_type = models.CharField(max_length=255)
    tag = models.CharField(max_length=20, db_index=True)
    status = models.CharField(max_length=255, choices=ProductLifecycle, default=ProductLifecycle.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    end_date = models.DateTimeField(null=True, blank=True)
    product_blocks = models.ManyToManyField(ProductBlock, related_name="products", blank=True)
    workflows = models.ManyToManyField(Workflow, related_name="products", blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ProductLifecycle.values), name="product_status_known")
        ]

    def __str__(self) -> str:
        return self.name


class FixedInput(models.Model):
    """A constant of a product, such as the speed of a port."""

    fixed_input_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=255)
    value = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="fixed_inputs")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name", "product"], name="fixed_input_once_per_product")]

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
