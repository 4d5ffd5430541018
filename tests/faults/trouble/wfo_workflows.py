"""Workflows that wait, take long, or kill what runs them. Each step notes in the file LEDGER that it was begun."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Annotated

from celery import current_task
from pydantic import Field

from workflows import StepList, begin, done, init, inputstep, step, step_context, step_log, workflow
from workflows.forms import FormGenerator, FormPage

Seconds = Annotated[float, Field(ge=0)]


def form() -> FormGenerator:
    class Work(FormPage):
        seconds: Seconds = 0.0
        file: str = ""

    page = yield Work
    return page.model_dump()


def note(text: str) -> None:
    """Append a line; one short write to a file opened for appending is never torn."""
    context = step_context()
    with Path(os.environ["LEDGER"]).open("a") as ledger:
        ledger.write(f"{context.process_id} {context.step} {text}\n")


@step("Work")
def work(seconds: float) -> None:
    note(f"begun {os.getpid()}")
    time.sleep(seconds)
    note("done")


@step("Kill")
def kill() -> None:
    """Die as of a segmentation fault; with KILL_GROUP the whole worker, as of a lack of memory."""
    note("begun")
    if os.environ.get("KILL_GROUP"):
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


@step("Wait for the file")
def wait_for_file(file: str) -> None:
    """Take until a test makes the file."""
    note("begun")
    step_log(f"waits for {Path(file).name}")
    while not Path(file).exists():
        time.sleep(0.02)


@step("Train", queue="gpu")
def train() -> None:
    note(f"by {_worker()}")


@step("Report")
def report() -> None:
    note(f"by {_worker()}")


def _worker() -> str:
    """Return the name of the Celery worker that runs the step."""
    name, _, _ = str(current_task.request.hostname).partition("@")
    return name


@workflow("Train on another queue", initial_input_form=form)
def trainer() -> StepList:
    return begin >> init >> report >> train >> train >> report >> done


@workflow("Work", initial_input_form=form)
def worker_bee() -> StepList:
    return begin >> init >> work >> work >> work >> done


@workflow("Kill", initial_input_form=form)
def killer() -> StepList:
    return begin >> init >> kill >> done


@workflow("Wait for a file", initial_input_form=form)
def waiter() -> StepList:
    return begin >> init >> wait_for_file >> work >> done


@inputstep("Ask", assignee="NOC")
def ask() -> FormGenerator:
    class Answer(FormPage):
        answer: int

    page = yield Answer
    return page.model_dump()


@workflow("Half way", initial_input_form=form)
def half_way() -> StepList:
    """The release that RELEASE names as new begins with another step."""
    start = init >> wait_for_file if os.environ.get("RELEASE") == "new" else begin >> init
    return start >> work >> ask >> work >> done


@workflow("Two at once", initial_input_form=form, max_running=2)
def two_at_once() -> StepList:
    return begin >> init >> work >> done
