"""All tasks that failed are tried again by one call, one call at a time."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.api.rows import make_process, make_workflow
from workflows.models import EngineSettings, Process
from workflows.services import leases, resume_all
from workflows.services.resume import let_go_on

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("flows")]

URL = "/api/processes/resume-all"
STATUSES = [
    *("failed", "waiting", "api_unavailable", "inconsistent_data"),
    *("suspended", "running", "completed", "created", "resumed"),
]


@pytest.fixture
def tasks(flows: None) -> None:
    """A task and a process in each status, of workflows in code; four of them are to be resumed."""
    for status in STATUSES:
        make_process(workflow=make_workflow("flow_task"), is_task=True, last_status=status)
        make_process(workflow=make_workflow("flow_plain"), last_status=status)


def resumed() -> int:
    return Process.objects.filter(input_states__input_type="user_input").count()


@pytest.mark.usefixtures("tasks")
def test_only_failed_and_waiting_tasks_are_resumed(api: APIClient) -> None:
    """Conformance 24, 93."""
    response = api.put(URL)
    assert (response.status_code, response.json()) == (200, {"count": 4})
    assert resumed() == 4
    assert not Process.objects.filter(input_states__input_type="user_input", is_task=False).exists()
    assert set(Process.objects.filter(is_task=False).values_list("last_status", flat=True)) == set(STATUSES)
    assert leases.take(resume_all.RESUME_ALL, seconds=1), "the lease was given back"


def test_nothing_to_do(api: APIClient) -> None:
    """Conformance 26."""
    for _ in range(2):
        response = api.put(URL)
        assert (response.status_code, response.json()) == (200, {"count": 0})


@pytest.mark.usefixtures("tasks")
def test_one_that_cannot_be_resumed_does_not_stop_the_others(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Conformance 27."""

    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("No, not this one")

    monkeypatch.setattr(resume_all, "resumptions_of", refuse)
    with caplog.at_level(logging.ERROR, resume_all.__name__):
        assert api.put(URL).json() == {"count": 4}
    assert caplog.text.count("No, not this one") >= 4


@pytest.mark.usefixtures("tasks")
def test_all_are_resumed_or_none(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """F14: what goes wrong on the way leaves all tasks as they were."""

    def fail(*_: Any) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr("workflows.services.resume.ring_after_commit", fail)
    with pytest.raises(OperationalError):
        resume_all.resume_all_tasks()
    assert resumed() == 0
    assert set(Process.objects.values_list("last_status", flat=True)) == set(STATUSES)
    monkeypatch.undo()
    assert api.put(URL).json() == {"count": 4}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.usefixtures("tasks")
def test_what_another_is_changing_is_left_to_it(api: APIClient) -> None:
    """Who waits for one row while holding others could wait for ever."""
    first = Process.objects.filter(is_task=True, last_status="failed").get()
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Process.objects.select_for_update().get(pk=first.pk)
                locked.set()
                done.wait(30)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert locked.wait(30)
        assert api.put(URL).status_code == 200
        assert resumed() == 3
    finally:
        done.set()
        holder.join()
    first.refresh_from_db()
    assert first.last_status == "failed"


def test_more_tasks_take_no_more_statements_to_let_go_on(flows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.services.resume.ring_after_commit", lambda _: None)
    counts = set()
    for number in (4, 8):
        tasks = [
            make_process(workflow=make_workflow("flow_task"), is_task=True, last_status="failed") for _ in range(number)
        ]
        wanted = [resume_all.resumptions_of(one.pk)[0] for one in tasks]
        with CaptureQueriesContext(connection) as captured:
            assert let_go_on(wanted, user="alice") == number
        counts.add(len(captured))
    assert len(counts) == 1


@pytest.mark.usefixtures("tasks")
def test_of_five_calls_at_once_one_works(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conformance 25."""
    refused = threading.Semaphore(0)
    resumptions_of: Callable[..., Any] = resume_all.resumptions_of

    def wait_for_the_others(*args: Any, **keywords: Any) -> Any:
        # Once: the first task is resumed when all the others have had their answer.
        for _ in range(4):
            assert refused.acquire(timeout=30)
        monkeypatch.setattr(resume_all, "resumptions_of", resumptions_of)
        return resumptions_of(*args, **keywords)

    monkeypatch.setattr(resume_all, "resumptions_of", wait_for_the_others)
    answers: list[int] = []

    def call() -> None:
        client = APIClient()
        client.force_authenticate(alice)
        try:
            status = client.put(URL).status_code
            answers.append(status)
            if status == 409:
                refused.release()
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(answers) == {200: 1, 409: 4}
    assert resumed() == 4
    assert leases.take(resume_all.RESUME_ALL, seconds=1), "the lease was given back"


def test_a_lease_that_ran_out_is_free_and_a_late_return_harms_nobody(db: None) -> None:
    """Conformance 201, where giving back what one no longer holds is no error."""
    lost = leases.take("name", seconds=-1)
    holder = leases.take("name", seconds=60)
    assert lost
    assert holder
    leases.give_back("name", lost)
    assert leases.take("name", seconds=60) is None
    assert leases.take("other", seconds=60)
    leases.give_back("name", holder)
    assert leases.take("name", seconds=60)


def test_a_paused_engine_takes_no_changes(api: APIClient) -> None:
    EngineSettings.objects.update_or_create(pk=1, defaults={"global_lock": True})
    assert api.put(URL).status_code == 503


def test_the_name_of_the_one_who_asked_is_kept(api: APIClient) -> None:
    task = make_process(workflow=make_workflow("flow_task"), is_task=True, last_status="failed")
    assert api.put(f"{URL}?reporter=night-watch").status_code == 200
    assert task.input_states.get().created_by == "night-watch"
    assert api.put(f"{URL}?reporter={'x' * 101}").status_code == 422
