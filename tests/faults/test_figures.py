"""The report of the long form: a row for each test and database, of its last run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.harness import figures
from tests.faults.harness.figures import Figures, write_report


def made(fault: str, what: str, database: str, *, seed: int, **values: object) -> Figures:
    one = Figures(fault, what, database, seed, load="10%", result="held")
    one.note(**values)
    return one


def test_a_row_replaces_that_of_the_same_test_and_database_and_keeps_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "REPORT", tmp_path / "report.md")
    write_report([made("F10", "late", "SQLite", seed=1, p95=0.1234), made("F2", "kills", "SQLite", seed=2, kills=7)])
    write_report([made("F2", "kills", "SQLite", seed=3, kills=8), made("F2", "kills", "PostgreSQL", seed=4, kills=9)])
    lines = (tmp_path / "report.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("| F")] == [
        "| F2 | kills | 10% | 4 | kills 9 | held | PostgreSQL |",
        "| F2 | kills | 10% | 3 | kills 8 | held | SQLite |",
        "| F10 | late | 10% | 1 | p95 0.12 | held | SQLite |",
    ]
