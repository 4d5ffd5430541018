"""What steps have logged, for programs."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.workflows.views.rows import BEGIN, a_process
from workflows.api.schemas import StepLogLineSchema
from workflows.models import Process, StepLogLine

pytestmark = pytest.mark.django_db


def say(process: Process, level: str, text: str, **values: Any) -> None:
    values = {"key": "Configure", "epoch": 2, "attempt": 1, "at": BEGIN, **values}
    StepLogLine.objects.create(process=process, level=level, text=text, **values)


@pytest.fixture
def process() -> Process:
    made = a_process()
    say(made, "debug", "first", key="Reserve")
    say(made, "info", "second")
    say(made, "error", "third", epoch=3, attempt=2, sub_step="Push")
    return made


def texts(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [line["text"] for line in response.json()]


def test_all_lines_in_their_order(api: APIClient, process: Process) -> None:
    response = api.get(f"/api/processes/{process.pk}/log")
    assert texts(response) == ["first", "second", "third"]
    assert response.headers["Content-Range"] == "log 0-1000/3"
    assert response.json()[2] == {
        "time": BEGIN.timestamp(),
        "level": "error",
        "text": "third",
        "step": "Configure",
        "sub_step": "Push",
        "attempt": 2,
        "claim": 3,
    }
    assert set(response.json()[0]) == set(StepLogLineSchema.model_fields)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"step": "Configure"}, ["second", "third"]),
        ({"level": "info"}, ["second", "third"]),
        ({"level": "error", "step": "Reserve"}, []),
        ({"range": "1,2"}, ["second"]),
        ({"range": "5,9"}, []),
    ],
)
def test_a_part_of_them(api: APIClient, process: Process, query: dict[str, str], wanted: list[str]) -> None:
    assert texts(api.get(f"/api/processes/{process.pk}/log", query)) == wanted


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"level": "loud"}, "There is no level 'loud'; use one of debug, info, warning, error"),
        ({"range": "x"}, "Invalid range 'x': two numbers are needed, as in range=0,10"),
        ({"range": "0,5000"}, "Invalid range: at most 1000 lines are given at once, as in range=0,1000"),
    ],
)
def test_what_cannot_be_asked_for(api: APIClient, process: Process, query: dict[str, str], detail: str) -> None:
    response = api.get(f"/api/processes/{process.pk}/log", query)
    assert (response.status_code, response.json()["detail"]) == (400, detail)


def test_who_may_see_the_process_may_see_its_log(api: APIClient, stranger: APIClient, process: Process) -> None:
    assert api.get(f"/api/processes/{uuid4()}/log").status_code == 404
    assert stranger.get(f"/api/processes/{process.pk}/log").status_code == 403


def test_the_number_of_queries_does_not_grow_with_the_lines(api: APIClient, process: Process) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            api.get(f"/api/processes/{process.pk}/log")
        return len(captured)

    before = queries()
    for _ in range(50):
        say(process, "info", "more")
    assert queries() == before
