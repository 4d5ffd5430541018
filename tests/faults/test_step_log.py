"""What a step said before its worker was killed is there, and is not taken for what the next worker says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.story.installation import Installation, kill, wait_until

from .fleet import broker_url, celery_worker, start, statuses, trouble

pytestmark = pytest.mark.faults

# The claim of each line, and how many lines the row of the step shows.
LOG = """
from workflows.models import ProcessStep, StepLogLine
from workflows.selectors.step_log import log_of_row
rows = ProcessStep.objects.filter(key="Wait for the file")
print(json.dumps([
    list(StepLogLine.objects.order_by("id").values_list("epoch", "text")), [log_of_row(row).count() for row in rows]
]))
"""


def log(installation: Installation) -> tuple[list[list[object]], list[int]]:
    lines, shown = installation.ask(LOG)
    return lines, shown


def test_lines_outlive_the_worker_that_is_killed(tmp_path: Path) -> None:
    installation = trouble(tmp_path, executor="celery", broker=broker_url("redis"))
    file, line = tmp_path / "go", "waits for go"
    worker = celery_worker(installation, name="killed")
    try:
        start(installation, ("waiter", {"file": str(file)}))
        wait_until(lambda: log(installation) == ([[1, line]], []), 120)
        kill(worker)
        file.touch()
        worker = celery_worker(installation, name="next")
        wait_until(lambda: statuses(installation.database) == {"completed": 1}, 120)
    finally:
        kill(worker)
    assert log(installation) == ([[1, line], [2, line]], [1])
    installation.database.drop()
