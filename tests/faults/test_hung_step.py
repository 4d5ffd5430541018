"""A step that hangs in a real worker: its process says so, others take its place, and a retry doubles nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.story.installation import Database, Installation, wait_until

from .conftest import World, short_on
from .fleet import installed
from .test_kill_serve import INVENTORY, STEPS

pytestmark = pytest.mark.faults

# The inventory has made the VLAN, and the call never returns.
HANGS = "inventory.create_vlan||0"


def children_of(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def assert_delivered_at_the_second_try(installation: Installation, process_id: str) -> None:
    found = installation.ask(INVENTORY % process_id)
    steps = found.pop("steps")
    assert found == {"groups": 2, "vlans": 6, "l2vpns": 1, "terminations": 6, "tagged": 6}
    at = STEPS.index("Create VLANs in IMS")
    assert [name for name, _ in steps] == [*STEPS[: at + 1], *STEPS[at:]]
    assert [number for number, (_, status) in enumerate(steps) if status == "failed"] == [at]


@short_on("PostgreSQL")
@pytest.mark.usefixtures("broker")
def test_the_pool_of_a_celery_worker_gets_another_child(copy: Database, world: World) -> None:
    installation = installed(copy, executor="celery")
    installation.environment["STEP_TIMEOUT_SECONDS"] = "3"
    with installation.serving() as served:
        pages = served.story.l2vpn_pages(world.ports, "100-102")
        with installation.worker(stop_at=HANGS) as worker:
            before = children_of(worker.pid)
            process_id = served.story.start("create_l2vpn", pages)
            served.story.wait_for(process_id, "failed")
            detail = served.client.get(f"/api/processes/{process_id}").json()
            assert "took longer than 3 s; its effect outside is unknown" in detail["failed_reason"]
            wait_until(lambda: len(children_of(worker.pid) - before) == 1)
            assert len(children_of(worker.pid)) == len(before)
            # Both children work: the one that stayed, and the one that is new.
            tasks = [served.story.start("task_bootstrap_netbox", [{}]) for _ in range(4)]
            for task in tasks:
                served.story.wait_for(task)
        with installation.worker():
            served.client.put(f"/api/processes/{process_id}/resume", json=[]).raise_for_status()
            served.story.wait_for(process_id)
    assert_delivered_at_the_second_try(installation, process_id)


@short_on("SQLite")
def test_the_thread_pool_of_a_server_gets_another_thread(copy: Database, world: World) -> None:
    installation = installed(copy)
    installation.environment |= {"STEP_TIMEOUT_SECONDS": "3", "MAX_WORKERS": "1"}
    with installation.serving(stop_at=HANGS) as served:
        process_id = served.story.start("create_l2vpn", served.story.l2vpn_pages(world.ports, "100-102"))
        served.story.wait_for(process_id, "failed")
        task = served.story.start("task_bootstrap_netbox", [{}])
        served.story.wait_for(task)
    with installation.serving() as served:
        served.client.put(f"/api/processes/{process_id}/resume", json=[]).raise_for_status()
        served.story.wait_for(process_id)
    assert_delivered_at_the_second_try(installation, process_id)
