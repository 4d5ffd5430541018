"""Faults to order, so that demos and tests see what happens when an inventory fails."""

from __future__ import annotations

from django.db.models import F, Q

from wfo_site.examples.network.inventory.interface import InventoryError
from wfo_site.examples.network.inventory.models import FailureRule


def strike(operation: str, when: str) -> None:
    """Raise InventoryError if a rule asks for it, and count the rule down in a commit of its own."""
    rules = FailureRule.objects.filter(Q(operation=operation) | Q(operation="*"), when=when, times_left__gt=0)
    for rule in rules:
        # Compare-and-set: of two calls that meet one last fault, one fails.
        if FailureRule.objects.filter(pk=rule.pk, times_left__gt=0).update(times_left=F("times_left") - 1):
            raise InventoryError(rule.message, operation=operation)
