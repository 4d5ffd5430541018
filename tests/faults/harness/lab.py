"""What one fault test works with: a database of the sample, a ledger, runners on demand, chance and figures."""

from __future__ import annotations

import random
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.harness.figures import Figures
from tests.faults.harness.fleet import Fleet, Place, Zygote
from tests.faults.harness.ledger import Ledger
from tests.story.installation import LEASE_SECONDS, Database


@dataclass
class Lab:
    """`part`: how much of the long form is run; 0 is the short form."""

    zygote: Zygote
    folder: Path
    database: Database
    ledger: Ledger
    figures: Figures
    chance: random.Random
    part: float
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def is_on_postgresql(self) -> bool:
        return bool(self.database.server)

    def size(self, short: float, long: float) -> float:
        """Return how large something is: in the short form, or in the long form and the part of it that is run."""
        return max(short, long * self.part) if self.part else short

    def count(self, short: int, long: int) -> int:
        return round(self.size(short, long))

    @property
    def lease(self) -> float:
        """As in production in the long form; soon over in the short one."""
        return 20 if self.part else LEASE_SECONDS

    @property
    def runners(self) -> int:
        """How many processes run things: SQLite is for one."""
        return 4 if self.is_on_postgresql else 1

    def fleet(
        self,
        database_url: str | None = None,
        *,
        executor: str = "threadpool",
        lease: float | None = None,
        **environment: str,
    ) -> Fleet:
        """Return runners that live on the database, or on another; they are killed at the end of the test."""
        folder = self.folder / f"fleet_{len(list(self.folder.glob('fleet_*')))}"
        folder.mkdir()
        place = Place(
            database_url=database_url or self.database.url,
            lease=lease or self.lease,
            executor=executor,
            environment={"LEDGER_URL": self.ledger.url, **environment},
        )
        fleet = Fleet(self.zygote, folder, place)
        self._stack.callback(fleet.close)
        return fleet

    def close(self) -> None:
        self._stack.close()
