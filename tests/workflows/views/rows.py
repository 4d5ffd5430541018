"""Rows for tests of pages, made with the ORM: no engine takes part."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from products.models import Product, Workflow
from subscriptions.models import Subscription
from wfo_site.common.uuid7 import uuid7
from workflows.models import Process, ProcessStep, ProcessSubscription, WorkflowPlan

BEGIN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
_number = count()


def a_workflow(name: str = "modify_port", **values: Any) -> Workflow:
    defaults = {"target": "MODIFY", "description": f"Workflow {name.replace('_', ' ')}", **values}
    return Workflow.objects.get_or_create(name=name, defaults=defaults)[0]


def a_product(name: str = "Port 10G", **values: Any) -> Product:
    defaults = {"description": f"A {name}", "product_type": "Port", "tag": "PORT", **values}
    return Product.objects.get_or_create(name=name, defaults=defaults)[0]


def a_subscription(description: str = "Port in Utrecht", **values: Any) -> Subscription:
    values = {"product": values.pop("product", None) or a_product(), "customer_id": "c1", **values}
    return Subscription.objects.create(description=description, **{"status": "active", "insync": True, **values})


def a_process(*subscriptions: Subscription, workflow: Workflow | None = None, **values: Any) -> Process:
    """Return a running process; each is started a minute after the one before."""
    process_id = values.pop("process_id", None) or uuid7()
    moment = BEGIN + timedelta(minutes=next(_number))
    workflow = workflow or a_workflow()
    process = Process.every.create(
        **{
            "process_id": process_id,
            "root_id": process_id,
            "workflow": workflow,
            "is_task": workflow.is_task,
            "started_at": moment,
            "last_modified_at": moment,
            "last_status": "running",
            "last_step": "Start",
            "created_by": "bob",
            **values,
        }
    )
    for subscription in subscriptions:
        ProcessSubscription.objects.create(process=process, subscription=subscription)
    return process


def some_steps(process: Process, *names: str, plan: list[str] | None = None, **last: Any) -> list[ProcessStep]:
    """Write rows of these names. `last`: values of the last one; `plan`: the keys of all steps of the workflow."""
    if plan is not None:
        process.plan = WorkflowPlan.objects.create(workflow=process.workflow, digest=uuid7().hex, keys=plan)
    steps = []
    for seq, name in enumerate(names, 1):
        moment = process.started_at + timedelta(seconds=seq)
        values = {"status": "success", **(last if seq == len(names) else {})}
        values = {"key": name, "created_by": "bob", "started_at": moment, **values}
        values = {"completed_at": moment + timedelta(seconds=0.5), **values}
        steps.append(ProcessStep.objects.create(process=process, seq=seq, name=name, **values))
    Process.every.filter(pk=process.pk).update(plan=process.plan, last_seq=len(names), last_step=names[-1])
    process.refresh_from_db()
    return steps
