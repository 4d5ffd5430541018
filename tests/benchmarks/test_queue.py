"""The queue is the process table: what a start, a look for work, a claim and a heartbeat cost when it is long."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from tests.benchmarks.conftest import Counter, plain_workflow
from workflows.engine import claims, fast_path
from workflows.engine.runner import run
from workflows.models import Process
from workflows.services import Order, start_processes

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("nobody_runs"),
    pytest.mark.benchmark_suite,
]

needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="looks at PostgreSQL's plans")
LIVE = 1_000
AT_ONCE = 16
BEATS = 50


def queued(number: int) -> list[UUID]:
    return start_processes([Order(plain_workflow(1).name)] * number)


def test_a_thousand_starts_in_one_call(capsys: pytest.CaptureFixture[str]) -> None:
    queued(1)
    statements = []
    for number in (10, 1_000):
        counter, began = Counter(), time.perf_counter()
        with connection.execute_wrapper(counter):
            ids = queued(number)
        seconds = time.perf_counter() - began
        statements.append(counter.number)
        assert len(set(ids)) == Process.every.filter(pk__in=ids, last_status="created").count() == number
    with capsys.disabled():
        print(f"\n{connection.vendor}: 1,000 starts queued in {seconds:.2f} s, {statements[1]} statements")
    # What differs are the two inserts, 500 rows at a time; SQLite takes fewer values in one statement.
    assert statements[1] - statements[0] <= (2 if connection.vendor == "postgresql" else 60)


def fill_with_finished(number: int) -> None:
    """Put finished processes into the table as they would be after years, and let the server know of them."""
    with connection.cursor() as cursor:
        names = ", ".join(f.column for f in Process._meta.concrete_fields if f.column not in ("process_id", "root_id"))
        chosen = names.replace("last_status", "'completed'").replace("started_at", "started_at - n * interval '1 s'")
        cursor.execute(
            f"INSERT INTO workflows_process (process_id, root_id, {names}) "
            f"SELECT gen_random_uuid(), gen_random_uuid(), {chosen} "
            # Not one that was claimed: what has ended has no lease, and the server counts how many have none.
            "FROM (SELECT * FROM workflows_process WHERE lease_until IS NULL LIMIT 1) AS one, "
            "generate_series(1, %s) AS n",
            [number],
        )
        cursor.execute("VACUUM ANALYZE workflows_process")


class Explain:
    """Asks the server for the plan of each statement on the process table; `analyze` also runs it to see its costs."""

    def __init__(self, *, analyze: bool) -> None:
        self.plans: list[dict[str, Any]] = []
        self._options = "ANALYZE, BUFFERS, FORMAT JSON" if analyze else "FORMAT JSON"

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if "workflows_process" in sql:
            execute(f"EXPLAIN ({self._options}) {sql}", params, many, context)
            found = context["cursor"].fetchone()[0]
            self.plans.append((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])
        return execute(sql, params, many, context)


def explained(ask: Callable[[], object]) -> dict[str, Any]:
    """Ask, and return how the server found the answer."""
    explain = Explain(analyze=True)
    with connection.execute_wrapper(explain):
        ask()
    return explain.plans[0]


def indexes_in(plan: dict[str, Any]) -> set[str]:
    own = {plan["Index Name"]} if "Index Name" in plan else set()
    return own.union(*(indexes_in(part) for part in plan.get("Plans", [])))


def pages_in(plan: dict[str, Any]) -> int:
    """Return how many pages of 8 kB the server looked at."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def what_the_queue_asks(known: UUID) -> dict[str, dict[str, Any]]:
    """Return the plan of each question that runners ask of the table; `known` is a process that may be claimed."""
    return {
        "next up": explained(lambda: claims.next_up(10)),
        "due": explained(lambda: claims.due(10)),
        "how many wait": explained(claims.waiting_count),
        "claim": explained(lambda: claims.claim(known, "bench")),
    }


@needs_postgresql
@pytest.mark.parametrize("finished", [100_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_finished_processes_cost_the_queue_nothing(finished: int, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, *_ = queued(LIVE)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE workflows_process")
    before = what_the_queue_asks(first)
    fill_with_finished(finished)
    plans = what_the_queue_asks(second)
    with capsys.disabled():
        print()
        for name, plan in plans.items():
            found = ", ".join(sorted(indexes_in(plan))) or "no index"
            print(f"{finished:,} finished: {name}: {plan['Actual Total Time']:.2f} ms, {pages_in(plan)} pages, {found}")
    for name, plan in plans.items():
        assert pages_in(plan) <= 2 * pages_in(before[name]) + 10, name
    # To count them all, the index on the status is as good.
    for name, index in (("next up", "process_queue"), ("due", "process_queue"), ("claim", "workflows_process_pkey")):
        assert index in indexes_in(plans[name]), name


@needs_postgresql
def test_heartbeats_touch_no_index() -> None:
    """HOT: a new version of the row on the same page, found by the entry that the index has."""
    running = queued(LIVE)[:AT_ONCE]
    assert all(claims.claim(process_id, "bench") for process_id in running)
    hot, updates = _updates()
    for _ in range(BEATS):
        claims.heartbeat(running, "bench")
    hot_after, updates_after = _updates()
    assert updates_after - updates == BEATS * AT_ONCE
    # Most of them: now and then a page is full of versions that nobody has cleared away yet.
    assert (hot_after - hot) / (updates_after - updates) > 0.5


def _updates() -> tuple[int, ...]:
    """Return how many updates the process table has seen: those that touched no index, and all."""
    return _counted("workflows_process", "n_tup_hot_upd, n_tup_upd")


def _counted(table: str, columns: str) -> tuple[int, ...]:
    """Return what the server has counted of a table until now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(f"SELECT {columns} FROM pg_stat_user_tables WHERE relname = %s", [table])
        counted: tuple[int, ...] = cursor.fetchone()
    return counted


@needs_postgresql
def test_a_step_finds_its_process_by_its_key_whatever_the_server_knows_of_the_table() -> None:
    """Its plan is made once per connection, perhaps when the table was empty, and kept."""
    assert fast_path.is_on()
    (process_id,) = queued(1)
    explain = Explain(analyze=False)
    with connection.execute_wrapper(explain):
        run(process_id, runner="bench")
    of_updates = [plan for plan in explain.plans if "Update" in json.dumps(plan)]
    assert len(of_updates) == 1 + 3
    assert all("workflows_process_pkey" in indexes_in(plan) for plan in of_updates)
    assert not any("process_status" in indexes_in(plan) for plan in of_updates)


@needs_postgresql
def test_inputs_are_found_by_an_index_though_the_plans_were_made_when_there_were_none() -> None:
    """The server keeps a plan for as long as the connection lasts, or until it next analyses the table."""
    with connection.cursor() as cursor:
        # It forgets what it knew of the table, as of one that is new.
        cursor.execute("TRUNCATE workflows_inputstate")
    for process_id in queued(20):
        run(process_id, runner="bench")
    later = queued(20)
    before = _counted("workflows_inputstate", "seq_scan")
    for process_id in later:
        run(process_id, runner="bench")
    assert _counted("workflows_inputstate", "seq_scan") == before
