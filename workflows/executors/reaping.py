"""A step of Celery's workers that sees soon that a child of the pool has died."""

from __future__ import annotations

from typing import Any, Final

from celery import bootsteps

# The question costs a system call for each child.
_EVERY_SECONDS: Final = 0.25


class Reaping(bootsteps.StartStopStep):
    """Asks for dead children four times a second.

    The pool is woken when a child closes its files, and looks once. Those that die close them a moment before they can
    be seen to be dead, so the pool often looks too early; its own next look is five seconds later, and until then the
    child's place stays empty and its bell unanswered.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def register_with_event_loop(self, consumer: Any, hub: Any) -> None:
        hub.call_repeatedly(_EVERY_SECONDS, consumer.pool.maintain_pool)
