"""Rows for tests of the API, made with the ORM: no engine takes part."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from products.models import Product, Workflow
from subscriptions.models import Subscription
from wfo_site.common.uuid7 import uuid7
from workflows.models import Process, ProcessSubscription

START = datetime(2026, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
_number = count()


def make_workflow(name: str = "modify_note", **values: Any) -> Workflow:
    values = {"target": "MODIFY", "description": f"Does {name}", **values}
    return Workflow.objects.get_or_create(name=name, defaults=values)[0]


def make_product(name: str = "Port", **values: Any) -> Product:
    values = {"description": f"A {name}", "product_type": "Port", "tag": "PORT", **values}
    return Product.objects.get_or_create(name=name, defaults=values)[0]


def make_subscription(product: Product | None = None, **values: Any) -> Subscription:
    values = {"customer_id": "customer-1", "description": "A port", "status": "active", "insync": True, **values}
    return Subscription.objects.create(product=product or make_product(), **values)


def make_process(*subscriptions: Subscription, workflow: Workflow | None = None, **values: Any) -> Process:
    """Each process is started a minute after the one before."""
    process_id = uuid7()
    moment = START + timedelta(minutes=next(_number))
    process = Process.every.create(
        **{
            "process_id": process_id,
            "root_id": process_id,
            "workflow": workflow or make_workflow(),
            "started_at": moment,
            "last_modified_at": moment,
            "last_status": "completed",
            "created_by": "bob",
            **values,
        }
    )
    for subscription in subscriptions:
        ProcessSubscription.objects.create(process=process, subscription=subscription)
    return process
