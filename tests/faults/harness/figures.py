"""What a fault test measured: printed by each, and by the long form written down for people."""

from __future__ import annotations

import itertools
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

REPORT = Path(__file__).resolve().parents[3] / "docs" / "reference" / "fault-report.md"

_COLUMNS: Final = ("fault", "what", "load", "seed", "figures", "result", "database")
_HEAD: Final = """\
# Fault report

What the long form of the fault tests measured; each test in `tests/faults` says what it does and what must hold. Run it
again with `python3 -m uv run pytest tests/faults --long`, once for each database; `--part 0.1` takes a tenth of each
load, and the column `load` says so; `fixed` is a test that does the same each time. Rates of faults, leases and what
must hold are the same for every part; only what is a share of a rate or of a time (F4, F5, F17) is asked of the full
load alone. A row is replaced when its test runs again.

Last run on {processors} processors ({machine}), Python {python}. Times are in seconds; they and the rates depend on
what else the machine did then.
"""


@dataclass
class Figures:
    """The figures of one run of one fault. `load`: how much of the full load it was, or that it is always the same."""

    fault: str
    what: str
    database: str
    seed: int
    load: str = "fixed"
    result: str = "not ended"
    values: dict[str, object] = field(default_factory=dict)

    def note(self, **values: object) -> None:
        self.values |= {name: f"{value:.2f}" if isinstance(value, float) else value for name, value in values.items()}

    @property
    def named(self) -> list[str]:
        return [f"{name.replace('_', ' ')} {value}" for name, value in self.values.items()]

    def __str__(self) -> str:
        return f"{self.fault} {self.what} on {self.database}, seed {self.seed}: {', '.join(self.named)}"

    @property
    def cells(self) -> list[str]:
        return [
            *(self.fault, self.what, self.load, str(self.seed), "; ".join(self.named)),
            *(self.result, self.database),
        ]


def percentile(values: list[float], share: float) -> float:
    """Return the value below which so large a share of the values is; 0 without values."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0


def write_report(all_figures: list[Figures]) -> None:
    """Write the figures of the long form: rows of the same fault, test and database are replaced, the others kept."""
    rows = {_key(cells): cells for cells in _known()} | {_key(figures.cells): figures.cells for figures in all_figures}
    lines = [_HEAD.format(processors=os.cpu_count(), machine=platform.machine(), python=platform.python_version())]
    lines += [_line(_COLUMNS), _line(["---"] * len(_COLUMNS))]
    lines += [_line(cells) for cells in sorted(rows.values(), key=_order)]
    REPORT.write_text("\n".join([*lines, ""]))


def _known() -> list[list[str]]:
    lines = REPORT.read_text().splitlines() if REPORT.exists() else []
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| F")]


def _key(cells: list[str]) -> tuple[str, str, str]:
    fault, what, *_, database = cells
    return fault, what, database


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _order(cells: list[str]) -> tuple[int, tuple[str, str, str]]:
    return int("".join(itertools.takewhile(str.isdigit, cells[0][1:]))), _key(cells)
