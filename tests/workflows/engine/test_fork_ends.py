"""An abort, a deletion or a deadline of a process that has parts."""

from __future__ import annotations

import pytest

from wfo_site.common.errors import Conflict
from workflows import branch, parallel, sub_workflow
from workflows.engine import deadlines
from workflows.models import Process, Wait
from workflows.services import abort_process, delete_process, resume_process
from workflows.testing import run_until_idle

from .conftest import StartWorkflow, state_of
from .fork_steps import CALLS, FAILING, asks, flow_of, parts, register, says

pytestmark = pytest.mark.django_db(transaction=True)


class TestAbort:
    def test_an_abort_reaches_all_below(self, start: StartWorkflow) -> None:
        register(flow_of(asks("Ask"), name="inner"))
        inner = parallel("Inner", branch("I1", asks("Ask one")), branch("I2", sub_workflow("Run", "inner", [{}])))
        process = start(flow_of(parallel("Outer", branch("O1", inner), branch("O2", says("O"))), name="outer"))
        abort_process(process.pk, user="alice")
        assert set(Process.every.exclude(last_status="completed").values_list("last_status", flat=True)) == {"aborted"}
        assert not Wait.objects.filter(state="open").exists()

    def test_an_aborted_branch_fails_its_parent_and_is_made_anew_by_a_retry(self, start: StartWorkflow) -> None:
        process = start(flow_of(parallel("Both", branch("A", asks("Ask")), branch("B", says("Set B", b=1)))))
        abort_process(parts(process)["A"].pk)
        process.refresh_from_db()
        assert process.last_status == "failed"
        assert "“A” (aborted)" in (process.failed_reason or "")
        resume_process(process.pk)
        again = Process.every.get(parent=process, last_status="suspended")
        assert again.branch_name == "A"
        resume_process(again.pk, [{"answer": 7}])
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert CALLS == ["Set B"]


class TestDelete:
    def test_a_task_is_not_deleted_while_a_part_of_it_runs(self, start: StartWorkflow) -> None:
        both = parallel("Both", branch("A", asks("Ask")), branch("B", parallel("Deep", asks("C"), asks("D"))))
        process = start(flow_of(both, is_task=True))
        part = Process.every.get(branch_name="D")
        Process.every.filter(pk=part.pk).update(last_status="running")
        with pytest.raises(Conflict, match="A part of this task is running"):
            delete_process(process.pk)
        assert Wait.objects.filter(process=process, state="open").exists(), "it waits on"
        Process.every.filter(pk=part.pk).update(last_status="suspended")
        delete_process(process.pk)
        assert not Process.every.exists()

    def test_a_workflow_that_a_task_has_started_stays(self, start: StartWorkflow) -> None:
        register(flow_of(asks("Ask"), name="inner"))
        inner = parallel("Both", sub_workflow("Run", "inner", [{}]), sub_workflow("Leave", "inner", [{}], wait=False))
        process = start(flow_of(inner, name="outer", is_task=True))
        delete_process(process.pk)
        left = list(Process.every.all())
        assert [one.workflow.name for one in left] == ["inner", "inner"]
        for one in left:
            resume_process(one.pk, [{"answer": 1}])
        assert set(Process.every.values_list("last_status", "parent")) == {("completed", None)}


class TestDeadline:
    def expire(self) -> None:
        from django.db.models.functions import Now

        Wait.objects.filter(kind="children", state="open").update(deadline=Now())
        deadlines.expire_due()
        run_until_idle()

    def test_fail(self, start: StartWorkflow) -> None:
        process = start(flow_of(parallel("Both", asks("Ask"), says("B"), timeout=60)))
        self.expire()
        process.refresh_from_db()
        assert (process.last_status, process.failed_reason) == ("failed", "Its parts did not end in time")
        resume_process(process.pk)
        process.refresh_from_db()
        assert process.last_status == "waiting"
        assert CALLS == ["B"]

    def test_continue_with_what_is_done(self, start: StartWorkflow) -> None:
        flow = flow_of(parallel("Both", asks("Ask"), says("B", b=1), timeout=60, on_timeout="continue"))
        process = start(flow)
        self.expire()
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert state_of(process.pk)["b"] == 1
        assert parts(process)["Ask"].last_status == "aborted"

    def test_retry_the_failed_and_wait_again(self, start: StartWorkflow) -> None:
        FAILING.add("B")
        process = start(flow_of(parallel("Both", says("A"), says("B"), timeout=60, on_timeout="retry")))
        FAILING.clear()
        self.expire()
        process.refresh_from_db()
        assert process.last_status == "completed"
