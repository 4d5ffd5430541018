"""How fast Celery workers are: real ones, on Redis, with one child process and with several."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.faults.fleet import broker_url, celery_worker, statuses, trouble
from tests.story.installation import Installation, kill, wait_until

pytestmark = [
    pytest.mark.benchmark_suite,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
]

CHILDREN = (1, 4, 16)
PROCESSES = 32
# Whoever else uses the machine may slow one of them down.
MOST_ROUNDS = 3
FOLLOW_THE_CODE = """
from products.sync import sync_catalogue
sync_catalogue()
print(json.dumps(None))
"""
START_THEM = f"""
from workflows.services import Order, start_processes
print(json.dumps([str(pk) for pk in start_processes([Order("plain_hundred")] * {PROCESSES})]))
"""
# Neither the first steps, of children that still wake up, nor the last, of the few that are left.
RATE = """
WITH step AS (
    SELECT completed_at, ntile(4) OVER (ORDER BY completed_at) AS quarter
    FROM workflows_processstep WHERE process_id = ANY(%s::uuid[])
)
SELECT count(*) / extract(epoch FROM max(completed_at) - min(completed_at)) FROM step WHERE quarter IN (2, 3)
"""


def steps_per_second(installation: Installation, children: int) -> float:
    """Run a hundred plain steps so many times on a worker with so many children."""
    process_ids = installation.ask(START_THEM)
    worker = celery_worker(installation, "-c", str(children))
    try:
        wait_until(lambda: set(statuses(installation.database)) == {"completed"})
    finally:
        kill(worker)
    with psycopg.connect(installation.database.url) as found:
        (rate,) = found.execute(RATE, [process_ids]).fetchone() or (0,)
    return float(rate)


def test_more_children_do_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    installation = trouble(
        tmp_path, executor="celery", broker=broker_url("redis"), WFO_EXTENSIONS="tests.benchmarks.plain"
    )
    try:
        installation.ask(FOLLOW_THE_CODE)
        for _ in range(MOST_ROUNDS):
            rates = {children: steps_per_second(installation, children) for children in CHILDREN}
            if min(rates[4], rates[16]) > rates[1]:
                break
    finally:
        installation.database.drop()
    with capsys.disabled():
        print("\nCelery on Redis: " + ", ".join(f"{rate:,.0f}/s with {number}" for number, rate in rates.items()))
    assert min(rates[4], rates[16]) > rates[1]
