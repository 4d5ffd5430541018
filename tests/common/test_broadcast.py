"""Events of children that were forked at a bad moment."""

from __future__ import annotations

import os
import signal

from wfo_site.common import broadcast


def test_a_child_forked_while_a_thread_of_its_parent_published_can_publish() -> None:
    with broadcast._sender_mutex:
        child = os.fork()
        if child == 0:  # pragma: no cover - the child ends here
            signal.alarm(10)
            os._exit(0 if broadcast.flush() else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
