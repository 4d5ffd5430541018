"""People who log in, and rows for them to look at."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from products.models import FixedInput, Product, ProductBlock, ProductBlockRelation, ResourceType, Workflow
from subscriptions.models import (
    Subscription,
    SubscriptionCustomerDescription,
    SubscriptionInstance,
    SubscriptionInstanceRelation,
    SubscriptionMetadata,
    SubscriptionRevision,
)
from wfo_site.common.clock import now
from wfo_site.common.uuid7 import uuid7
from workflows.models import InputState, Process, ProcessStep, ProcessSubscription, StepLogLine, Wait, WorkflowPlan

PASSWORD = "correct horse battery staple"
_number = count()


@pytest.fixture
def alice(db: None) -> User:
    """An administrator."""
    return User.objects.create_superuser("alice", password=PASSWORD)


@pytest.fixture
def bob(db: None) -> User:
    """An operator without any right in the admin."""
    return User.objects.create_user("bob", password=PASSWORD)


@pytest.fixture
def as_alice(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


def make_everything() -> dict[type[Any], Any]:
    """Make one row of each table, linked to each other, and return them by table."""
    number = next(_number)
    resource_type = ResourceType.objects.create(resource_type=f"speed {number}")
    block = ProductBlock.objects.create(name=f"Port {number}", description="A port", tag="PORT")
    held = ProductBlock.objects.create(name=f"Node {number}", description="A node", tag="NODE")
    block.resource_types.add(resource_type)
    ProductBlockRelation.objects.create(in_use_by=block, depends_on=held, min=1, max=1)
    workflow = Workflow.objects.create(name=f"create_port_{number}", target="CREATE", description="Create a port")
    product = Product.objects.create(name=f"port {number}", description="A port", product_type="Port", tag="PORT")
    product.product_blocks.add(block)
    product.workflows.add(workflow)
    FixedInput.objects.create(product=product, name="speed", value="10")
    subscription = Subscription.objects.create(
        product=product, customer_id="customer", description=f"Port {number}", status="active", locked_by=uuid7()
    )
    SubscriptionMetadata.objects.create(subscription=subscription, metadata={"ticket": number})
    described = SubscriptionCustomerDescription.objects.create(
        subscription=subscription, customer_id="customer", description="Our port"
    )
    instance = SubscriptionInstance.objects.create(
        subscription=subscription, product_block=block, values={"speed": 10, "name": "<b>eth0</b>"}
    )
    other = SubscriptionInstance.objects.create(subscription=subscription, product_block=held)
    SubscriptionInstanceRelation.objects.create(in_use_by=instance, depends_on=other, domain_model_attr="node")
    revision = SubscriptionRevision.objects.create(
        subscription=subscription,
        number=number + 1,
        created_at=now(),
        created_by="alice",
        process_id=uuid7(),
        changes=[{"path": "port.speed", "old": 1, "new": 10}],
    )
    plan = WorkflowPlan.objects.create(workflow=workflow, digest=f"{number:064}", keys=["Start", "Done"])
    process_id = uuid7()
    times = {"started_at": now(), "last_modified_at": now()}
    process = Process.every.create(
        process_id=process_id, root_id=process_id, workflow=workflow, plan=plan, last_status="failed", **times
    )
    Process.every.create(root_id=process_id, parent=process, kind="branch", workflow=workflow, **times)
    ProcessSubscription.objects.create(process=process, subscription=subscription)
    step = ProcessStep.objects.create(
        process=process,
        seq=1,
        name="Start",
        key="Start",
        status="success",
        delta={"port": {"speed": 10}},
        started_at=now(),
        completed_at=now(),
    )
    inputs = InputState.objects.create(
        process=process, input_state=[{"speed": 10}], input_type="initial_state", input_time=now(), created_by="alice"
    )
    wait = Wait.objects.create(
        process=process, kind="callback", key="Start", created_at=now(), nonce="S3cretNonce", body={"ok": True}
    )
    line = StepLogLine.objects.create(
        process=process, epoch=1, key="Start", attempt=1, at=now(), level="warning", text="The node is slow"
    )
    rows = [resource_type, block, workflow, product, subscription, described, instance, revision]
    return {type(row): row for row in [*rows, plan, process, step, inputs, wait, line]}
