"""A tally: a subscription that counts the steps which have changed it. A step that took effect twice is in it twice."""

from __future__ import annotations

from products import ProductSpec, register
from subscriptions.domain import ProductBlockModel, SubscriptionModel


class TallyBlock(ProductBlockModel, product_block_name="Tally"):
    """Step numbers in the order in which they took effect."""

    steps: list[int] = []


class Tally(SubscriptionModel, is_base=True):
    """One block of marks."""

    tally: TallyBlock


register(ProductSpec("tally", Tally, tag="TALLY", description="Marks of steps"))
