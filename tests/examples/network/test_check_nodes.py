"""The nodes are compared with the inventory side by side."""

from __future__ import annotations

import pytest

from tests.examples.network.conftest import Network
from wfo_site.examples.network import models
from workflows.models import Process
from workflows.testing import Engine

pytestmark = pytest.mark.django_db


def test_what_differs_fails_its_own_branch_and_is_tried_again_alone(engine: Engine, network: Network) -> None:
    right, wrong = (node.node.ims_id for node in network.nodes)
    models.Device.objects.filter(pk=wrong).update(status="offline")
    run = engine.start("task_check_nodes")
    run.expect("waiting", step="Check nodes")
    branches = Process.every.filter(parent_id=run.process_id)
    assert sorted(branches.values_list("last_status", flat=True)) == ["completed", "failed"]
    failed = branches.get(last_status="failed")
    assert "par-pe" in failed.branch_name
    assert "status is 'offline', not 'active'" in (failed.failed_reason or "")
    models.Device.objects.filter(pk=wrong).update(status="active")
    run.retry()
    run.expect("completed")
    assert run.state["nodes_results"] == [{"device": right}, {"device": wrong}]


def test_a_device_that_is_gone_is_told(engine: Engine, network: Network) -> None:
    gone = network.nodes[0].node.ims_id
    models.Device.objects.filter(pk=gone).delete()
    run = engine.start("task_check_nodes")
    run.expect("waiting", step="Check nodes")
    failed = Process.every.get(parent_id=run.process_id, last_status="failed")
    assert f"no device {gone} any more" in (failed.failed_reason or "")
