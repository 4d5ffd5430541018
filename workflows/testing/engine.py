"""The engine as a test holds it: nothing runs unless the test says so, and time and crashes are the test's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from types import TracebackType
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from products import registry
from wfo_site.common.context import SYSTEM_USER
from workflows.engine import fault_points, open_transactions
from workflows.engine.fault_points import FaultPoint
from workflows.engine.registry import Workflow
from workflows.engine.steps import State
from workflows.testing import clock
from workflows.testing.fakes import Intercepted, swapped
from workflows.testing.faults import Crashes
from workflows.testing.idle import run_until_idle
from workflows.testing.pages import Page, walk
from workflows.testing.run import Run

P = ParamSpec("P")
R = TypeVar("R")


class Engine:
    """Runs processes in the test's thread for the length of a `with` block; the fixture `engine` is one.

    Workflows are named, or given as they were decorated: one that only the test has is put into the catalogue, and
    forgotten afterwards. The test needs the database.
    """

    def __init__(self) -> None:
        self._crashes = Crashes()
        self._slow: list[str] = []
        self._stack = ExitStack()

    def __enter__(self) -> Engine:
        from django.test import override_settings

        # A pool that was not started: bells reach nobody.
        self._stack.enter_context(override_settings(EXECUTOR="threadpool"))
        self._stack.enter_context(registry.isolated(empty=False))
        self._stack.callback(fault_points.install, None)
        fault_points.install(self._crashes.reached)
        self._stack.callback(open_transactions.report_to, None)
        open_transactions.report_to(self._slow.append)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stack.close()
        if kind is None:
            self._crashes.check_all_happened()

    # Processes

    def queue(self, workflow: str | Workflow, *pages: State, user: str = SYSTEM_USER, **options: Any) -> Run:
        """Start a workflow without running it; raises what `start_process` raises. One dict per page of its form."""
        from workflows.services import start_process

        process_id = start_process(_in_catalogue(workflow), list(pages) or None, user=user, **options)
        return Run(process_id, lambda: self.run_until_idle(process_id))

    def start(self, workflow: str | Workflow, *pages: State, user: str = SYSTEM_USER, **options: Any) -> Run:
        """Start a workflow and run it until it ends or waits."""
        started = self.queue(workflow, *pages, user=user, **options)
        self.run_until_idle(started.process_id)
        return started

    def form(self, workflow: str | Workflow, *pages: State) -> Page:
        """Return what the form of a start says to the pages filled in so far; nothing is started."""
        from workflows.page_selectors.start_form import start_form

        found = start_form(_in_catalogue(workflow), user=SYSTEM_USER)
        return walk(found.form, found.state, pages)

    def run_until_idle(self, *processes: UUID | Run) -> int:
        """Run these processes, or whatever is due, until nothing can go on by itself; return how often one was run.

        Raises AssertionError if an atomic step kept its transaction open for too long.
        """
        runs = run_until_idle(*(each.process_id if isinstance(each, Run) else each for each in processes))
        slow, self._slow[:] = list(self._slow), []
        assert not slow, "\n".join(slow)
        return runs

    # Time

    def advance(self, **length: float) -> int:
        """Let time pass (`hours=1`), and let everything that becomes due in it run in its order and at its time.

        Starts for later, retries, deadlines and leases that run out; returns how often a process was run.
        """
        left = timedelta(**length)
        runs = self.run_until_idle()
        while (until := clock.until_next_due()) is not None and until <= left:
            clock.pass_time(until)
            left -= until
            runs += self.run_until_idle()
        clock.pass_time(left)
        return runs + self.run_until_idle()

    # Faults

    def crash_at(self, point: FaultPoint, step: str = "") -> None:
        """Let the worker die the next time that it gets to `point` of the step (of any step where none is named)."""
        self._crashes.order(point, step)

    def recover(self) -> int:
        """Let the lease of a dead worker run out and another one take over what it left."""
        from workflows.engine import claims

        return self.advance(seconds=claims.lease().total_seconds() + 1)

    # Fakes

    def swap(self, original: Callable[P, R], replacement: Callable[P, R]) -> None:
        """Put `replacement` in the place of a function until the test ends, in every module that has imported it."""
        self._stack.enter_context(swapped(original, replacement))

    def intercept(self, get_client: Callable[P, R]) -> Intercepted:
        """Stand before the client that a function returns: note the calls of it, and make them fail."""
        intercepted = Intercepted()

        def get(*args: P.args, **kwargs: P.kwargs) -> Any:
            return intercepted.around(get_client(*args, **kwargs))

        self.swap(get_client, get)
        return intercepted


def _in_catalogue(workflow: str | Workflow) -> str:
    """Return the name of a workflow; the catalogue follows the registry for one that it does not have."""
    if isinstance(workflow, str):
        return workflow
    from products.models import Workflow as WorkflowRow
    from products.sync import sync_catalogue

    if not WorkflowRow.objects.filter(name=workflow.name).exists():
        sync_catalogue()
    return workflow.name
