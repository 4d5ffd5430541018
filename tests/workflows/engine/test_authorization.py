"""Which callback is in force where, and that it is asked before anything is written."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import User

from products import registry
from wfo_site.common.errors import Conflict, Forbidden
from workflows import (
    AuthAction,
    AuthContext,
    State,
    Step,
    StepList,
    begin,
    callback_step,
    done,
    init,
    inputstep,
    retrystep,
    step,
    step_group,
    task,
    workflow,
)
from workflows.engine.authorization import THE_SYSTEM, Policy, allows, asks_nobody, policy_at
from workflows.engine.errors import WorkflowRemoved
from workflows.engine.registry import Workflow
from workflows.engine.tree import Program
from workflows.forms import FormGenerator, FormPage
from workflows.models import InputState, Process
from workflows.selectors import process_detail, process_permissions
from workflows.services import abort_process, resume_process, start_process

from .conftest import StartWorkflow

database = pytest.mark.django_db(transaction=True)


def A(context: AuthContext) -> bool:
    return True


def B(context: AuthContext) -> bool:
    return True


def C(context: AuthContext) -> bool:
    return True


def D(context: AuthContext) -> bool:
    return True


async def deny(context: AuthContext) -> bool:
    return False


async def allow(context: AuthContext) -> bool:
    return True


def only_bob(context: AuthContext) -> bool:
    return context.user is not None and context.user.get_username() == "bob"


@pytest.fixture
def alice(db: None) -> User:
    return User(username="alice")


@pytest.fixture
def bob(db: None) -> User:
    return User(username="bob")


def ask(**callbacks: Any) -> Step:
    @inputstep("Ask", assignee="NOC", **callbacks)
    def ask_name() -> FormGenerator:
        class Name(FormPage):
            name: str

        page = yield Name
        return page.model_dump()

    return ask_name


@step("Fail")
def fail() -> State:
    raise ValueError("no")


def made_of(steps: StepList, **callbacks: Any) -> Workflow:
    with registry.isolated(empty=True):

        @workflow("Made for a test", **callbacks)
        def made() -> StepList:
            return steps

    return made


# Workflow authorize A, its retry B, resume C of the step, its retry D: who rules resume and retry in the end.
TRUTH = {
    "": (None, None),
    "A": (A, A),
    "B": (None, B),
    "AB": (A, B),
    "C": (C, C),
    "AC": (C, C),
    "BC": (C, C),
    "ABC": (C, C),
    "D": (None, D),
    "AD": (A, D),
    "BD": (None, D),
    "ABD": (A, D),
    "CD": (C, D),
    "ACD": (C, D),
    "BCD": (C, D),
    "ABCD": (C, D),
}


class TestPolicy:
    @pytest.mark.parametrize("given", TRUTH)
    def test_the_step_goes_before_the_workflow_and_retry_follows_resume(self, given: str) -> None:
        """Conformance 32."""
        a, b, c, d = (callback if callback.__name__ in given else None for callback in (A, B, C, D))
        made = made_of(
            init >> ask(resume_auth_callback=c, retry_auth_callback=d) >> done,
            authorize_callback=a,
            retry_auth_callback=b,
        )
        assert policy_at(Program.of(made), 1) == Policy(*TRUTH[given])
        assert asks_nobody(made) is (given == "")

    def test_all_combinations_are_in_the_table(self) -> None:
        combinations = {
            "".join(x for x, on in zip("ABCD", some, strict=True) if on) for some in product([0, 1], repeat=4)
        }
        assert combinations == TRUTH.keys()

    def test_past_steps_count_and_later_ones_do_not(self) -> None:
        """Conformance 40."""
        steps = (
            init >> ask(resume_auth_callback=A) >> fail >> ask(resume_auth_callback=B, retry_auth_callback=C) >> done
        )
        made = made_of(steps)
        assert [policy_at(Program.of(made), index) for index in range(6)] == [
            Policy(None, None),
            Policy(A, A),
            Policy(A, A),
            Policy(B, C),
            Policy(B, C),
            Policy(B, C),
        ]

    def test_in_a_group_the_step_it_stands_at_rules(self) -> None:
        second = ask(resume_auth_callback=B)
        second.name = "Ask again"
        made = made_of(init >> step_group("Group", begin >> ask(resume_auth_callback=A) >> second) >> done)
        assert policy_at(Program.of(made), 1, "Ask").resume is A
        assert policy_at(Program.of(made), 1, "Ask again").resume is B
        assert policy_at(Program.of(made), 2).resume is B
        # A failed group begins anew.
        assert policy_at(Program.of(made), 1) == Policy(A, A)

    def test_the_retry_callback_of_a_group_is_for_all_of_it(self) -> None:
        group = step_group("Group", begin >> ask(resume_auth_callback=A, retry_auth_callback=B), retry_auth_callback=D)
        made = made_of(init >> group >> done)
        assert policy_at(Program.of(made), 1, "Ask") == Policy(A, D)


class TestAllows:
    @pytest.mark.parametrize("callback", [lambda _: True, allow, None])
    def test_yes(self, callback: Any, alice: User) -> None:
        assert allows(callback, alice, AuthAction.START, made_of(init >> done)) is True

    @pytest.mark.parametrize("callback", [lambda _: False, deny])
    def test_no_but_for_the_system(self, callback: Any, alice: User) -> None:
        made = made_of(init >> done)
        assert allows(callback, alice, AuthAction.START, made) is False
        assert allows(callback, None, AuthAction.START, made) is False
        assert allows(callback, THE_SYSTEM, AuthAction.START, made) is True

    def test_an_error_is_no_permission(self, alice: User) -> None:
        def broken(context: AuthContext) -> bool:
            raise ConnectionError("policy agent")

        with pytest.raises(ConnectionError):
            allows(broken, alice, AuthAction.START, made_of(init >> done))

    def test_the_callback_is_told_who_wants_what(self, alice: User) -> None:
        asked: list[AuthContext] = []

        async def note(context: AuthContext) -> bool:
            asked.append(context)
            return True

        made = made_of(init >> done)
        allows(note, alice, AuthAction.RETRY, made, init)
        assert asked == [AuthContext(alice, AuthAction.RETRY, made, init)]
        assert str(asked[0].action) == "retry_workflow"


@database
class TestStart:
    def test_who_is_denied_starts_nothing(self, start: StartWorkflow, alice: User) -> None:
        """Conformance 30."""

        @workflow("For bob", authorize_callback=only_bob)
        def for_bob() -> StepList:
            return init >> done

        with pytest.raises(Forbidden, match="User is not authorized to start 'for_bob' workflow"):
            start(for_bob)
        with pytest.raises(Forbidden):
            start_process("for_bob", user="bob", user_model=alice)
        assert not Process.every.exists()
        assert not InputState.objects.exists()

    def test_who_is_allowed_starts_and_so_does_the_system(self, start: StartWorkflow, bob: User) -> None:
        @workflow("For bob", authorize_callback=only_bob)
        def for_bob() -> StepList:
            return init >> done

        with pytest.raises(Forbidden):
            start(for_bob)
        for asker in (bob, THE_SYSTEM):
            process_id = start_process("for_bob", user="bob", user_model=asker)
            assert Process.every.get(pk=process_id).last_status == "completed"

    def test_a_step_starts_for_its_workflow(self, start: StartWorkflow) -> None:
        @workflow("For bob", authorize_callback=only_bob)
        def for_bob() -> StepList:
            return init >> done

        with pytest.raises(Forbidden):
            start(for_bob)

        @step("Start another", atomic=True)
        def start_another() -> State:
            return {"other": start_process("for_bob")}

        @workflow("Parent")
        def parent() -> StepList:
            return init >> start_another >> done

        assert start(parent).last_status == "completed"
        assert Process.every.count() == 2


@database
class TestResume:
    def test_input_is_taken_only_from_who_may_give_it(self, start: StartWorkflow, alice: User, bob: User) -> None:
        """Conformance 31."""

        @workflow("Ask bob")
        def ask_bob() -> StepList:
            return init >> ask(resume_auth_callback=only_bob) >> done

        process = start(ask_bob)
        for asker in (alice, None):
            with pytest.raises(Forbidden, match=r"^User is not authorized to resume step$"):
                resume_process(process.pk, [{"name": "x"}], user_model=asker)
        assert not process_permissions(process.pk, alice).resume
        assert process_permissions(process.pk, bob).resume
        resume_process(process.pk, [{"name": "x"}], user_model=bob)
        process.refresh_from_db()
        assert process.last_status == "completed"

    @pytest.mark.parametrize("kind", ["step", "retrystep", "group"])
    def test_a_retry_is_refused_to_who_may_not(self, kind: str, start: StartWorkflow, alice: User, bob: User) -> None:
        """Conformance 31, 34."""
        fails = [True]

        def body() -> None:
            if fails.pop():
                raise ValueError("no")

        made = {
            "step": step("Fragile", retry_auth_callback=only_bob)(body),
            "retrystep": retrystep("Fragile", retry_auth_callback=only_bob)(body),
            "group": step_group("Fragile", step("Inner")(body), retry_auth_callback=only_bob),
        }[kind]

        @workflow("Fragile")
        def fragile() -> StepList:
            return init >> made >> done

        process = start(fragile)
        assert process.last_status == ("waiting" if kind == "retrystep" else "failed")
        with pytest.raises(Forbidden, match=r"^User is not authorized to retry step$"):
            resume_process(process.pk, user_model=alice)
        fails.append(False)
        resume_process(process.pk, user_model=bob)
        process.refresh_from_db()
        assert process.last_status == "completed"

    @pytest.mark.parametrize("status", ["failed", "waiting", "api_unavailable", "inconsistent_data"])
    def test_every_status_of_failure_asks(self, status: str, start: StartWorkflow, alice: User) -> None:
        @task("Fail", retry_auth_callback=deny)
        def fail_task() -> Any:
            return fail

        process = start(fail_task)
        Process.every.filter(pk=process.pk).update(last_status=status)
        with pytest.raises(Forbidden, match="retry"):
            resume_process(process.pk, user_model=alice)

    def test_what_cannot_be_resumed_is_a_conflict_whoever_asks(self, start: StartWorkflow, alice: User) -> None:
        @workflow("Over", authorize_callback=only_bob)
        def over() -> StepList:
            return init >> ask() >> done

        with pytest.raises(Forbidden):
            start(over)
        process_id = start_process("over", user_model=THE_SYSTEM)
        with pytest.raises(Forbidden):
            resume_process(process_id, user_model=alice)
        abort_process(process_id)
        with pytest.raises(Conflict):
            resume_process(process_id, user_model=alice)

    def test_a_workflow_that_is_gone_cannot_be_resumed(self, start: StartWorkflow) -> None:
        """Conformance 90."""

        @workflow("Gone")
        def gone() -> StepList:
            return init >> ask() >> done

        process = start(gone)
        with (
            registry.isolated(empty=True),
            pytest.raises(WorkflowRemoved, match="cannot be resumed because it has been"),
        ):
            resume_process(process.pk, [{"name": "x"}])
        with registry.isolated(empty=True):
            assert not process_permissions(process.pk, THE_SYSTEM).resume
        assert issubclass(WorkflowRemoved, ValueError)

    def test_addresses_of_callbacks_are_for_who_may_resume(self, start: StartWorkflow, alice: User, bob: User) -> None:
        @step("Nothing")
        def nothing() -> None: ...

        @workflow("Deliver", retry_auth_callback=only_bob, authorize_callback=only_bob)
        def deliver() -> StepList:
            return init >> callback_step("Deliver", nothing, nothing) >> done

        with pytest.raises(Forbidden):
            start(deliver)
        process_id = start_process("deliver", user_model=bob)
        with pytest.raises(Forbidden):
            resume_process(process_id, user_model=alice)
        for person, sees in ((alice, False), (bob, True)):
            detail = process_detail(process_id, may_resume=process_permissions(process_id, person).resume)
            assert ("/callback/" in detail["current_state"]["callback_route"]) is sees
