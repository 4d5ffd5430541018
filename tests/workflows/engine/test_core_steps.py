"""The steps that the framework brings, and the steps that each kind of workflow puts around its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from products.models import Product
from products.models import Workflow as WorkflowRow
from subscriptions.domain import SubscriptionModel, isolated
from subscriptions.models import Subscription, SubscriptionRevision
from tests.subscriptions.conftest import declare, make_circuit, make_host, stock
from wfo_site.common.errors import NotFound
from workflows import (
    State,
    Step,
    StepList,
    Target,
    begin,
    branch,
    create_workflow,
    done,
    ensure_provisioning_status,
    foreach,
    init,
    inputstep,
    modify_workflow,
    obsolete_step,
    parallel,
    reconcile_workflow,
    resync,
    set_status,
    step,
    store_process_subscription,
    sub_workflow,
    task,
    terminate_workflow,
    unsync,
    unsync_unchecked,
    validate_workflow,
    workflow,
)
from workflows.engine import store
from workflows.engine.registry import Workflow, get_workflow
from workflows.forms import FormGenerator, FormNotCompleteError, FormPage, FormValidationError
from workflows.models import Process, ProcessStep
from workflows.selectors import process_detail
from workflows.services import abort_process, resume_process, start_process
from workflows.states import ENDED

from .conftest import StartWorkflow, rows

database = pytest.mark.django_db(transaction=True)
StartOn = Callable[..., Process]


@step("Body")
def body() -> None: ...


@step("More")
def more() -> None: ...


@step("Fail")
def fail() -> None:
    raise ValueError("no")


def only_body() -> StepList:
    return begin >> body


@pytest.fixture
def shop(start: StartWorkflow) -> Iterator[SimpleNamespace]:
    """Models and products of the test's own; within them it decorates its workflows."""
    with isolated(empty=True):
        yield stock(declare())


@pytest.fixture
def start_on(shop: SimpleNamespace, start: StartWorkflow) -> StartOn:
    """Start a workflow on a subscription, whatever its products were said to be."""

    def start_on(made: Workflow, subscription_id: UUID, *pages: State) -> Process:
        offer(made)
        return start(made, {"subscription_id": str(subscription_id)}, *pages)

    return start_on


def offer(made: Workflow) -> None:
    """Put a workflow into the catalogue, for every product."""
    row = WorkflowRow.objects.get_or_create(
        name=made.name,
        defaults={"target": made.target, "description": made.name, "is_task": made.is_task},
    )[0]
    for product in Product.objects.all():
        product.workflows.add(row)


@pytest.fixture
def host(shop: SimpleNamespace) -> UUID:
    """An active subscription in sync."""
    pk: UUID = make_host(shop).subscription_id
    Subscription.objects.filter(pk=pk).update(insync=True, description="As it was")
    return pk


def lock_of(pk: UUID) -> tuple[bool, UUID | None]:
    return Subscription.objects.values_list("insync", "locked_by").get(pk=pk)


def names(made: Workflow) -> list[str]:
    return [item.name for item in made.steps]


LINK, LOCK, UNLOCK = "Create Process Subscription relation", "Lock subscription", "Unlock subscription"


class TestDecorators:
    @pytest.fixture(autouse=True)
    def in_a_registry_of_its_own(self) -> Iterator[None]:
        with isolated(empty=True):
            yield

    @pytest.mark.parametrize(
        ("decorator", "target", "is_task", "wanted"),
        [
            (create_workflow, Target.CREATE, False, ["Set subscription to 'active'", UNLOCK]),
            (modify_workflow, Target.MODIFY, False, [LINK, LOCK, ..., UNLOCK]),
            (
                terminate_workflow,
                Target.TERMINATE,
                False,
                [LINK, LOCK, ..., "Set subscription to 'terminated'", UNLOCK],
            ),
            (reconcile_workflow, Target.RECONCILE, False, [LINK, LOCK, ..., UNLOCK]),
            (task, Target.SYSTEM, True, []),
        ],
    )
    def test_what_each_puts_around_its_own_steps(
        self, decorator: Any, target: Target, is_task: bool, wanted: list[Any]
    ) -> None:
        """Conformance 65."""
        made = decorator("Made", additional_steps=begin >> more)(only_body)
        at = wanted.index(...) if ... in wanted else 0
        rest = [name for name in wanted if name is not ...]
        assert names(made) == ["Start", *rest[:at], "Body", "More", *rest[at:], "Done"]
        assert (made.target, made.is_task, made.name) == (target, is_task, "only_body")

    def test_a_validation_takes_the_lock_also_from_nobody(self) -> None:
        made = validate_workflow("Made")(only_body)
        assert names(made) == ["Start", LINK, LOCK, "Body", UNLOCK, "Done"]
        assert made.is_task

    @pytest.mark.parametrize(
        ("decorator", "lock"),
        [
            (modify_workflow, unsync),
            (terminate_workflow, unsync),
            (validate_workflow, unsync_unchecked),
            (reconcile_workflow, unsync_unchecked),
        ],
    )
    def test_only_what_compares_or_repairs_takes_the_lock_also_from_nobody(self, decorator: Any, lock: Step) -> None:
        """Conformance 65."""
        assert decorator("Made")(only_body).steps[2] is lock

    def test_a_workflow_is_exactly_what_its_function_returns(self) -> None:
        assert names(workflow("Made")(lambda_of(init >> body >> done))) == ["Start", "Body", "Done"]

    def test_the_last_status_of_a_creation_can_be_chosen(self) -> None:
        made = create_workflow("Made", status="provisioning")(only_body)  # type: ignore[arg-type]
        assert "Set subscription to 'provisioning'" in names(made)

    @pytest.mark.parametrize(
        "decorator",
        [workflow, task, create_workflow, modify_workflow, terminate_workflow, validate_workflow, reconcile_workflow],
    )
    def test_what_cannot_be_decorated(self, decorator: Any) -> None:
        """Conformance 65."""
        with pytest.raises(ValueError, match="takes a function that returns steps"):
            decorator("Made")("no function")
        made = decorator("Made")(only_body)
        with pytest.raises(ValueError, match="takes a function that returns steps"):
            decorator("Made again")(made)

        def takes_something(it: int) -> StepList:
            return begin

        with pytest.raises(ValueError, match="takes arguments"):
            decorator("Made")(takes_something)

        def returns_no_steps() -> Any:
            return [1]

        with pytest.raises(ValueError, match="Expected @step decorated function"):
            decorator("Made")(returns_no_steps)

    @pytest.mark.parametrize("description", ["", "Something"])
    def test_a_description_may_be_left_out_and_is_the_first_line_of_the_docstring(self, description: str) -> None:
        """Conformance 66, where a given one is no longer discouraged: it is the default of the catalogue's."""

        def made() -> StepList:
            """Deliver a port.

            In two steps.
            """
            return begin

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert task(description)(made).description == (description or "Deliver a port.")

    def test_a_workflow_is_found_by_name_and_never_called(self) -> None:
        """Conformance 69."""
        made = task("Made")(only_body)
        assert get_workflow("only_body") is made
        assert get_workflow("unknown") is None
        with pytest.raises(TypeError, match="is not called"):
            made()

    def test_the_link_needs_no_target_any_more(self) -> None:
        """Conformance 63."""
        with pytest.warns(DeprecationWarning, match="workflow_target"):
            assert store_process_subscription("MODIFY").name == LINK


def lambda_of(steps: StepList) -> Callable[[], StepList]:
    def made() -> StepList:
        return steps

    return made


@database
class TestLocks:
    def test_the_lock_is_held_by_the_process_and_the_old_state_kept(self, start_on: StartOn, host: UUID) -> None:
        """Conformance 60."""

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> body >> fail

        process = start_on(modify, host)
        assert process.last_status == "failed"
        assert lock_of(host) == (False, process.pk)
        state = process_detail(process.pk)["current_state"]
        old = state["__old_subscriptions__"][str(host)]
        assert (old["insync"], old["description"]) == (True, "As it was")
        assert state["subscription"]["insync"] is False
        assert list(process.subscriptions.values_list("pk", flat=True)) == [host]

    def test_the_lock_is_given_back_at_the_end(self, start_on: StartOn, host: UUID) -> None:
        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> body

        process = start_on(modify, host)
        assert rows(process) == [
            ("Start", "success"),
            (LINK, "success"),
            (LOCK, "success"),
            ("Body", "success"),
            (UNLOCK, "success"),
            ("Done", "complete"),
        ]
        assert lock_of(host) == (True, None)

    def test_a_second_lock_is_refused_naming_the_owner(
        self, start_on: StartOn, start: StartWorkflow, host: UUID
    ) -> None:
        """Conformance 61."""

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> fail

        first = start_on(modify, host)

        @step("Choose")
        def choose() -> State:
            return {"subscription_id": host}

        @workflow("Lock anyway")
        def lock_anyway() -> StepList:
            return init >> choose >> unsync >> done

        second = start(lock_anyway)
        assert second.last_status == "failed"
        assert "Subscription is already out of sync, cannot continue!" in (second.failed_reason or "")
        assert str(first.pk) in (second.failed_reason or "")
        assert lock_of(host) == (False, first.pk)

    def test_a_start_on_what_is_locked_is_refused_on_its_form(self, start_on: StartOn, host: UUID) -> None:
        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> fail

        start_on(modify, host)
        with pytest.raises(FormValidationError, match="already has a running process"):
            start_on(modify, host)

    @pytest.mark.parametrize("is_held_by_another", [False, True])
    def test_a_part_may_work_on_what_is_related_to_what_its_root_holds(
        self, start_on: StartOn, shop: SimpleNamespace, host: UUID, is_held_by_another: bool
    ) -> None:
        """PAR-06. What another root holds stands in the way, as ever."""
        used = SubscriptionModel.from_subscription(host)
        circuit, other = (make_circuit(shop, [used, make_host(shop)]).subscription_id for _ in range(2))
        Subscription.objects.update(insync=True)

        @modify_workflow("Modify host")
        def modify_host() -> StepList:
            return begin >> body

        @modify_workflow("Modify circuit")
        def modify_circuit() -> StepList:
            return begin >> sub_workflow("Modify its host", "modify_host", [{"subscription_id": str(host)}])

        offer(modify_host)
        if is_held_by_another:
            Subscription.objects.filter(pk=other).update(insync=False, locked_by=uuid4())
        process = start_on(modify_circuit, circuit)
        process.refresh_from_db()
        if is_held_by_another:
            assert process.last_status == "failed"
            assert "some related subscriptions are not insync" in (process.failed_reason or "")
        else:
            assert process.last_status == "completed"
            assert Process.objects.get(parent=process).last_status == "completed"
            assert lock_of(host) == lock_of(circuit) == (True, None)

    @pytest.mark.parametrize("is_in_a_branch", [False, True])
    def test_what_is_started_on_the_same_subscription_leaves_the_lock_to_who_has_it(
        self, start_on: StartOn, host: UUID, is_in_a_branch: bool
    ) -> None:
        """PAR-06. A part that ends must not let others in while its parent works on."""
        seen = []

        @validate_workflow("Validate")
        def validate() -> StepList:
            return begin >> body

        @step("Look")
        def look() -> None:
            seen.append(lock_of(host))

        validated = sub_workflow("Validate", "validate", [{"subscription_id": str(host)}])

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> (parallel("Both", validated, body) if is_in_a_branch else validated) >> look

        offer(validate)
        process = start_on(modify, host)
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert Process.objects.get(workflow__name="validate").last_status == "completed"
        assert seen == [(False, process.pk)]
        assert lock_of(host) == (True, None)

    def test_a_validation_takes_the_lock_of_what_failed(self, start_on: StartOn, host: UUID) -> None:
        """Conformance 62."""

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> fail

        @validate_workflow("Validate")
        def validate() -> StepList:
            return begin >> body

        first = start_on(modify, host)
        assert lock_of(host) == (False, first.pk)
        assert start_on(validate, host).last_status == "completed"
        assert lock_of(host) == (True, None)

    def test_a_validation_does_not_take_the_lock_of_what_was_set_going_and_left_alone(
        self, start_on: StartOn, start: StartWorkflow, host: UUID
    ) -> None:
        """The lock names the root, which has ended: what it has started has not."""

        @modify_workflow("Ask first")
        def asks() -> StepList:
            return begin >> inputstep("Ask", assignee="NOC")(lambda: FormPage)

        @workflow("Set going")
        def set_going() -> StepList:
            pages = [{"subscription_id": str(host)}]
            return init >> sub_workflow("Start", "asks", pages, wait=False) >> done

        @validate_workflow("Validate")
        def validate() -> StepList:
            return begin >> body

        offer(asks)
        root = start(set_going)
        root.refresh_from_db()
        child = Process.objects.get(parent=root)
        assert (root.last_status, child.last_status, lock_of(host)) == ("completed", "suspended", (False, root.pk))
        refused = start_on(validate, host)
        assert (refused.last_status, refused.last_step) == ("failed", LOCK)
        assert lock_of(host) == (False, root.pk)
        abort_process(child.pk)
        assert start_on(validate, host).last_status == "completed"
        assert lock_of(host) == (True, None)

    def test_only_what_the_own_process_holds_is_freed(
        self, start_on: StartOn, start: StartWorkflow, host: UUID
    ) -> None:
        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> fail

        first = start_on(modify, host)

        @step("Choose")
        def choose() -> State:
            return {"subscription": {"subscription_id": host}}

        @workflow("Unlock anyway")
        def unlock_anyway() -> StepList:
            return init >> choose >> resync >> done

        second = start(unlock_anyway)
        assert second.last_status == "failed"
        assert "locked by" in (second.failed_reason or "")
        assert lock_of(host) == (False, first.pk)
        abort_process(first.pk)
        assert lock_of(host) == (False, first.pk), "an abort keeps the lock"

    def test_the_first_copy_of_a_subscription_stays(self, start_on: StartOn, host: UUID) -> None:
        """Conformance 61."""

        @step("Rename")
        def rename(subscription: SubscriptionModel) -> State:
            subscription.description = "Renamed"
            return {"subscription": subscription}

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> rename >> unsync

        process = start_on(modify, host)
        assert process.last_status == "completed"
        state = process_detail(process.pk)["current_state"]
        assert state["__old_subscriptions__"][str(host)]["description"] == "As it was"
        assert Subscription.objects.get(pk=host).description == "Renamed"

    def test_what_no_longer_fits_its_model_can_still_be_locked(self, start_on: StartOn, host: UUID) -> None:
        """Conformance 61."""
        Subscription.objects.get(pk=host).instances.update(values={})

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin >> fail

        process = start_on(modify, host)
        assert process.failed_reason == "no"
        state = process_detail(process.pk)["current_state"]
        assert state["__old_subscriptions__"][str(host)]["description"] == "As it was"


@database
class TestStatus:
    def test_it_is_set_and_checked(self, start_on: StartOn, host: UUID) -> None:
        seen: list[str] = []

        @step("Look")
        def look(subscription: SubscriptionModel) -> None:
            seen.append(subscription.status.value)

        @terminate_workflow("Terminate")
        def terminate() -> StepList:
            return begin >> look

        assert start_on(terminate, host).last_status == "completed"
        assert seen == ["active"]
        stored = Subscription.objects.get(pk=host)
        assert (stored.status, stored.insync) == ("terminated", True)

    def test_it_is_provisioning_meanwhile(self, start_on: StartOn, host: UUID) -> None:
        """Conformance 67."""
        seen: list[str] = []

        @step("Look")
        def look(subscription: SubscriptionModel) -> None:
            seen.append(Subscription.objects.get(pk=subscription.subscription_id).status)

        @modify_workflow("Modify")
        def modify() -> StepList:
            return ensure_provisioning_status(look)

        process = start_on(modify, host)
        assert process.last_status == "completed"
        assert seen == ["provisioning"]
        assert Subscription.objects.get(pk=host).status == "active"

    def test_an_unknown_one_is_refused_where_it_is_written(self) -> None:
        with pytest.raises(ValueError, match="no status"):
            set_status("no status")


@database
def test_an_obsolete_step_does_nothing(start: StartWorkflow) -> None:
    """Conformance 68."""

    @workflow("Shorter")
    def shorter() -> StepList:
        return init >> obsolete_step >> done

    process = start(shorter)
    assert rows(process)[1] == ("Obsolete step", "success")
    assert process_detail(process.pk)["steps"][1]["state_delta"] == {}


@database
def test_a_step_never_sees_a_live_model(start_on: StartOn, host: UUID) -> None:
    """Conformance 86."""
    seen: list[object] = []

    @step("Return a model")
    def give() -> State:
        model = SubscriptionModel.from_subscription(host)
        return {"model": model, "models": [model], "by_name": {"a": model}}

    @step("Look")
    def look(state: State) -> None:
        seen.extend([state["model"], *state["models"], state["by_name"]["a"]])

    @modify_workflow("Modify")
    def modify() -> StepList:
        return begin >> give >> look

    assert start_on(modify, host).last_status == "completed"
    assert len(seen) == 3
    assert all(type(one) is dict and one["subscription_id"] == str(host) for one in seen)


@database
class TestLinks:
    def test_what_a_branch_works_on_its_process_works_on(
        self, start: StartWorkflow, shop: SimpleNamespace, host: UUID
    ) -> None:
        """Branches are in no list: without this, nobody would find who has changed a subscription."""

        @step("Choose")
        def choose() -> State:
            return {"subscription_id": host}

        @step("Rename")
        def rename(item: str) -> State:
            subscription = SubscriptionModel.from_subscription(item)
            subscription.description = "Renamed"
            return {"subscription": subscription}

        renamed = [str(make_host(shop, name).subscription_id) for name in ("bravo", "charlie")]
        within = parallel("Within", branch("Link", begin >> choose >> store_process_subscription()))

        @workflow("Rename all")
        def rename_all() -> StepList:
            return init >> foreach("Rename each", lambda _: renamed, rename) >> parallel("Link", within) >> done

        process = start(rename_all)
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert {str(pk) for pk in process.subscriptions.values_list("pk", flat=True)} == {*renamed, str(host)}
        for part in Process.every.filter(root_id=process.pk, branch_name__in=renamed):
            assert [str(pk) for pk in part.subscriptions.values_list("pk", flat=True)] == [part.branch_name]


@database
class TestStart:
    def test_nothing_given_is_one_empty_page_and_an_empty_list_is_none(self, start: StartWorkflow) -> None:
        """Conformance 91."""

        @workflow("Plain")
        def plain() -> StepList:
            return init >> done

        assert start(plain).last_status == "completed"
        with pytest.raises(FormNotCompleteError):
            start_process("plain", [])
        assert start_process("plain", None)
        assert start_process("plain", [{}])

    def test_the_page_of_the_subscription_is_enough_where_there_is_no_form(self, start_on: StartOn, host: UUID) -> None:
        @validate_workflow("Validate")
        def validate() -> StepList:
            return begin

        assert start_on(validate, host).last_status == "completed"
        with pytest.raises(FormNotCompleteError):
            start_process("validate", [])
        assert start_process("validate", [{"subscription_id": str(host)}, {}])

    @pytest.mark.parametrize("is_asked_first", [True, False])
    def test_a_subscription_that_a_form_returns_is_saved(
        self, start_on: StartOn, host: UUID, is_asked_first: bool
    ) -> None:
        def form(subscription_id: UUID) -> FormGenerator:
            class Rename(FormPage):
                name: str

            page = yield Rename
            subscription = SubscriptionModel.from_subscription(subscription_id)
            subscription.description = page.name
            return {"renamed": [subscription]}

        @modify_workflow("Rename", initial_input_form=form if is_asked_first else None)
        def rename() -> StepList:
            return begin >> (body if is_asked_first else inputstep("Rename", assignee="NOC")(form))

        if is_asked_first:
            with pytest.raises(FormNotCompleteError):
                start_on(rename, host)
            process = start_on(rename, host, {"name": "As it is"})
        else:
            process = start_on(rename, host)
            assert Subscription.objects.get(pk=host).description == "As it was"
            resume_process(process.pk, [{"name": "As it is"}], user="bob")
            process.refresh_from_db()
        assert process.last_status == "completed"
        assert Subscription.objects.get(pk=host).description == "As it is"
        revision = SubscriptionRevision.objects.filter(subscription_id=host).latest("number")
        assert (revision.process_id, revision.created_by) == (process.pk, "alice" if is_asked_first else "bob")

    def test_a_workflow_is_linked_with_its_subscription_before_it_runs_and_a_task_is_not(
        self, start_on: StartOn, host: UUID, settings: Any
    ) -> None:
        """Conformance 80, as of 5.5."""
        # Bells reach nobody.
        settings.EXECUTOR = "threadpool"

        @modify_workflow("Modify")
        def modify() -> StepList:
            return begin

        @validate_workflow("Validate")
        def validate() -> StepList:
            return begin

        for made, linked in ((modify, [host]), (validate, [])):
            process = start_on(made, host)
            assert process.last_status == "created"
            assert list(process.subscriptions.values_list("pk", flat=True)) == linked

    def test_a_form_that_is_not_passed_leaves_no_process(self, start: StartWorkflow) -> None:
        """Conformance 90."""

        def form() -> type[FormPage]:
            class Ask(FormPage):
                speed: int

            return Ask

        @workflow("Asks", initial_input_form=form)
        def asks() -> StepList:
            return init >> done

        with pytest.raises(FormValidationError):
            start(asks)
        with pytest.raises(FormNotCompleteError):
            start_process("asks", [])
        with pytest.raises(FormValidationError):
            start_process("asks", [{"speed": "fast"}])
        assert not Process.every.exists()

    @pytest.mark.usefixtures("own_registry")
    def test_what_is_not_in_code_does_not_start(self) -> None:
        """Conformance 90."""
        WorkflowRow.objects.create(name="removed_workflow", target="SYSTEM", description="Removed")
        with pytest.raises(NotFound, match="Workflow does not exist"):
            start_process("removed_workflow")
        assert not Process.every.exists()


@database
class TestWritesThatFail:
    """Conformance 49, 85."""

    @pytest.fixture
    def broken_writes(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The names of steps whose next write fails, taken off one by one."""
        broken: list[str] = []
        write = store.write_step

        def write_step(claim: Any, row: Any, *args: Any, **kwargs: Any) -> bool:
            if broken and row.name == broken[-1]:
                broken.pop()
                raise RuntimeError("The row could not be written")
            return write(claim, row, *args, **kwargs)

        monkeypatch.setattr(store, "write_step", write_step)
        return broken

    def test_the_first_is_the_failure_of_the_step(self, start: StartWorkflow, broken_writes: list[str]) -> None:
        @workflow("Unlucky")
        def unlucky() -> StepList:
            return init >> body >> done

        broken_writes.append("Body")
        process = start(unlucky)
        assert (process.last_status, process.last_step) == ("failed", "Body")
        assert process.failed_reason == "The row could not be written"
        assert rows(process) == [("Start", "success"), ("Body", "failed")]

    def test_after_a_second_the_process_itself_says_so(self, start: StartWorkflow, broken_writes: list[str]) -> None:
        @workflow("Unlucky")
        def unlucky() -> StepList:
            return init >> body >> done

        broken_writes.extend(["Body", "Body"])
        process = start(unlucky)
        assert (process.last_status, process.last_step) == ("failed", "Unknown")
        assert process.failed_reason == "The row could not be written"
        assert "RuntimeError" in (process.traceback or "")
        assert rows(process) == [("Start", "success")]
        assert process.last_status not in ENDED
        assert not ProcessStep.objects.filter(status="failed").exists()
