"""No more parts of a step are at work at once than it allows, also where failed ones are tried again."""

from __future__ import annotations

from typing import Any

import pytest

from workflows import foreach
from workflows.engine.runner import run
from workflows.selectors import why_not_running
from workflows.services import resume_process

from .conftest import StartWorkflow
from .fork_steps import FAILING, asks, flow_of, parts, says, steps
from .test_fork_races import expire, nobody_runs, run_all, standing, status

__all__ = ["nobody_runs"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_those_that_wait_for_their_turn_get_it(start: StartWorkflow) -> None:
    """Nobody gave turns while the parent had failed."""
    each = foreach("Ask all", lambda _: ["a", "b", "c"], asks("Ask"), max_parallel=1, timeout=60)
    process = start(flow_of(each))
    run_all(process)
    expire(process)
    resume_process(parts(process)["a"].pk, [{"answer": 1}])
    run_all(process)
    assert standing(process) == {"a": "completed", "b": "created", "c": "created"}
    resume_process(process.pk)
    run_all(process)
    assert standing(process) == {"a": "completed", "b": "suspended", "c": "created"}


def test_the_code_says_how_many_may_be_at_work_now(start: StartWorkflow) -> None:
    def deployed(limit: int) -> Any:
        return flow_of(foreach("Ask all", lambda _: list("abcd"), asks("Ask"), max_parallel=limit, timeout=60))

    process = start(deployed(1))
    run_all(process)
    expire(process)
    deployed(2)
    resume_process(process.pk)
    run_all(process)
    assert standing(process) == {"a": "suspended", "b": "suspended", "c": "created", "d": "created"}
    assert "2 of “Ask all” run at once" in why_not_running(parts(process)["c"])
    expire(process)
    deployed(4)
    resume_process(process.pk)
    run_all(process)
    assert set(standing(process).values()) == {"suspended"}


def test_no_more_parts_are_tried_again_at_once_than_may_be_at_work(start: StartWorkflow) -> None:
    each = foreach("Each", lambda _: list("abcd"), steps(says("Try"), asks("Ask")), max_parallel=2)
    process = start(flow_of(each))
    FAILING.add("Try")
    run_all(process)
    assert set(standing(process).values()) == {"failed"}
    FAILING.clear()
    resume_process(process.pk)
    run_all(process)
    assert standing(process) == {"a": "suspended", "b": "suspended", "c": "resumed", "d": "resumed"}
    assert why_not_running(parts(process)["d"]) == "Is held: waits for its turn: 2 of “Each” run at once."
    for name in "abcd":
        resume_process(parts(process)[name].pk, [{"answer": 1}])
        run_all(process)
    assert status(process) == "completed"


def test_one_that_a_person_tries_again_waits_for_its_turn_too(start: StartWorkflow) -> None:
    each = foreach("Each", lambda _: list("ab"), steps(says("Try"), asks("Ask")), max_parallel=1)
    process = start(flow_of(each))
    FAILING.add("Try")
    run(process.pk, runner="r")
    run(parts(process)["a"].pk, runner="r")
    FAILING.clear()
    run_all(process)
    assert standing(process) == {"a": "failed", "b": "suspended"}
    resume_process(parts(process)["a"].pk)
    run_all(process)
    assert standing(process) == {"a": "resumed", "b": "suspended"}
    resume_process(parts(process)["b"].pk, [{"answer": 1}])
    run_all(process)
    assert standing(process) == {"a": "suspended", "b": "completed"}


def test_a_deadline_that_tries_again_keeps_the_limit(start: StartWorkflow) -> None:
    inner = steps(says("Try"), asks("Ask"))
    each = foreach("Each", lambda _: list("abc"), inner, max_parallel=2, timeout=60, on_timeout="retry")
    process = start(flow_of(each))
    FAILING.add("Try")
    run_all(process)
    FAILING.clear()
    expire(process)
    run_all(process)
    assert standing(process) == {"a": "suspended", "b": "suspended", "c": "resumed"}
