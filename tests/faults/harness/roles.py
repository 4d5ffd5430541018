"""What a child of the zygote may be: a runner, one that starts processes, one that looks."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.models import Count

from tests.faults.stopper import places
from tests.story.installation import wait_until
from wfo_site.common.clock import now
from wfo_site.common.errors import Conflict, DomainError
from wfo_site.settings.base import database
from workflows.engine.runner import run
from workflows.executors import get_executor, runner_id
from workflows.executors.keeper import Keeper
from workflows.models import InputState, Lease, Process, ProcessStep, StartKey, Wait
from workflows.selectors import continue_choices
from workflows.services import (
    abort_process,
    continue_at,
    pause_engine,
    resume_process,
    start_process,
    undo_process,
    unpause_engine,
)


def settle(*, database_url: str, lease: float, executor: str, environment: dict[str, str]) -> None:
    """Become a process of one installation; nothing has been connected yet."""
    os.environ.update(environment)
    connections.settings["default"].update(database(database_url))
    settings.PROCESS_LEASE_SECONDS = lease
    settings.EXECUTOR = executor
    if "RELEASE" in environment:
        import_module("tests.faults.deployed.workflows")


def migrate() -> None:
    """Make the tables, and the catalogue of the sample."""
    call_command("migrate", interactive=False, verbosity=0)


def pool(*, threads: int) -> None:
    """Run what is due with so many threads until SIGTERM."""
    settings.MAX_WORKERS = threads
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    executor = get_executor()
    executor.start()
    # A wait without end would keep the signal from being handled.
    while not ending.wait(0.1):
        pass
    executor.stop(30)


def run_one(*, process_id: str, stop_at: str | None = None, file: str = "", steps: int | None = None) -> bool:
    """Run one process, or so many steps of it; stop at a place if one is given. Return whether it was claimed."""
    if stop_at is not None:
        places.install(stop_at, file)
    left = [steps]

    def should_stop() -> bool:
        if left[0] is None:
            return False
        left[0] -= 1
        return left[0] < 0

    keeper = Keeper(runner_id())
    keeper.start()
    with keeper.keeping(UUID(process_id)):
        return run(UUID(process_id), runner=keeper.runner, should_stop=should_stop)


def web(*, port: int, stop_at: str | None = None, file: str = "") -> None:
    """Serve pages and API, and run nothing; stop at a place if one is given."""
    if stop_at is not None:
        places.install(stop_at, file)
    uvicorn.run(
        "wfo_site.asgi:application", port=port, lifespan="off", log_config=None, access_log=False, log_level="warning"
    )


def start(
    *,
    workflow: str,
    count: int,
    held: bool = False,
    pages: list[dict[str, Any]] | None = None,
    seconds: float = 0,
) -> list[str]:
    """Start so many processes, spread over so many seconds, and return their ids. Bells ring as the settings say.

    `held`: no runner takes them.
    """
    began, found = time.monotonic(), []
    for number in range(count):
        time.sleep(max(0, began + seconds * number / count - time.monotonic()))
        found.append(str(_started(workflow, pages)))
    if held:
        Process.every.filter(pk__in=found).update(held_because="the test holds it")
    return found


def _started(workflow: str, pages: list[dict[str, Any]] | None) -> UUID:
    """Start a process, again and again while the database is away: nothing is there unless a start returned."""
    while True:
        try:
            return start_process(workflow, pages)
        except Exception:
            connection.close()
            time.sleep(0.1)


def release(*, process_ids: list[str]) -> None:
    Process.every.filter(pk__in=process_ids).update(held_because=None)


def facts(*, process_ids: list[str] | None = None) -> dict[str, Any]:
    """Return what is stored of processes: by id their columns, rows, and the tally they have made."""
    from subscriptions.models import SubscriptionInstance

    processes = Process.every.all() if process_ids is None else Process.every.filter(pk__in=process_ids)
    found: dict[str, Any] = {
        str(process.pk): {
            "status": process.last_status,
            "reason": process.failed_reason,
            "started_at": process.started_at.timestamp(),
            "leased": process.lease_until is not None,
            "runner": process.runner,
            "lost_claims": process.lost_claims,
            "left": process.left_since is not None,
            "rows": [],
            "tallies": [],
            "unmerged": 0,
            "trail": [],
        }
        for process in processes
    }
    rows = ProcessStep.objects.filter(process__in=found).order_by("process", "seq")
    for row in rows:
        one = found[str(row.process_id)]
        one["rows"].append(
            {
                "seq": row.seq,
                "name": row.name,
                "status": row.status,
                "started_at": row.started_at.timestamp(),
                "completed_at": row.completed_at.timestamp(),
                "retries": row.retries,
                "delta": {key: value for key, value in row.delta.items() if key != "tally"},
            }
        )
        one["trail"] = row.delta.get("trail", one["trail"])
    for process_id in InputState.objects.filter(process__in=found, merged_seq=None).values_list(
        "process_id", flat=True
    ):
        found[str(process_id)]["unmerged"] += 1
    tallies = SubscriptionInstance.objects.filter(
        product_block__name="Tally", subscription__process_subscriptions__process__in=found
    )
    for process_id, values in tallies.values_list("subscription__process_subscriptions__process_id", "values"):
        found[str(process_id)]["tallies"].append(values.get("steps"))
    return found


def statuses(*, process_ids: list[str]) -> dict[str, int]:
    """Return how many processes have which status."""
    counts: dict[str, int] = {}
    for status in Process.every.filter(pk__in=process_ids).values_list("last_status", flat=True):
        counts[status] = counts.get(status, 0) + 1
    return counts


def edit(*, process_id: str, columns: dict[str, Any]) -> None:
    """Change a process by hand, as a person with SQL would; texts that begin with `now` are moments of the database."""
    sets = ", ".join(f"{name} = {value}" for name, value in columns.items())
    with connection.cursor() as cursor:
        pk = UUID(process_id)
        key = pk if connection.vendor == "postgresql" else pk.hex
        cursor.execute(f"UPDATE workflows_process SET {sets.replace('%', '%%')} WHERE process_id = %s", [key])


def answer(*, process_ids: list[str]) -> dict[str, str]:
    """Answer the form that each of these asks, and return by id how it was refused; "" where it was not."""
    return {process_id: _refusal(resume_process, UUID(process_id), {"answer": 1}) for process_id in process_ids}


def choose(*, process_ids: list[str], step: str = "") -> dict[str, str]:
    """Let each of these go on at a step of the code, or at the one that is suggested; say by id how it was refused."""
    return {process_id: _refusal(_go_on, process_id, step) for process_id in process_ids}


def _go_on(process_id: str, step: str) -> None:
    found = continue_choices(UUID(process_id))
    wanted = step or next(one.key for one in found.new if one.is_suggested)
    continue_at(UUID(process_id), wanted, plan=found.plan, version=found.version)


def _refusal(act: Callable[..., None], *arguments: Any) -> str:
    try:
        act(*arguments)
    except DomainError as error:
        return f"{error.code}: {error.message}"
    return ""


def resume(*, process_ids: list[str], pages: list[dict[str, Any]] | None = None) -> None:
    """Let each of these go on that can, with the pages of input that it asks for."""
    for process_id in (
        Process.every.filter(pk__in=process_ids).exclude(last_status="completed").values_list("pk", flat=True)
    ):
        resume_process(process_id, pages)


def abort(*, process_ids: list[str]) -> list[str]:
    """Abort each of these that has not ended, and return which those were."""
    aborted = []
    for process_id in process_ids:
        try:
            abort_process(UUID(process_id))
        except Conflict:
            continue
        aborted.append(process_id)
    return aborted


def undo(*, process_id: str) -> str:
    """Start the undo of a process, which ends by that, and return its id. No runner takes it before its release.

    Not before its worker is known to be lost: a body that was cut off may go on.
    """
    wait_until(lambda: not Process.every.get(pk=process_id).runs_on)
    with transaction.atomic():
        made = undo_process(UUID(process_id))
        Process.every.filter(pk=made).update(held_because="the test holds it")
    return str(made)


def pause() -> None:
    pause_engine()


def unpause() -> None:
    unpause_engine()


def stored() -> dict[str, int]:
    """Return how many rows there are of what a start writes."""
    return {"processes": Process.every.count(), "inputs": InputState.objects.count(), "keys": StartKey.objects.count()}


def end_leases() -> None:
    """End the leases of what one may do at a time, as time does when whoever has them was lost."""
    Lease.objects.update(until=now() - timedelta(seconds=1))


def waits(*, process_ids: list[str]) -> dict[str, list[tuple[str, float | None, float | None]]]:
    """Return what each process has waited for: the state of the wait, its deadline and when it was closed."""
    found: dict[str, list[tuple[str, float | None, float | None]]] = {}
    for wait in Wait.objects.filter(process__in=process_ids).order_by("created_at"):
        moments = [moment and moment.timestamp() for moment in (wait.deadline, wait.closed_at)]
        found.setdefault(str(wait.process_id), []).append((wait.state, *moments))
    return found


def children(*, parent: str) -> dict[str, str]:
    """Return the status of each child of a process."""
    found = Process.every.filter(parent_id=parent).values_list("process_id", "last_status")
    return {str(process_id): status for process_id, status in found}


def watch(*, parent: str, file: str) -> list[int]:
    """Count the children of a process by their status again and again until the file is there; return the sums."""
    sums = []
    while not Path(file).exists():
        counts = Process.every.filter(parent_id=parent).order_by().values_list("last_status").annotate(Count("pk"))
        sums.append(sum(number for _, number in counts))
        time.sleep(0.02)
    return sums
