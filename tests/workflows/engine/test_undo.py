"""Undo: finished steps are taken back in reverse, as a process of its own with the lock of the first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError
from django.db.models.functions import Now

from products.models import Workflow as WorkflowRow
from subscriptions import hooks
from subscriptions import services as subscription_services
from subscriptions.domain import SubscriptionModel, isolated
from subscriptions.domain.errors import OutOfSync
from subscriptions.models import Subscription
from tests.subscriptions.conftest import declare, make_host, stock
from wfo_site.common.db.outside import outside
from wfo_site.common.errors import Conflict, DomainError, Forbidden
from wfo_site.common.uuid7 import uuid7
from workflows import (
    AuthContext,
    State,
    StepList,
    begin,
    branch,
    callback_step,
    conditional,
    done,
    focussteps,
    foreach,
    init,
    inputstep,
    modify_workflow,
    nothing_to_undo,
    parallel,
    retrystep,
    set_status,
    step,
    step_context,
    step_group,
    sub_workflow,
)
from workflows.builtin.modify_note import modify as modify_note
from workflows.engine import child_maker, waits
from workflows.engine.undo_plan import Fate
from workflows.enums import ProcessKind
from workflows.forms import FormPage
from workflows.models import Process, ProcessSubscription, Wait
from workflows.selectors import process_detail, undo_plan
from workflows.selectors.undo import state_given
from workflows.services import abort_process, arrive_callback, delete_process, resume_process, undo_process
from workflows.services.insync import ProcessesNotEnded, set_subscription_in_sync

from . import undoing
from .conftest import StartWorkflow, in_thread, rows, state_of
from .test_races import Side, meet, once
from .undoing import CALLS, FAILING, GIVEN, NETWORK, flow_of, makes, says

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_made_yet() -> Iterator[None]:
    yield from undoing.clean()


def nothing() -> None: ...


def undo(process: Process | UUID, **options: Any) -> Process:
    """Undo a process, run that as far as it goes, and return it."""
    pk = process if isinstance(process, UUID) else process.pk
    return Process.every.get(pk=undo_process(pk, user="bob", **options))


def fates(process: Process) -> list[tuple[str, str]]:
    return [(one.name, str(one.fate)) for one in undo_plan(process.pk).steps]


def status_of(process: Process) -> str:
    return Process.every.values_list("last_status", flat=True).get(pk=process.pk)


class TestPlan:
    def test_finished_steps_in_reverse_each_with_the_state_right_after_it(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")
        process = start(flow_of(makes("a", x=1), makes("b", x=2), says("Look"), says("Stop", undo=nothing_to_undo)))
        plan = undo_plan(process.pk)
        assert (plan.refusal, plan.undone_by) == ("", None)
        assert [(one.name, one.undo_name, one.fate) for one in plan.steps] == [
            ("Stop", "", Fate.NOTHING),
            ("Look", "", Fate.STAYS),
            ("Make b", "Undo: Make b", Fate.UNDONE),
            ("Make a", "Undo: Make a", Fate.UNDONE),
        ]
        assert [one.name for one in plan.left] == ["Look"]
        given = {one.name: state_given(one) for one in plan.undone}
        assert {name: (state.get("x"), sorted(state.keys() & {"a", "b"})) for name, state in given.items()} == {
            "Make b": (2, ["a", "b"]),
            "Make a": (1, ["a"]),
        }

    def test_what_was_skipped_is_not_in_it_and_what_failed_at_first_is_there_once(self, start: StartWorkflow) -> None:
        FAILING.add("Make b")
        process = start(flow_of(conditional(lambda _: False)(makes("a")), makes("b"), says("Stop")))
        FAILING.symmetric_difference_update({"Make b", "Stop"})
        resume_process(process.pk)
        assert fates(process) == [("Stop", "stays"), ("Make b", "undone")]
        assert [one.is_half_done for one in undo_plan(process.pk).steps] == [True, False]

    def test_a_step_that_stopped_half_way_is_undone_from_the_state_that_it_began_with(
        self, start: StartWorkflow
    ) -> None:
        """Its effect outside is unknown; what it was to return is not there."""
        FAILING.add("Make b")
        process = start(flow_of(makes("a"), makes("b")))
        assert sorted(NETWORK) == ["a", "b"]
        done = undo(process)
        assert (done.last_status, NETWORK) == ("completed", {})
        assert "b" not in GIVEN["b"]
        assert GIVEN["b"]["a"] == "made"

    def test_a_step_that_stopped_before_it_said_what_its_undo_needs_stays(self, start: StartWorkflow) -> None:
        def cancel(order: str) -> None:
            CALLS.append(f"cancel {order}")

        @step("Order", undo=cancel)
        def order() -> State:
            raise ConnectionError("no answer")

        process = start(flow_of(makes("a"), order))
        (half_done,) = undo_plan(process.pk).left
        assert "before it returned 'order'" in half_done.reason
        undone = undo(process)
        assert [name for name, _ in rows(undone)] == ["Undo: Make a", "Keep the lock", "Done"]
        assert state_of(undone.pk)["not_undone"] == ["Order"]

    def test_a_step_that_was_running_when_it_was_aborted_is_undone_too(self, start: StartWorkflow) -> None:
        def abort_process_of(thing: str) -> Any:
            @step(f"Make {thing}", undo=makes(thing).undo)
            def make() -> State:
                NETWORK[thing] = "made"
                with outside():
                    abort_process(step_context().process_id, user="alice")
                return {thing: "made"}

            return make

        process = start(flow_of(makes("a"), abort_process_of("b"), makes("c")))
        assert (status_of(process), sorted(NETWORK)) == ("aborted", ["a", "b"])
        assert [(one.name, one.is_half_done) for one in undo_plan(process.pk).undone] == [
            ("Make b", True),
            ("Make a", False),
        ]
        assert (undo(process).last_status, NETWORK) == ("completed", {})
        assert "b" not in GIVEN["b"]

    def test_the_number_of_statements_does_not_grow_with_the_steps(
        self, start: StartWorkflow, django_assert_max_num_queries: Any
    ) -> None:
        FAILING.add("Stop")
        few = start(flow_of(*[makes(f"few {n}") for n in range(2)], says("Stop"), name="few"))
        many = start(flow_of(*[makes(f"many {n}") for n in range(20)], says("Stop"), name="many"))
        with django_assert_max_num_queries(10):
            undo_plan(few.pk)
        with django_assert_max_num_queries(10):
            undo_plan(many.pk)


class TestRun:
    def test_it_takes_back_all_and_both_link_to_each_other(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")
        process = start(flow_of(makes("a"), makes("b"), says("Stop", undo=nothing_to_undo)))
        done = undo(process)
        assert NETWORK == {}
        assert CALLS[-2:] == ["Undo: Make b", "Undo: Make a"]
        assert rows(done) == [
            ("Undo: Make b", "success"),
            ("Undo: Make a", "success"),
            ("Unlock subscriptions", "success"),
            ("Done", "complete"),
        ]
        assert (done.kind, done.last_status, done.parent_id, done.root_id, done.created_by) == (
            ProcessKind.UNDO, "completed", process.pk, process.root_id, "bob"
        )  # fmt: skip
        assert status_of(process) == "aborted"
        assert rows(process)[-1] == ("User Aborted", "abort")
        assert process_detail(process.pk)["undone_by"] == done.pk
        assert process_detail(done.pk)["undo_of"] == process.pk
        assert not Process.objects.filter(pk=done.pk).exists(), "it is in no list"

    def test_what_an_undo_step_returns_is_its_own(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")
        done = undo(start(flow_of(makes("a"), makes("b"), says("Stop", undo=nothing_to_undo))))
        assert "gone" not in GIVEN["a"]
        state = state_of(done.pk)
        assert (state["Undo: Make b"], state["Undo: Make a"]) == ({"gone": "b"}, {"gone": "a"})

    def test_it_knows_the_key_that_the_step_had_and_has_one_of_its_own(self, start: StartWorkflow) -> None:
        seen: dict[str, Any] = {}

        def take_away() -> None:
            context = step_context()
            assert context.undone is not None
            seen.update(own=context.idempotency_key, undone=context.undone, before=context.undone.read_before())

        @step("Make a", undo=take_away)
        def make() -> State:
            seen["key"] = step_context().idempotency_key
            return {"a": 1}

        FAILING.add("Stop")
        undo(start(flow_of(make, says("Stop", undo=nothing_to_undo))))
        assert seen["undone"].idempotency_key == seen["key"] != seen["own"]
        assert (seen["undone"].step, seen["undone"].is_half_done) == ("Make a", False)
        assert "a" not in seen["before"]

    def test_one_that_fails_stands_still_and_is_tried_again_from_there(self, start: StartWorkflow) -> None:
        FAILING.update({"Stop", "Undo: Make a"})
        failed = undo(start(flow_of(makes("a"), makes("b"), says("Stop", undo=nothing_to_undo))))
        assert (failed.last_status, failed.last_step, sorted(NETWORK)) == ("failed", "Undo: Make a", ["a"])
        FAILING.clear()
        resume_process(failed.pk, user="carol")
        assert (status_of(failed), NETWORK) == ("completed", {})
        assert CALLS.count("Undo: Make b") == 1

    def test_after_one_that_was_given_up_another_takes_back_the_rest(self, start: StartWorkflow) -> None:
        FAILING.update({"Stop", "Undo: Make a"})
        process = start(flow_of(makes("a"), makes("b"), says("Stop", undo=nothing_to_undo)))
        first = undo(process)
        with pytest.raises(Conflict, match="being undone already"):
            undo_process(process.pk)
        abort_process(first.pk)
        assert fates(process) == [
            ("Stop", "nothing"),
            ("Make b", "before"),
            ("Make a", "undone"),
        ]
        FAILING.clear()
        second = undo(process)
        assert (second.last_status, NETWORK, CALLS.count("Undo: Make b")) == ("completed", {}, 1)
        assert process_detail(process.pk)["undone_by"] == second.pk
        with pytest.raises(Conflict, match="has been undone already"):
            undo_process(process.pk)

    def test_the_database_allows_one_at_a_time(self, start: StartWorkflow) -> None:
        FAILING.update({"Stop", "Undo: Make a"})
        process = start(flow_of(makes("a"), says("Stop")))
        first = undo(process)
        moment = first.started_at
        columns = {"kind": "undo", "root_id": process.root_id, "started_at": moment, "last_modified_at": moment}
        with pytest.raises(IntegrityError):
            Process.every.create(workflow=process.workflow, parent=process, **columns)

    def test_code_that_no_longer_has_the_undo_fails_that_step_until_it_is_back(self, start: StartWorkflow) -> None:
        FAILING.update({"Stop", "Undo: Make b"})
        flow = flow_of(makes("a"), makes("b"), says("Stop", undo=nothing_to_undo))
        failed = undo(start(flow))
        FAILING.clear()
        kept = flow.steps[1].undo
        flow.steps[1].undo = None
        resume_process(failed.pk)
        failed.refresh_from_db()
        assert (failed.last_status, failed.last_step) == ("failed", "Undo: Make a")
        assert "Bring it back and retry" in str(failed.failed_reason)
        flow.steps[1].undo = kept
        resume_process(failed.pk)
        assert (status_of(failed), NETWORK) == ("completed", {})

    def test_an_undo_may_be_any_step_that_stands_alone(self, start: StartWorkflow) -> None:
        """A callback step, one that a person answers, one that waits for another try: their parts see each other."""

        @inputstep("Say that it is unplugged", assignee="NOC")
        def unplugged() -> Any:
            class Unplugged(FormPage):
                by: str

            page = yield Unplugged
            return page.model_dump()

        @step("Order removal")
        def order(callback_route: str) -> State:
            return {"ordered": callback_route.startswith("/api/")}

        @step("Read answer")
        def read(callback_result: State, ordered: bool) -> State:
            return {"removed": callback_result["ok"] and ordered}

        @retrystep("Wait for dark")
        def dark(a: str) -> State:
            if "dark" in FAILING:
                raise TimeoutError("still light")
            return {"dark": a}

        FAILING.update({"Stop", "dark"})
        flow = flow_of(
            step("Make a", undo=unplugged)(lambda: {"a": "made"}),
            step("Make b", undo=callback_step("Remove", order, read))(nothing),
            step("Make c", undo=dark)(nothing),
            says("Stop", undo=nothing_to_undo),
        )
        process = undo(start(flow))
        assert (process.last_status, process.last_step) == ("waiting", "Wait for dark")
        FAILING.clear()
        resume_process(process.pk)
        assert status_of(process) == "awaiting_callback"
        wait = Wait.objects.get(process=process, state="open")
        arrive_callback(process.pk, waits.route(wait).rpartition("/")[2], {"ok": True})
        assert status_of(process) == "suspended"
        resume_process(process.pk, [{"by": "dave"}])
        assert status_of(process) == "completed"
        state = state_of(process.pk)
        assert (state["Wait for dark"], state["Remove"]["removed"], state["Say that it is unplugged"]) == (
            {"dark": "made"}, True, {"by": "dave"}
        )  # fmt: skip

    def test_steps_that_see_a_part_of_the_state_are_undone_in_that_part(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")
        undo(start(flow_of(focussteps("end")(makes("a")), says("Stop", undo=nothing_to_undo))))
        assert GIVEN["a"] == {"a": "made"}


class TestGroups:
    def test_a_group_is_taken_back_as_a_whole_or_step_by_step(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")

        def take_all(a: str) -> None:
            CALLS.append(f"all of it, {a}")
            NETWORK.clear()

        inner = makes("a") >> says("Look", undo=nothing_to_undo) >> makes("b")
        by_step = start(flow_of(step_group("Both", inner), says("Stop", undo=nothing_to_undo), name="by_step"))
        assert fates(by_step)[1:3] == [("Both / Make b", "undone"), ("Both / Make a", "undone")]
        undo(by_step)
        assert NETWORK == {}
        whole = start(flow_of(step_group("Both", inner, undo=take_all), says("Stop", undo=nothing_to_undo)))
        assert [name for name, _ in rows(undo(whole))][:1] == ["Undo: Both"]
        assert (NETWORK, CALLS[-1]) == ({}, "all of it, made")

    @pytest.mark.parametrize("is_between_two_runs", [False, True])
    def test_what_a_group_did_without_is_not_taken_back(self, start: StartWorkflow, is_between_two_runs: bool) -> None:
        """Also where the group was gone on with by another runner."""
        FAILING.add("Stop")
        inner = conditional(lambda _: False)(makes("b"))
        if is_between_two_runs:
            inner = inner >> inputstep("Confirm", assignee="NOC")(lambda: FormPage)
        process = start(
            flow_of(
                step_group("Both", makes("a") >> inner >> makes("c") >> inner[:1]), says("Stop", undo=nothing_to_undo)
            )
        )
        if is_between_two_runs:
            assert status_of(process) == "suspended"
            resume_process(process.pk, [{}])
        assert status_of(process) == "failed"
        assert fates(process)[1:3] == [("Both / Make c", "undone"), ("Both / Make a", "undone")]
        assert undo(process).last_status == "completed"
        assert (NETWORK, [call for call in CALLS if "Make b" in call]) == ({}, [])

    def test_what_an_earlier_try_of_a_group_may_have_done_is_taken_back(self, start: StartWorkflow) -> None:
        """Though the last one did without."""
        FAILING.update({"Stop", "Make b"})
        wanted = [True]
        group = step_group("Both", conditional(lambda _: bool(wanted))(makes("a")) >> makes("b"))
        process = start(flow_of(group, says("Stop", undo=nothing_to_undo)))
        assert NETWORK.keys() == {"a", "b"}
        wanted.clear()
        FAILING.discard("Make b")
        resume_process(process.pk)
        assert fates(process)[1:3] == [("Both / Make b", "undone"), ("Both / Make a", "undone")]
        undo(process)
        assert NETWORK == {}

    def test_what_was_given_up_while_another_system_worked_is_taken_back(self, start: StartWorkflow) -> None:
        def stop_playbook(job: int) -> None:
            CALLS.append(f"stop job {job}")

        call = step("Call")(lambda: {"job": 7})
        flow = flow_of(callback_step("Run playbook", call, says("Read"), undo=stop_playbook), name="with_callback")
        process = start(flow)
        assert status_of(process) == "awaiting_callback"
        assert undo(process).last_status == "completed"
        assert CALLS == ["stop job 7"]

    def test_of_a_group_that_failed_all_that_may_have_run_is_taken_back(self, start: StartWorkflow) -> None:
        FAILING.add("Make b")
        process = start(flow_of(step_group("Both", makes("a") >> makes("b"))))
        assert undo(process).last_status == "completed"
        assert NETWORK == {}


class TestParts:
    def test_branches_and_items_are_taken_back_in_reverse(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")
        ends = parallel("Ends", branch("A", makes("a1") >> makes("a2")), branch("B", makes("b")))

        def forget(item: str) -> None:
            NETWORK.pop(item)
            CALLS.append(f"forget {item}")

        @step("Make item", undo=forget)
        def make_item(item: str) -> None:
            NETWORK[item] = "made"

        each = foreach("Items", lambda _: ["x", "y"], make_item)
        process = start(flow_of(makes("first"), ends, each, says("Stop", undo=nothing_to_undo)))
        assert [(one.name, one.where) for one in undo_plan(process.pk).undone] == [
            ("Make item", "y"),
            ("Make item", "x"),
            ("Make b", "B"),
            ("Make a2", "A"),
            ("Make a1", "A"),
            ("Make first", ""),
        ]
        done = undo(process)
        assert (done.last_status, NETWORK) == ("completed", {})
        assert CALLS[-6:] == [
            "forget y", "forget x", "Undo: Make b", "Undo: Make a2", "Undo: Make a1", "Undo: Make first"
        ]  # fmt: skip
        assert [name for name, _ in rows(done)][:3] == [
            "Undo: Make item (y)",
            "Undo: Make item (x)",
            "Undo: Make b (B)",
        ]
        assert GIVEN["a1"].keys() & {"a1", "a2", "b", "first"} == {"a1", "first"}

    def test_branches_of_a_process_that_waits_are_given_up_and_taken_back(self, start: StartWorkflow) -> None:
        """One has failed half way, one has ended, one was made anew after an abort."""
        FAILING.add("Make b")
        ends = parallel("Ends", branch("A", makes("a")), branch("B", parallel("Deep", makes("c"), makes("b"))))
        process = start(flow_of(ends))
        part = Process.every.get(branch_name="Make b", parent__branch_name="B")
        abort_process(part.pk)
        resume_process(Process.every.get(branch_name="B").pk)
        assert Process.every.filter(branch_name="Make b").count() == 2
        assert status_of(process) == "waiting"
        done = undo(process)
        assert (done.last_status, NETWORK) == ("completed", {})
        assert {"B / Make b", "B / Make c", "A"} == {one.where for one in undo_plan(process.pk).steps if one.where}

    def test_a_part_that_another_has_replaced_is_undone_from_the_state_of_its_parent(
        self, start: StartWorkflow
    ) -> None:
        each = foreach("Each", lambda _: ["x"], makes("a") >> inputstep("Ask", assignee="NOC")(_form))
        process = start(flow_of(makes("first"), each))
        abort_process(Process.every.get(branch_name="x").pk)
        resume_process(process.pk)
        assert Process.every.filter(branch_name="x").count() == 2
        seen = [state_given(one) for one in undo_plan(process.pk).undone if one.name == "Make a"]
        assert [(state["first"], state["item"]) for state in seen] == [("made", "x")] * 2
        assert undo(process).last_status == "completed"
        assert (GIVEN["a"]["first"], GIVEN["a"]["item"]) == ("made", "x")

    def test_parts_of_parts_are_found_whatever_the_clocks_of_their_runners(
        self, start: StartWorkflow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The runner that makes the parts of a part is behind: their ids are lower than that of their parent."""
        ids = iter(range(10_000, 0, -1))
        monkeypatch.setattr(child_maker, "uuid7", lambda: UUID(int=next(ids)))
        FAILING.add("Stop")
        deep = parallel("Deep", makes("c"), makes("b"))
        process = start(flow_of(parallel("Ends", branch("A", makes("a")), branch("B", deep)), says("Stop")))
        assert sorted(NETWORK) == ["a", "b", "c"]
        undo(process)
        assert NETWORK == {}

    def test_a_workflow_that_it_started_is_named_and_undone_on_its_own(self, start: StartWorkflow) -> None:
        WorkflowRow.objects.create(name="inner", target="SYSTEM", description="Inner")
        flow_of(makes("inner"), name="inner")
        FAILING.add("Stop")
        outer = start(flow_of(makes("outer"), sub_workflow("Run inner", "inner", [{}]), says("Stop"), name="outer"))
        inner = Process.objects.get(workflow__name="inner")
        with pytest.raises(Conflict, match="has not ended; abort that one first"):
            undo_process(inner.pk)
        (other,) = (one for one in undo_plan(outer.pk).steps if one.fate is Fate.ELSEWHERE)
        assert (other.name, other.other_id) == ("Inner", inner.pk)
        undo(outer)
        assert sorted(NETWORK) == ["inner"]
        assert undo(inner).last_status == "completed"
        assert NETWORK == {}

    def test_a_branch_alone_is_not_undone(self, start: StartWorkflow) -> None:
        FAILING.add("Make b")
        start(flow_of(parallel("Ends", makes("a"), makes("b"))))
        with pytest.raises(Conflict, match="undo that one"):
            undo_process(Process.every.get(branch_name="Make b").pk)


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


@pytest.fixture
def shop(start: StartWorkflow) -> Iterator[SimpleNamespace]:
    with isolated(empty=True):
        yield stock(declare())


@pytest.fixture
def host(shop: SimpleNamespace) -> UUID:
    """An active subscription in sync."""
    pk: UUID = make_host(shop).subscription_id
    Subscription.objects.filter(pk=pk).update(insync=True)
    return pk


class TestLock:
    def _failed(self, start: StartWorkflow, host: UUID, *more: Any) -> Process:
        def body() -> StepList:
            steps = begin >> makes("a")
            for one in more:
                steps = steps >> one
            return steps >> says("Stop", undo=nothing_to_undo)

        FAILING.add("Stop")
        flow = modify_workflow("Modify")(body)
        row = WorkflowRow.objects.create(name=flow.name, target=flow.target, description="Modify")
        Subscription.objects.get(pk=host).product.workflows.add(row)
        return start(flow, {"subscription_id": str(host)})

    @staticmethod
    def _lock(host: UUID) -> tuple[bool, UUID | None]:
        return Subscription.objects.values_list("insync", "locked_by").get(pk=host)

    def test_it_is_taken_over_and_freed_in_the_end(self, start: StartWorkflow, host: UUID) -> None:
        process = self._failed(start, host)
        FAILING.add("Undo: Make a")
        failed = undo(process)
        assert self._lock(host) == (False, process.pk)
        assert list(ProcessSubscription.objects.filter(process=failed).values_list("subscription_id", flat=True)) == [
            host
        ]
        with pytest.raises(ProcessesNotEnded):
            set_subscription_in_sync(host)
        FAILING.clear()
        resume_process(failed.pk)
        assert self._lock(host) == (True, None)

    def test_nobody_takes_the_lock_from_one_that_is_at_work(self, start: StartWorkflow, host: UUID) -> None:
        seen = []
        process = self._failed(
            start, host, step("Look", undo=lambda: seen.append(hooks.owner_is_over(process.pk)))(nothing)
        )
        undo(process)
        assert seen == [False]
        assert hooks.owner_is_over(process.pk)

    def test_nobody_takes_it_from_what_an_ended_process_has_started(self, start: StartWorkflow, host: UUID) -> None:
        """It works under the lock of its root, which waited for nobody and has completed."""
        process = self._failed(start, host)
        inner = start(flow_of(inputstep("Ask", assignee="NOC")(_form), name="inner"))
        Process.every.filter(pk=inner.pk).update(parent=process, root_id=process.pk)
        abort_process(process.pk)
        assert not hooks.owner_is_over(process.pk)
        abort_process(inner.pk)
        assert hooks.owner_is_over(process.pk)

    def test_nobody_takes_it_over_while_it_is_freed_by_hand(self, start: StartWorkflow, host: UUID) -> None:
        """The one that frees it has seen that no process needs it, and must not free it from one that comes then."""
        process = self._failed(start, host)
        abort_process(process.pk)
        other = uuid7()
        taker = Side(lambda: subscription_services.unsync_unchecked(host, root_id=other))
        with once('SELECT "workflows_process"', lambda: meet(taker)):
            set_subscription_in_sync(host)
        taker.join()
        assert taker.error is None
        assert self._lock(host) == (False, other)

    def test_it_is_kept_where_something_could_not_be_undone(self, start: StartWorkflow, host: UUID) -> None:
        process = self._failed(start, host, says("Tell the customer"))
        assert undo(process).last_status == "completed"
        assert self._lock(host) == (False, process.pk)
        set_subscription_in_sync(host)

    def test_it_is_taken_again_where_it_was_freed_by_hand(self, start: StartWorkflow, host: UUID) -> None:
        process = self._failed(start, host)
        abort_process(process.pk)
        set_subscription_in_sync(host)
        FAILING.add("Undo: Make a")
        undo(process)
        assert self._lock(host) == (False, process.pk)

    def test_another_that_holds_it_stands_in_the_way(self, start: StartWorkflow, host: UUID) -> None:
        process = self._failed(start, host)
        abort_process(process.pk)
        set_subscription_in_sync(host)
        other = start(flow_of(inputstep("Ask", assignee="NOC")(_form), name="other"))
        subscription_services.unsync(host, root_id=other.pk)
        with pytest.raises(OutOfSync, match=str(other.pk)):
            undo_process(process.pk)
        assert not Process.every.filter(kind=ProcessKind.UNDO).exists()

    def test_the_status_goes_back_to_what_it_was(self, start: StartWorkflow, host: UUID) -> None:
        process = self._failed(start, host, set_status("terminated"))  # type: ignore[arg-type]
        ended = SubscriptionModel.from_subscription(host)
        assert (ended.status, ended.end_date is None) == ("terminated", False)
        assert undo(process).last_status == "completed"
        restored = SubscriptionModel.from_subscription(host)
        assert (restored.status, restored.end_date, restored.insync) == ("active", None, True)

    def test_a_note_goes_back_to_what_it_was(self, start: StartWorkflow, host: UUID) -> None:
        Subscription.objects.filter(pk=host).update(note="Before")
        given = step("Ask for it", undo=nothing_to_undo)(lambda: {"note": "After"})
        process = self._failed(start, host, given, modify_note)
        assert Subscription.objects.get(pk=host).note == "After"
        assert undo(process).last_status == "completed"
        assert Subscription.objects.get(pk=host).note == "Before"


def _form() -> Any:
    class Page(FormPage):
        answer: int

    page = yield Page
    return page.model_dump()
