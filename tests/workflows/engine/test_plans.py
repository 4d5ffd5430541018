"""The plan of a workflow is stored once, and is known only as long as its row stands."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from products.models import Workflow as WorkflowRow
from workflows import StepList, done, init, workflow
from workflows.engine.plans import plan_id_of
from workflows.engine.tree import Program
from workflows.models import WorkflowPlan

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_plan_that_was_rolled_back_is_stored_again(own_registry: None) -> None:
    """Otherwise every later process of the workflow in this program would point to a row that never was."""

    @workflow("Planned")
    def planned() -> StepList:
        return init >> done

    row = WorkflowRow.objects.create(name=planned.name, target="SYSTEM", description="x")

    with transaction.atomic():
        plan_id_of(Program.of(planned), row.pk)
        transaction.set_rollback(True)
    stored = plan_id_of(Program.of(planned), row.pk)
    assert WorkflowPlan.objects.get(pk=stored).keys == planned.keys
    with CaptureQueriesContext(connection) as queries:
        assert plan_id_of(Program.of(planned), row.pk) == stored
    assert len(queries) == 0
