"""One operating system process that runs processes: it looks for the most urgent one, takes it, keeps its lease."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Q

from workflows.engine import claims, limits
from workflows.engine.hosts import Host
from workflows.engine.runner import run_on
from workflows.engine.served import EVERYTHING, Served
from workflows.executors.base import runner_id
from workflows.executors.keeper import Keeper
from workflows.executors.room import Room

logger = logging.getLogger(__name__)

# Looked at together, in case others are faster with the first of them.
_CANDIDATES: Final = 5
# So long does one that must run alone wait for the others to leave, before it is left for later.
_PATIENCE_SECONDS: Final = 30.0


class WorkerProcess:
    """Used by one thread or by several. `ring` wakes others for processes that could run now, `replace` is to put
    another runner in the place of a thread that hangs. `served` says whose queues it serves."""

    def __init__(
        self,
        room: Room,
        *,
        ring: Callable[[list[UUID]], None],
        replace: Callable[[threading.Thread], None],
        upkeep: Callable[[], None] | None = None,
        served: Callable[[], Served] = lambda: EVERYTHING,
    ) -> None:
        self.runner = runner_id()
        self.room = room
        self.keeper = Keeper(self.runner, sweep=upkeep, replace=self._replace)
        self._replace_thread = replace
        self._ring = ring
        self._served = served
        # What the code here does not fit, and until when, on the monotonic clock, others are to have their turn.
        self._left: dict[UUID, float] = {}

    def run_next(self, *, where: Q | None = None) -> bool:
        """Run the most urgent process that is due as far as it goes. False if there was none, or it could not be."""
        tried: set[UUID] = set()
        try:
            while not self.room.is_closing:
                besides = tried | self.keeper.running | self._left_to_others()
                found = claims.next_up(_CANDIDATES, where=where, besides=besides)
                if not found:
                    return False
                for candidate in found:
                    tried.add(candidate.process_id)
                    if self._run_alone(candidate) if candidate.is_dangerous else self._run(candidate):
                        return True
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the database is away: %s", error)
            connection.close()
        except BaseException:  # a step that ends the interpreter, too: the thread would be missed until the next start
            logger.exception("the engine failed with one of %s", sorted(map(str, tried)))
            connection.close()
        return False

    def _run(self, candidate: claims.Due) -> bool:
        with self.room.among_others() as is_in, self.keeper.keeping(candidate.process_id) as is_ours:
            claimed = is_in and is_ours and run_on(self._host(self.room.asks_to_leave), candidate.process_id)
        if claimed and candidate.workflow_name in limits.by_workflow():
            # A place is free. This runner may take up something more urgent, another one could use it.
            self._ring([due.process_id for due in claims.next_up(1, where=Q(workflow__name=candidate.workflow_name))])
        return claimed

    def _run_alone(self, candidate: claims.Due) -> bool:
        """Run one step of a process that may take this worker down, while nothing else is here to go down with it.

        Once a step is stored, the process is as good as any other.
        """
        # Only one worker empties itself for it, and only once in a while.
        if not claims.postpone(candidate.process_id, _PATIENCE_SECONDS):
            return False
        with self.room.alone(_PATIENCE_SECONDS) as is_alone:
            if not is_alone:
                return False
            claims.make_due(candidate.process_id)
            logger.warning("process %s was lost with its worker before; it runs alone", candidate.process_id)
            with self.keeper.keeping(candidate.process_id):
                host = self._host(lambda: self.room.is_closing, one_step=True)
                return run_on(host, candidate.process_id, alone=True)

    def _host(self, should_stop: Callable[[], bool], *, one_step: bool = False) -> Host:
        return Host(
            runner=self.runner,
            should_stop=should_stop,
            one_step=one_step,
            served=self._served(),
            let_go=self.keeper.give_back_later,
            leave=self._leave_to_others,
        )

    def _leave_to_others(self, process_id: UUID) -> None:
        self._left[process_id] = time.monotonic() + claims.lease().total_seconds()

    def _left_to_others(self) -> set[UUID]:
        moment = time.monotonic()
        # A copy: another thread may leave one just now. Whatever is missed is claimed once more, and left again.
        self._left = {process_id: until for process_id, until in list(self._left.items()) if until > moment}
        return set(self._left)

    def _replace(self, thread: threading.Thread) -> None:
        self.room.carry_out(thread)
        self._replace_thread(thread)

    def leave(self) -> None:
        """Leave what still runs to others: this operating system process ends now. Raises no error of the database."""
        if not (running := self.keeper.running):
            return
        logger.warning("%d processes did not stop in time; they go on elsewhere", len(running))
        try:
            claims.leave(running, self.runner)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the database is away: %s", error)
