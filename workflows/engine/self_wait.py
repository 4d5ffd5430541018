"""Notice a step that waits for a process which it has started itself.

Nobody can run that process before the step's transaction is over, so the two would wait for each other for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from uuid import UUID

from django.db import connection

from wfo_site.common.errors import Conflict

# Looking once is how one reads what was started; looking again and again is waiting.
MOST_LOOKS: Final = 2

_started: ContextVar[Counter[str] | None] = ContextVar("wfo_started_by_step", default=None)


class WaitsForItself(Conflict):
    """A step waits for a process that cannot run before the step has ended."""

    code = "waits_for_itself"


def note_started(process_id: UUID) -> None:
    """Remember that the step under way, if there is one, has started a process."""
    if (looks := _started.get()) is not None:
        looks[process_id.hex] = 0


@contextmanager
def self_wait_refused(step: str) -> Iterator[None]:
    """Refuse a third look, within the block, at a process that was started within it. Raises WaitsForItself."""
    looks: Counter[str] = Counter()
    token = _started.set(looks)

    def look(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if looks and sql.startswith("SELECT") and 'FROM "workflows_process"' in sql:
            for process_id in {str(value).replace("-", "") for value in params or ()} & looks.keys():
                looks[process_id] += 1
                if looks[process_id] > MOST_LOOKS:
                    raise WaitsForItself(
                        f"Step {step!r} waits for process {UUID(process_id)}, which it has started itself and which "
                        "cannot run before this step has ended. Start it with the step "
                        "sub_workflow(name, workflow, inputs), which waits for it without holding a runner."
                    )
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(look):
            yield
    finally:
        _started.reset(token)
