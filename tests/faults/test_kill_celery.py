"""`kill -9` of a Celery worker, children and all: another one finishes its work."""

from __future__ import annotations

import pytest

from tests.story.installation import Database, kill

from .conftest import World, places, short_on
from .fleet import installed
from .test_kill_serve import assert_delivered_once

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("broker"), short_on("PostgreSQL")]

PLACES = places(
    short=["inventory.create_vlan||3"],
    long=[
        "before write|Done|0",
        "after claim||0",
        "before write|Create L2VPN in IMS|0",
        "after write|Create L2VPN terminations in IMS|0",
    ],
)


@pytest.mark.parametrize("place", PLACES)
def test_another_worker_finishes_the_work_of_a_killed_one(copy: Database, world: World, place: str) -> None:
    installation = installed(copy, executor="celery")
    with installation.serving() as served:
        pages = served.story.l2vpn_pages(world.ports, "100-102")
        with installation.worker(stop_at=place) as worker:
            process_id = served.story.start("create_l2vpn", pages)
            installation.wait_until_stopped()
            kill(worker)
        with installation.worker():
            served.story.wait_for(process_id)
    assert_delivered_once(installation, process_id)


def test_a_message_that_is_lost_is_made_good_by_the_sweeper(copy: Database, world: World) -> None:
    """Started while no broker listens where the server rings: a worker elsewhere finds it in the table."""
    installation = installed(copy, executor="celery")
    installation.environment["CELERY_BROKER_URL"] = "redis://127.0.0.1:1/0"
    with installation.serving() as served:
        process_id = served.story.start("create_l2vpn", served.story.l2vpn_pages(world.ports, "100-102"))
        working = installed(copy, executor="celery")
        with working.worker():
            served.story.wait_for(process_id)
    assert_delivered_once(installation, process_id)
