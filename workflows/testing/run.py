"""A process under test: what it came to, and what a person or another system may do to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from wfo_site.common.context import SYSTEM_USER
from workflows.engine.step_log import Progress
from workflows.engine.steps import State
from workflows.testing.pages import Page, walk

if TYPE_CHECKING:
    from workflows.models import Process, ProcessStep, Wait


class Run:
    """One process. What it shows is read anew each time; what is done to it runs it on until it ends or waits."""

    def __init__(self, process_id: UUID, run_on: Callable[[], object]) -> None:
        self.process_id = process_id
        self._run_on = run_on

    def __repr__(self) -> str:
        return f"<Run of {self.process.workflow.name}: {self.status}>"

    # What it came to

    @property
    def process(self) -> Process:
        from workflows.models import Process

        return Process.every.select_related("workflow").get(pk=self.process_id)

    @property
    def status(self) -> str:
        return self.process.last_status

    @property
    def last_step(self) -> str | None:
        return self.process.last_step

    @property
    def failure(self) -> str | None:
        """What the step that failed or waits says for a reason; None where all went well."""
        return self.process.failed_reason

    @property
    def state(self) -> State:
        """The state as it is stored."""
        from workflows.engine.history import load_history
        from workflows.engine.tree import ref_of

        return load_history(ref_of(self.process)).state

    @property
    def rows(self) -> list[ProcessStep]:
        """The stored steps, in order."""
        from workflows.models import ProcessStep

        return list(ProcessStep.objects.filter(process_id=self.process_id).order_by("seq"))

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Name and status of the stored steps, in order."""
        return [(row.name, row.status) for row in self.rows]

    def step(self, name: str) -> ProcessStep:
        """Return the last stored row of a step: its `status`, `delta`, `error`, `retries`."""
        found = [row for row in self.rows if row.name == name]
        assert found, f"No step {name!r} was stored; there are {[row.name for row in self.rows]}"
        return found[-1]

    @property
    def log(self) -> list[tuple[str, str]]:
        """Level and text of the lines that its steps have logged, in order."""
        from workflows.selectors import process_log

        return list(process_log(self.process_id).values_list("level", "text"))

    @property
    def progress(self) -> Progress | None:
        """How far the last step was that said so: `(done, total, text)`."""
        from workflows.models import StepProgress

        values = StepProgress.objects.filter(process_id=self.process_id).values_list("done", "total", "text").first()
        return Progress(*values) if values is not None else None

    @property
    def subscription(self) -> Any:
        """The model of the one subscription that it works on."""
        from subscriptions.domain import SubscriptionModel

        return SubscriptionModel.from_subscription(self.process.subscriptions.get().subscription_id)

    def expect(self, status: str, *, step: str | None = None, failure: str | None = None) -> Run:
        """Check where it stands: its status, its last step, a part of its failure. Says what happened where it differs.

        Returns itself, so that more can be asked: `engine.start(…).expect("completed").subscription`.
        """
        process = self.process
        is_right = (
            process.last_status == status
            and step in (None, process.last_step)
            and (failure is None or failure in (process.failed_reason or ""))
        )
        assert is_right, self._story(status, step, failure)
        return self

    def _story(self, status: str, step: str | None, failure: str | None) -> str:
        wanted = [status, *([f"at {step!r}"] if step else []), *([f"saying {failure!r}"] if failure else [])]
        process = self.process
        lines = [f"{process.workflow.name} should be {' '.join(wanted)}, and is {process.last_status}:"]
        lines += [f"  {row.name}: {row.status}" for row in self.rows]
        if process.failed_reason:
            lines += [f"{process.last_step} says: {process.failed_reason}", process.traceback or ""]
        return "\n".join(lines)

    # What may be done to it

    def form(self, *pages: State) -> Page:
        """Return what the form of the step it stands at says to the pages filled in so far."""
        from workflows.selectors import process_form

        form, state = process_form(self.process_id)
        assert form is not None, f"It stands at {self.last_step!r} ({self.status}), which asks for nothing"
        return walk(form, state, pages)

    def resume(self, *pages: State, user: str = SYSTEM_USER, **options: Any) -> Run:
        """Answer the form it waits at, or try again what failed; raises what `resume_process` raises."""
        from workflows.services import resume_process

        resume_process(self.process_id, list(pages), user=user, **options)
        self._run_on()
        return self

    def retry(self, *, user: str = SYSTEM_USER) -> Run:
        """Try again what failed or waits."""
        return self.resume(user=user)

    def abort(self, *, user: str = SYSTEM_USER) -> Run:
        from workflows.services import abort_process

        abort_process(self.process_id, user=user)
        return self

    @property
    def callback_route(self) -> str:
        """The address that its last callback step handed out."""
        from workflows.engine.waits import route

        return route(self._callback())

    def call_back(self, body: State) -> Run:
        """Answer as the other system does that it waits for."""
        from workflows.services import arrive_callback

        arrive_callback(self.process_id, self.callback_route.rpartition("/")[2], body)
        self._run_on()
        return self

    def report_progress(self, progress: str | State) -> Run:
        """Report as the other system does that it waits for."""
        from workflows.services import update_callback_progress

        update_callback_progress(self.process_id, self.callback_route.rpartition("/")[2], progress)
        return self

    def _callback(self) -> Wait:
        from workflows.enums import WaitKind
        from workflows.models import Wait

        waits = Wait.objects.filter(process_id=self.process_id, kind=WaitKind.CALLBACK)
        last = waits.order_by("created_at", "wait_id").last()
        assert last is not None, "It has handed out no address to call back"
        return last
