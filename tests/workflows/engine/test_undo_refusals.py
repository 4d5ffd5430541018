"""What cannot be undone yet or at all, who may not undo, and what cannot be an undo; a task stays meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from wfo_site.common.errors import Conflict, DomainError, Forbidden
from workflows import AuthContext, StepList, done, init, nothing_to_undo, parallel, step
from workflows.models import Process
from workflows.services import abort_process, delete_process, undo_process

from .conftest import StartWorkflow, in_thread
from .undoing import FAILING, NETWORK, flow_of, makes, nothing, says, status_of, undo

pytestmark = pytest.mark.django_db(transaction=True)


class TestRefusals:
    def test_what_is_at_work_or_done_is_not_undone(self, start: StartWorkflow) -> None:
        completed = start(flow_of(makes("a"), name="completed"))
        with pytest.raises(Conflict, match="it has completed"):
            undo_process(completed.pk)
        Process.every.filter(pk=completed.pk).update(last_status="running")
        with pytest.raises(Conflict, match="at work; abort it first"):
            undo_process(completed.pk)

    def test_a_step_that_goes_on_after_an_abort_is_not_overtaken(self, start: StartWorkflow) -> None:
        """What it makes outside is there only when it has ended."""
        refusals: list[str] = []

        def give_up(process_id: UUID) -> None:
            abort_process(process_id)
            try:
                undo_process(process_id)
            except Conflict as error:
                refusals.append(str(error))

        def take_away() -> None:
            NETWORK.pop("slow")

        @step("Make slowly", undo=take_away)
        def make_slowly(process_id: UUID) -> None:
            in_thread(partial(give_up, process_id)).join()
            NETWORK["slow"] = "made"

        process = start(flow_of(StepList([make_slowly])))
        (refusal,) = refusals
        assert "may not have ended" in refusal
        assert (status_of(process), NETWORK) == ("aborted", {"slow": "made"})
        assert undo(process).last_status == "completed"
        assert NETWORK == {}

    def test_the_clock_that_the_lease_is_kept_by_says_whether_it_goes_on(
        self, start: StartWorkflow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """That of the one who asks is far ahead."""
        FAILING.add("Stop")
        process = start(flow_of(makes("a"), says("Stop", undo=nothing_to_undo)))
        abort_process(process.pk)
        Process.every.filter(pk=process.pk).update(lease_until=Now() + timedelta(seconds=20))
        monkeypatch.setattr("workflows.models.now", lambda: datetime(2100, 1, 1, tzinfo=UTC))
        with pytest.raises(Conflict, match="may not have ended"):
            undo_process(process.pk)

    def test_a_step_of_an_undo_that_goes_on_after_an_abort_is_not_overtaken(self, start: StartWorkflow) -> None:
        refusals: list[str] = []
        taken_away: list[UUID] = []

        def give_up(undo_id: UUID, process_id: UUID) -> None:
            abort_process(undo_id)
            try:
                undo_process(process_id)
            except Conflict as error:
                refusals.append(str(error))

        def take_away(process_id: UUID) -> None:
            taken_away.append(process_id)
            if len(taken_away) == 1:
                undo_id = Process.every.get(kind="undo", last_status="running").pk
                in_thread(partial(give_up, undo_id, process_id)).join()

        FAILING.add("Stop")
        process = start(flow_of(step("Make", undo=take_away)(nothing), says("Stop", undo=nothing_to_undo)))
        undo_process(process.pk)
        (refusal,) = refusals
        assert "may not have ended" in refusal
        assert len(taken_away) == 1
        assert undo(process).last_status == "completed"

    def test_there_must_be_something_to_undo(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")
        process = start(flow_of(says("Look"), says("Stop")))
        with pytest.raises(Conflict, match="has an undo"):
            undo_process(process.pk)
        assert status_of(process) == "failed", "it was not aborted"

    def test_an_undo_is_retried_not_undone(self, start: StartWorkflow) -> None:
        FAILING.update({"Stop", "Undo: Make a"})
        failed = undo(start(flow_of(makes("a"), says("Stop"))))
        with pytest.raises(Conflict, match="an undo itself"):
            undo_process(failed.pk)

    def test_who_may_not_retry_may_not_undo(self, start: StartWorkflow) -> None:
        def only_carol(context: AuthContext) -> bool:
            return context.user is not None and context.user.get_username() == "carol"

        FAILING.add("Stop")
        process = start(flow_of(makes("a"), says("Stop", retry_auth_callback=only_carol)))
        with pytest.raises(Forbidden):
            undo_process(process.pk, user_model=None)
        carol = SimpleNamespace(is_authenticated=True, get_username=lambda: "carol", has_perm=lambda _: False)
        assert undo(process, user_model=carol).last_status == "completed"

    @pytest.mark.parametrize("wrong", [init, done, parallel("Both", makes("a")), "text"])
    def test_what_cannot_be_an_undo_is_refused_where_it_is_written(self, wrong: Any) -> None:
        with pytest.raises(ValueError, match="give a function, a step or a step group"):
            step("Make a", undo=wrong)

    def test_a_task_is_not_deleted_while_it_is_being_undone(self, start: StartWorkflow) -> None:
        FAILING.update({"Stop", "Undo: Make a"})
        process = start(flow_of(makes("a"), says("Stop"), is_task=True))
        undo(process)
        with pytest.raises(DomainError, match="being undone"):
            delete_process(process.pk)
