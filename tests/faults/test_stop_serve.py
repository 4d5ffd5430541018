"""SIGTERM to `manage.py serve`: running steps end, one that does not is left to the next start, none is blamed (F6)."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.faults.harness.figures import Figures
from tests.story.installation import kill, wait_until

from .conftest import short_on
from .fleet import Ledger, select, server, start, statuses, trouble

# Celery workers have the same on PostgreSQL, see `test_celery_work`.
pytestmark = [pytest.mark.faults, short_on("SQLite")]

GRACE = 3


@pytest.mark.fault("F6")
def test_a_server_that_is_told_to_end_ends_in_time_and_the_next_one_goes_on(tmp_path: Path, figures: Figures) -> None:
    installation = trouble(tmp_path, executor="threadpool", MAX_WORKERS="3", SHUTDOWN_GRACE_SECONDS=str(GRACE))
    ledger, file = Ledger(installation), tmp_path / "go"
    start(installation, ("waiter", {"file": str(file)}), *[("worker_bee", {"seconds": 0.8})] * 4)
    first = server(installation)
    try:
        wait_until(lambda: ledger.count("file", "begun") == 1 and ledger.count("Work", "begun") >= 1)
        os.kill(first.pid, signal.SIGTERM)
        began = time.monotonic()
        first.wait(timeout=GRACE + 25)
        figures.note(stops=1, seconds_to_stop=time.monotonic() - began, grace=GRACE)
    finally:
        kill(first)
    assert ledger.count("Work", "begun") == ledger.count("Work", "done")
    found = select(installation.database, "last_status, lost_claims, held_because")
    assert {status for status, _, _ in found} <= {"created", "running", "completed"}
    assert {(lost, because) for _, lost, because in found} == {(0, None)}
    file.touch()
    second = server(installation)
    try:
        wait_until(lambda: statuses(installation.database) == {"completed": 5}, 120)
    finally:
        kill(second)
    assert ledger.count("Work", "begun") == ledger.count("Work", "done") == 4 * 3 + 1
    assert ledger.count("file", "begun") == 2
    installation.database.drop()
