"""The same call many times at once, and again later: it is done once, and each caller is told so."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from products.models import Workflow
from tests.api.flows import rows_of, start, status_of
from tests.api.rows import make_process, make_product, make_subscription
from workflows import StepList, done, init, no_uncompleted_instance, workflow
from workflows.engine.registry import get_workflow
from workflows.forms import FormPage
from workflows.models import InputState, Process, Wait
from workflows.services import pause_engine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("flows")]

Call = Callable[[APIClient], Any]
AtOnce = Callable[[int, Call], list[Any]]


@pytest.fixture
def at_once(alice: User) -> AtOnce:
    """Make a call `n` times at once, each in a thread with a connection of its own, and return the answers."""

    def run(n: int, call: Call) -> list[Any]:
        answers: list[Any] = []
        line = threading.Barrier(n)

        def one() -> None:
            client = APIClient()
            client.force_authenticate(alice)
            try:
                line.wait(30)
                answers.append(call(client))
            finally:
                connection.close()

        threads = [threading.Thread(target=one) for _ in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(answers) == n
        return answers

    return run


def statuses(answers: list[Any]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def post(client: APIClient, name: str, pages: Any, key: str = "key-1") -> Any:
    return client.post(f"/api/processes/{name}", pages, format="json", headers={"Idempotency-Key": key})


class TestStart:
    PAGES = [{"name": "x"}, {"size": 3}]

    def test_with_one_key_at_once_is_one_process(self, at_once: AtOnce) -> None:
        answers = at_once(20, lambda client: post(client, "flow_form", self.PAGES))
        assert statuses(answers) == {201: 20}
        assert {answer.json()["id"] for answer in answers} == {str(Process.objects.get().pk)}
        assert InputState.objects.count() == 1

    def test_without_a_key_each_is_a_process(self, at_once: AtOnce) -> None:
        answers = at_once(5, lambda client: client.post("/api/processes/flow_form", self.PAGES, format="json"))
        assert len({answer.json()["id"] for answer in answers}) == Process.objects.count() == 5

    def test_what_the_first_has_brought_about_refuses_no_repetition(self, api: APIClient) -> None:
        """A client that lost the answer asks again, and by then its subscription is locked, or the engine paused."""

        @workflow("Alone", run_predicate=no_uncompleted_instance)
        def flow_alone() -> StepList:
            return init >> done

        Workflow.objects.create(name="flow_alone", target="SYSTEM", description="Alone")
        product = make_product()
        product.workflows.add(Workflow.objects.get(name="flow_modify"))
        subscription = make_subscription(product)
        pages = [{"subscription_id": str(subscription.pk)}, {}]
        started = [post(api, "flow_alone", [{}], "alone"), post(api, "flow_modify", pages, "modify")]
        Process.objects.update(last_status="failed")
        type(subscription).objects.update(insync=False)
        for pause in (lambda: None, pause_engine):
            pause()
            again = [post(api, "flow_alone", [{}], "alone"), post(api, "flow_modify", pages, "modify")]
            assert [answer.json() for answer in again] == [answer.json() for answer in started]
        assert post(api, "flow_alone", [{}], "other").status_code == 503
        assert post(api, "flow_alone", [{"more": 1}], "alone").status_code == 409
        assert Process.objects.count() == 2

    def test_whoever_may_not_start_it_learns_nothing_by_a_key(
        self, api: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert post(api, "flow_plain", [{}]).status_code == 201
        monkeypatch.setattr(get_workflow("flow_plain"), "authorize_callback", lambda _: False)
        assert post(api, "flow_plain", [{}]).status_code == 403

    @pytest.mark.parametrize("named", ["01a2191c-480e-7135-bd48-104129767f69", "nonsense", 5, None])
    def test_a_form_may_ask_for_any_subscription_under_that_name(self, api: APIClient, named: object) -> None:
        def form() -> type[FormPage]:
            class Page(FormPage):
                subscription_id: object

            return Page

        @workflow("Look up", initial_input_form=form)
        def flow_look_up() -> StepList:
            return init >> done

        Workflow.objects.create(name="flow_look_up", target="SYSTEM", description="Look up")
        process_id = start(api, "flow_look_up", [{"subscription_id": named}])
        assert not Process.objects.get(pk=process_id).subscriptions.exists()
        known = start(api, "flow_look_up", [{"subscription_id": str(make_subscription().pk)}])
        assert Process.objects.get(pk=known).subscriptions.count() == 1


def test_resuming_at_once_takes_one_input(api: APIClient, at_once: AtOnce) -> None:
    process_id = start(api, "flow_ask")
    url = f"/api/processes/{process_id}/resume"
    answers = at_once(20, lambda client: client.put(url, {"generic_select": "A"}, format="json"))
    assert statuses(answers) == {204: 1, 409: 19}
    assert InputState.objects.filter(process_id=process_id, input_type="user_input").count() == 1
    assert rows_of(process_id).count(("Ask", "success")) == 1


def test_calling_back_at_once_takes_one_report(api: APIClient, at_once: AtOnce) -> None:
    process_id = start(api, "flow_callback")
    route = api.get(f"/api/processes/{process_id}").json()["current_state"]["callback_route"]
    answers = at_once(20, lambda client: client.post(route, {"n": threading.get_ident()}, format="json"))
    assert statuses(answers) == {200: 1, 409: 19}
    assert Wait.objects.filter(process_id=process_id, state="arrived").count() == 1
    assert status_of(process_id) == "completed"


@pytest.mark.parametrize("flow", ["flow_ask", "flow_callback"])
def test_of_aborts_and_resumes_at_once_one_wins(api: APIClient, at_once: AtOnce, flow: str) -> None:
    process_id = start(api, flow)
    turns = iter([True, False] * 5)

    def call(client: APIClient) -> Any:
        if next(turns):
            return client.put(f"/api/processes/{process_id}/abort")
        return client.put(f"/api/processes/{process_id}/resume", {"generic_select": "A"}, format="json")

    answers = at_once(10, call)
    assert statuses(answers).keys() == {204, 409}
    assert status_of(process_id) in {"aborted", "completed", "failed"}
    assert rows_of(process_id).count(("User Aborted", "abort")) <= 1


def test_deleting_at_once_is_one_deletion(alice: User, at_once: AtOnce) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    alice.refresh_from_db()
    task = make_process(is_task=True, last_status="failed")
    answers = at_once(10, lambda client: client.delete(f"/api/processes/{task.pk}"))
    assert statuses(answers) == {204: 1, 404: 9}
