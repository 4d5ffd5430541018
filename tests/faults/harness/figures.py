"""What a fault test measured: printed by each, and by the long form written down for people."""

from __future__ import annotations

import itertools
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path

REPORT = Path(__file__).resolve().parents[3] / "docs" / "reference" / "fault-report.md"


@dataclass
class Figures:
    """The figures of one run of one fault."""

    fault: str
    database: str
    seed: int
    values: dict[str, object] = field(default_factory=dict)

    def note(self, **values: object) -> None:
        self.values |= {name: f"{value:.2f}" if isinstance(value, float) else value for name, value in values.items()}

    def __str__(self) -> str:
        named = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.values.items())
        return f"{self.fault} on {self.database}, seed {self.seed}: {named}"


def percentile(values: list[float], share: float) -> float:
    """Return the value below which so large a share of the values is; 0 without values."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0


def write_report(all_figures: list[Figures]) -> None:
    """Write the figures of the long form, replacing those of this database and keeping the others."""
    databases = {figures.database for figures in all_figures}
    kept = [
        line
        for line in (REPORT.read_text().splitlines() if REPORT.exists() else [])
        if line.startswith("| F") and line.split(" | ")[1] not in databases
    ]
    rows = kept + [
        f"| {figures.fault} | {figures.database} | {figures.seed} | "
        + "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.values.items())
        + " |"
        for figures in all_figures
    ]
    head = [
        "# Fault report",
        "",
        "What the long form of the fault tests measured; `tests/faults` says what each does and must hold, and fails",
        "if it does not. Run again with `python3 -m uv run pytest tests/faults --long`, once for each database.",
        "",
        f"Last run on {os.cpu_count()} processors ({platform.machine()}), Python {platform.python_version()}.",
        "",
        "| fault | database | seed | figures |",
        "|---|---|---|---|",
    ]
    REPORT.write_text("\n".join([*head, *sorted(rows, key=_number), ""]))


def _number(row: str) -> tuple[int, str]:
    fault = row.split(" | ", maxsplit=1)[0].removeprefix("| F")
    return int("".join(itertools.takewhile(str.isdigit, fault))), row
