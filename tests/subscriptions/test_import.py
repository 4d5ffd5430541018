"""A product package is imported by a plain unit test: no settings, no tables, no app registry."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from subscriptions.domain import SUBSCRIPTION_MODEL_REGISTRY, ProductBlockModel, SubscriptionModel
from uuid import UUID
from django.apps import apps
from django.conf import settings

class Block(ProductBlockModel, product_block_name="Block"):
    number: int = 1

class Product(SubscriptionModel, is_base=True):
    block: Block

SUBSCRIPTION_MODEL_REGISTRY.update({"product": Product})
assert Block.new(UUID(int=1)).number == 1
assert not settings.configured
assert not apps.ready
assert not {"products.models", "subscriptions.models"} & sys.modules.keys()
"""


def test_surface_needs_no_django_setup() -> None:
    environment = {"PATH": "", "PYTHONPATH": "."}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
