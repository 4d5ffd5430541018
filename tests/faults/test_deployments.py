"""F18: a new release while processes stand half way: each goes on by steps that fit it, or waits for a choice."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.harness.fleet import Fleet
from tests.faults.harness.lab import Lab
from tests.story.installation import kill, wait_until

from .fleet import Ledger, broker_url, celery_worker, select, start, statuses, trouble

pytestmark = pytest.mark.faults

KINDS = ("added", "removed", "renamed", "replaced", "longer")
# The new release goes on with these where they stand.
FIT = ("replaced", "longer")
OLD_TRAIL = ["One", "Two", "Three"]
# What a process has done in the end: by the old release, and by the new one or after the choice below.
NEW_TRAILS = {
    "added": ["One", "Two", "Between", "Two", "Three"],
    "removed": OLD_TRAIL,
    "renamed": ["One", "Two", "Second", "Three"],
    "replaced": OLD_TRAIL,
    "longer": ["One", "Two", "Four", "Three"],
}
CHOICES = {"added": "Between", "removed": "", "renamed": "Second"}


@pytest.mark.fault("F18")
def test_a_release_while_processes_stand_half_way(lab: Lab) -> None:
    """A third goes on while old and new workers are there, a third when the old ones are gone, and a third was answered
    in the old release and found by the new workers alone."""
    old, new = (lab.fleet(RELEASE=name) for name in ("old", "new"))
    # Time for a worker that has just woken up on a machine that is busy.
    old.place.lease = new.place.lease = max(lab.lease, 6)
    old.ask("migrate")
    each = lab.count(2, 20)
    kinds: dict[str, str] = {}
    for kind in KINDS:
        kinds |= dict.fromkeys(old.start(kind, each), kind)
    old_pool = old.pool(2)
    everything = list(kinds)
    until(new, everything, suspended=len(kinds))
    thirds = [everything[number::3] for number in range(3)]

    # Rolled out: workers of both releases, and somebody whose page is still of the old one. The new ones look first.
    for _ in range(max(1, lab.runners - 1)):
        new.pool(2)
    old_pool.send(signal.SIGSTOP)
    assert not any(old.ask("answer", process_ids=thirds[0]).values())
    left = [process_id for process_id in thirds[0] if kinds[process_id] not in FIT]
    wait_until(lambda: all(one["left"] for one in new.facts(left).values()))
    began = time.monotonic()
    old_pool.send(signal.SIGCONT)
    until(new, thirds[0], completed=len(thirds[0]))
    rolled_out = time.monotonic() - began
    old_pool.kill()

    # The old workers are gone. What fits goes on; what does not is refused, with a reason, before anything runs.
    refused = new.ask("answer", process_ids=thirds[1])
    for process_id, refusal in refused.items():
        assert refusal.startswith("plan_changed: Nothing was taken.") is (kinds[process_id] not in FIT), refusal
        assert ("Choose where it goes on" in refusal) is (kinds[process_id] not in FIT)

    # Answered by the old release: the new workers wait a lease for old ones, and then run nothing.
    assert not any(old.ask("answer", process_ids=thirds[2]).values())
    misfits = [process_id for process_id in thirds[2] if kinds[process_id] not in FIT]
    fits = [process_id for process_id in thirds[2] if kinds[process_id] in FIT]
    began = time.monotonic()
    until(new, misfits, failed=len(misfits))
    asked_after = time.monotonic() - began
    until(new, fits, completed=len(fits))
    for process_id, one in new.facts(misfits).items():
        assert "Choose where it goes on" in one["reason"]
        assert trail_of(one) == ["One", "Two"], kinds[process_id]

    chosen = [*misfits, *(process_id for process_id, refusal in refused.items() if refusal)]
    for kind, step in CHOICES.items():
        wanted = [process_id for process_id in chosen if kinds[process_id] == kind]
        assert not any(new.ask("choose", process_ids=wanted, step=step).values())
    until(new, chosen, suspended=len(chosen))
    assert not any(new.ask("answer", process_ids=chosen).values())
    until(new, everything, completed=len(kinds))

    wrong = 0
    by_release: Counter[str] = Counter()
    for process_id, one in new.facts(everything).items():
        kind, trail = kinds[process_id], trail_of(one)
        is_old = process_id in thirds[0] and trail == OLD_TRAIL
        by_release["old" if is_old else "new"] += 1
        # While both are there, either may go on where both fit; what only the old one fits, the old one did.
        allowed = (
            [NEW_TRAILS[kind]] if process_id not in thirds[0] else [OLD_TRAIL, *([NEW_TRAILS[kind]] * (kind in FIT))]
        )
        wrong += trail not in allowed
        said = [call["step"] for call in lab.ledger.calls if call["process"] == process_id]
        assert said == trail, f"{kind}: {said} were run, {trail} are stored"
    lab.figures.note(
        processes=len(kinds),
        chosen=len(chosen),
        by_the_old_release=by_release["old"],
        wrong_steps=wrong,
        seconds_while_both_are_there=rolled_out,
        seconds_until_asked=asked_after,
    )
    assert wrong == 0
    assert by_release["old"] >= len(left)
    # A lease for old workers, and some sweeps of a machine that is busy.
    assert asked_after < 2 * new.place.lease + 15


@pytest.mark.long
def test_a_bell_that_only_workers_of_another_release_heard(tmp_path: Path) -> None:
    """F18 under Celery: who does not fit leaves it, and rings for those who do, as long as they may be there."""
    installation = trouble(tmp_path, executor="celery", broker=broker_url("redis"), PROCESS_LEASE_SECONDS="10")
    started = start(installation, *[("half_way", {})] * 3)
    workers = [celery_worker(installation, "-c", "2", name="old")]
    try:
        wait_until(lambda: statuses(installation.database) == {"suspended": 3})
        installation.environment["RELEASE"] = "new"
        workers.append(celery_worker(installation, "-c", "2", name="new"))
        del installation.environment["RELEASE"]
        wait_until(lambda: " ready." in (installation.database.folder / "new.log").read_text())
        os.killpg(workers[0].pid, signal.SIGSTOP)
        answer = (
            f"from workflows.services import resume_process\nfor pk in {started!r}: resume_process(pk, {{'answer': 1}})"
        )
        installation.ask(f"{answer}\nprint('null')")
        wait_until(lambda: all(moment for (moment,) in select(installation.database, "left_since")))
        os.killpg(workers[0].pid, signal.SIGCONT)
        wait_until(lambda: statuses(installation.database) == {"completed": 3})
    finally:
        for worker in workers:
            kill(worker)
    assert Ledger(installation).count("Work", "done") == 6
    assert Ledger(installation).count("Wait", "begun") == 0
    installation.database.drop()


def trail_of(one: dict[str, object]) -> list[str]:
    trail = one["trail"]
    assert isinstance(trail, list)
    return trail


def until(fleet: Fleet, process_ids: list[str], **statuses: int) -> None:
    """Wait until these processes have these statuses, so many each, or say what they are."""
    wanted = {status: number for status, number in statuses.items() if number}
    ends_at = time.monotonic() + 120
    while (found := fleet.ask("statuses", process_ids=process_ids)) != wanted:
        assert time.monotonic() < ends_at, (found, [one["reason"] for one in fleet.facts(process_ids).values()])
        time.sleep(0.1)
