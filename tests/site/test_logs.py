"""A log line says who, which process and which step, and hides secrets."""

from __future__ import annotations

import json
import logging
import sys
from uuid import UUID

import pytest
import structlog
from celery.app.log import Logging
from celery.utils.log import LoggingProxy

from wfo_site.celery import app
from wfo_site.common.context import acting
from wfo_site.observability.logs import MASK, console_formatter, json_formatter

PROCESS = UUID("01900000-0000-7000-8000-000000000001")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the logger `site.test` writes in JSON."""
    written: list[str] = []
    logger = logging.getLogger("site.test")

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    handler = Keep()
    handler.setFormatter(json_formatter())
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.propagate = False
    return written


@pytest.mark.parametrize("logger", [logging.getLogger("site.test"), structlog.get_logger("site.test")])
def test_lines_of_both_kinds_of_loggers_carry_the_context(lines: list[str], logger: logging.Logger) -> None:
    with acting(user="alice", process_id=PROCESS, step="Create node"):
        logger.info("node %s made", "ams1")
    [line] = map(json.loads, lines)
    assert line["message"] == "node ams1 made"
    assert (line["user"], line["process_id"], line["step"]) == ("alice", str(PROCESS), "Create node")
    assert (line["level"], line["logger"]) == ("info", "site.test")
    assert line["timestamp"].endswith("Z")


def test_outside_of_any_context_nothing_is_made_up(lines: list[str]) -> None:
    logging.getLogger("site.test").warning("started")
    assert set(json.loads(lines[0])) == {"message", "level", "logger", "timestamp"}


def test_secrets_are_hidden_at_any_depth(lines: list[str]) -> None:
    structlog.get_logger("site.test").info(
        "call", headers={"Authorization": "Bearer x"}, nested=[{"api_key": "x"}], port=1
    )
    logging.getLogger("site.test").info("call", extra={"db_password": "x"})
    structured, plain = map(json.loads, lines)
    assert structured["headers"] == {"Authorization": MASK}
    assert structured["nested"] == [{"api_key": MASK}]
    assert structured["port"] == 1
    assert plain["db_password"] == MASK


def test_the_token_of_a_callback_is_hidden_wherever_it_stands(lines: list[str]) -> None:
    token = "fKXw-3v0Wc_F2rVlRXSIbGm8yrX3yQ5sWq1o9nY2LbA"
    path = f"/api/processes/{PROCESS}/callback/{token}"
    logger = logging.getLogger("site.test")
    logger.warning("Conflict: %s", path + "/progress", extra={"request": [path]})
    logger.warning("asked %s", path.replace("/", "%2F"))
    try:
        int(f"https://wfo.example.org{path}")
    except ValueError:
        logger.exception("failed")
    assert len(lines) == 3
    assert token not in str(lines)
    assert f"/api/processes/{PROCESS}/callback/{MASK}/progress" in lines[0]


def test_the_password_in_an_address_is_hidden_wherever_it_stands(lines: list[str]) -> None:
    logger = logging.getLogger("site.test")
    logger.warning(
        "no broker at %s", "amqp://wfo:hunter2@mq.example.org:5672//", extra={"database": ["redis://:hunter2@r/0"]}
    )
    assert "hunter2" not in lines[0]
    assert f"amqp://wfo:{MASK}@mq.example.org:5672//" in lines[0]
    logger.warning("see https://wfo.example.org:8080/a:b@c and mail a@b.example.org")
    assert "https://wfo.example.org:8080/a:b@c and mail a@b.example.org" in lines[1]


def fail() -> None:
    password = "hunter2" + "hunter2"
    raise ValueError(len(password))


@pytest.mark.parametrize("formatter", [json_formatter(), console_formatter()])
def test_a_traceback_is_part_of_the_line_without_local_variables(formatter: logging.Formatter) -> None:
    try:
        fail()
    except ValueError:
        record = logging.LogRecord("site.test", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())
    shown = formatter.format(record)
    assert "ValueError: 14" in shown
    assert "hunter2hunter2" not in shown


def test_a_celery_worker_writes_lines_as_all_others_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """What sets up a worker's logging would put handlers of its own in the place of those that hide secrets."""
    monkeypatch.setattr(Logging, "_setup", False)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    app.log.setup(loglevel="ERROR", redirect_stdouts=True)
    assert (root.handlers, root.level) == (handlers, level)
    assert not isinstance(sys.stdout, LoggingProxy)
