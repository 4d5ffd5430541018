"""The claim, the plain step, the heartbeat and what each run asks beside them as one statement each, on PostgreSQL.

They mean the same as the portable ways beside them, down to the clock that they ask, and the engine's tests run both.
A statement outside a transaction is a round trip and a commit of its own; PostgreSQL plans it once per connection.
What it knows of the table at that moment may be old, so the conditions on the status are written such (IS TRUE) that
no index on the status can be taken for the way to one row: its dead entries would be read with every step.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import connection

_CLAIM = """
UPDATE workflows_process AS p
SET epoch = p.epoch + 1, runner = %(runner)s, lease_until = statement_timestamp() + %(lease)s, last_status = 'running',
    wait_kind = NULL, rung_at = statement_timestamp(), last_modified_at = statement_timestamp(),
    lost_claims = p.lost_claims + 1
FROM products_workflow AS w
WHERE p.process_id = %(process_id)s AND w.workflow_id = p.workflow_id
    AND (p.last_status IN ('created', 'resumed', 'running')) IS TRUE
    AND p.held_because IS NULL AND (p.not_before IS NULL OR p.not_before <= statement_timestamp())
    AND (p.lease_until IS NULL OR p.lease_until < statement_timestamp()
        OR p.lease_until > statement_timestamp() + 2 * %(lease)s)
    AND NOT EXISTS (SELECT FROM workflows_enginesettings WHERE global_lock)
    AND p.lost_claims BETWEEN %(lost_from)s AND %(lost_to)s AND w.name <> ALL(%(besides)s)
    AND (p.queue IS NULL OR %(queues)s::text[] IS NULL OR p.queue = ANY(%(queues)s::text[]))
RETURNING p.process_id, p.root_id, p.branch_key, p.epoch, p.workflow_id, w.name, p.is_task, p.created_by, p.plan_id,
    p.last_seq, p.kind, p.parent_id, p.parent_seq, p.priority, p.queue, p.left_since
"""

_HEARTBEAT = """
WITH free AS (
    SELECT process_id FROM workflows_process
    WHERE process_id = ANY(%(process_ids)s) AND runner = %(runner)s AND (last_status IN ('running', 'aborted')) IS TRUE
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE workflows_process AS p SET lease_until = statement_timestamp() + %(lease)s
FROM free WHERE p.process_id = free.process_id
"""

_UNMERGED = """
SELECT input_state_id, input_state, created_by FROM workflows_inputstate
WHERE process_id = %s AND merged_seq IS NULL ORDER BY input_time, input_state_id
"""

_LINKED = "SELECT subscription_id FROM workflows_processsubscription WHERE process_id = %s"

_STEP_COLUMNS = (
    "step_id, process_id, seq, name, key, status, delta, removed, error, snapshot, sub_step, detail, retries, "
    "earlier_completed_at, created_by, started_at, completed_at, commit_hash, epoch"
)

_PLAIN_STEP = """
WITH fence AS (
    UPDATE workflows_process SET {columns}, last_modified_at = statement_timestamp()
    WHERE process_id = %(process_id)s AND epoch = %(epoch)s AND (last_status = 'running') IS TRUE
    RETURNING process_id
), step AS (
    INSERT INTO workflows_processstep ({step_columns})
    SELECT %(step_id)s, process_id, %(seq)s, %(name)s, %(key)s, %(status)s, %(delta)s::jsonb,
        %(removed)s::jsonb, %(error)s::jsonb, %(snapshot)s::jsonb, %(sub_step)s, %(detail)s::jsonb, 0, '[]'::jsonb,
        %(created_by)s, %(started_at)s, %(completed_at)s, %(commit_hash)s, %(epoch)s
    FROM fence
){inputs}
SELECT (SELECT count(*) FROM fence), (SELECT coalesce(bool_or(global_lock), false) FROM workflows_enginesettings)
"""

# Named by their process too: a list alone is cheapest to look up by reading a small table from end to end, and the
# server keeps that plan for as long as the connection lasts, or until it next analyses a table that has grown.
_INPUTS = """, input AS (
    UPDATE workflows_inputstate SET merged_seq = %(seq)s
    WHERE process_id = %(process_id)s AND merged_seq IS NULL AND input_state_id = ANY(%(inputs)s)
        AND EXISTS (SELECT FROM fence)
)"""


def is_on() -> bool:
    return connection.vendor == "postgresql" and bool(settings.ENGINE_FAST_PATH)


def _cursor() -> AbstractContextManager[Any]:
    """Return a cursor that sends parameters apart from the text, so that the server can keep the plan."""
    from django.db.backends.postgresql.base import ServerBindingCursor

    connection.ensure_connection()
    raw: Any = cast("Any", ServerBindingCursor)(connection.connection)
    return connection.make_debug_cursor(raw) if connection.queries_logged else connection.make_cursor(raw)


def claim(
    process_id: UUID,
    runner: str,
    lease: timedelta,
    *,
    lost: tuple[int, int],
    besides: list[str],
    queues: Collection[str] | None,
) -> tuple[Any, ...] | None:
    """Take a process and return its columns in the order of `claims.Claim`; None if it cannot be taken.

    `lost`: from how many to how many lost claims it may have. `besides`: workflows with a limit, whose places are
    counted under a lock that one statement cannot take. `queues`: those that the runner serves; None for all.
    """
    values = {
        "process_id": process_id,
        "runner": runner,
        "lease": lease,
        "lost_from": lost[0],
        "lost_to": lost[1],
        "besides": besides,
        "queues": None if queues is None else list(queues),
    }
    with _cursor() as cursor:
        cursor.execute(_CLAIM, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def heartbeat(process_ids: Collection[UUID], runner: str, lease: timedelta) -> None:
    """Prolong the leases that a runner has, but for those of rows that another has locked at this moment."""
    with _cursor() as cursor:
        cursor.execute(_HEARTBEAT, {"process_ids": list(process_ids), "runner": runner, "lease": lease})


def unmerged(process_id: UUID) -> list[tuple[UUID, dict[str, Any], str]]:
    """Return the inputs of a process that no row has taken in yet, as `inputs.unmerged` does."""
    with _cursor() as cursor:
        cursor.execute(_UNMERGED, [process_id])
        return [(input_id, json.loads(values), user) for input_id, values, user in cursor.fetchall()]


def linked(process_id: UUID) -> list[UUID]:
    """Return the subscriptions that a process works on."""
    with _cursor() as cursor:
        cursor.execute(_LINKED, [process_id])
        return [subscription_id for (subscription_id,) in cursor.fetchall()]


def write_step(
    process_id: UUID,
    epoch: int,
    step: Mapping[str, Any],
    process: Mapping[str, Any],
    inputs: Sequence[UUID],
) -> bool | None:
    """Write a step row and the columns of the process row; return whether the engine is paused.

    None: the fence is lost, and nothing was written.
    """
    columns = ", ".join(
        f"{name} = NULL" if value is None else f"{name} = %(process_{name})s" for name, value in process.items()
    )
    sql = _PLAIN_STEP.format(columns=columns, step_columns=_STEP_COLUMNS, inputs=_INPUTS if inputs else "")
    parameters = {f"process_{name}": str(value) if isinstance(value, str) else value for name, value in process.items()}
    with _cursor() as cursor:
        cursor.execute(
            sql,
            {
                **parameters,
                **step,
                "process_id": process_id,
                "epoch": epoch,
                "delta": json.dumps(step["delta"]),
                "removed": json.dumps(step["removed"]),
                "error": None if step["error"] is None else json.dumps(step["error"]),
                "snapshot": None if step["snapshot"] is None else json.dumps(step["snapshot"]),
                "detail": None if step["detail"] is None else json.dumps(step["detail"]),
                "inputs": list(inputs),
            },
        )
        fenced, paused = cursor.fetchone()
    return bool(paused) if fenced else None
