"""F21: kill the worker at every step on the way there and on the way back; in the end, outside is as it was."""

from __future__ import annotations

import pytest

from wfo_site.common.errors import Conflict
from workflows import StepList, branch, nothing_to_undo, parallel, step_group
from workflows.services import abort_process, undo_process
from workflows.testing import Engine, FaultPoint, Run

from .undoing import FAILING, NETWORK, flow_of, makes, says

pytest_plugins = ["workflows.testing.fixtures"]
pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = {"owned by another": "untouched"}
POINTS = [FaultPoint.BEFORE_WRITE, FaultPoint.AFTER_WRITE]
# Ten that make something: plain, in a group, side by side.
THINGS = [f"thing {number}" for number in range(10)]


def ten_steps(name: str) -> object:
    made = [makes(thing) for thing in THINGS]
    plain = [StepList([one]) for one in made[:4]]
    both = step_group("Group", StepList(made[4:6]))
    sides = parallel("Sides", branch("A", StepList(made[6:8])), branch("B", made[8]))
    return flow_of(*plain, both, sides, made[9], says("Stop", undo=nothing_to_undo), name=name)


def undo(engine: Engine, run: Run) -> Run:
    made = Run(undo_process(run.process_id), engine.run_until_idle)
    engine.run_until_idle()
    return made


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("thing", THINGS)
def test_killed_on_the_way_there_and_given_up_it_leaves_nothing(engine: Engine, point: FaultPoint, thing: str) -> None:
    """Not all that was made is known to the history: the step that was cut off is undone as well."""
    NETWORK.update(BEFORE)
    flow = ten_steps("there")
    engine.crash_at(point, f"Make {thing}" if thing not in THINGS[4:6] else "Group")
    run = engine.start(flow)  # type: ignore[arg-type]
    engine.run_until_idle()
    abort_process(run.process_id)
    with pytest.raises(Conflict, match="its worker is known to be lost"):
        undo_process(run.process_id)
    engine.recover()
    undo(engine, run).expect("completed")
    assert NETWORK == BEFORE


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("thing", THINGS)
def test_killed_on_the_way_back_it_goes_on_and_leaves_nothing(engine: Engine, point: FaultPoint, thing: str) -> None:
    NETWORK.update(BEFORE)
    FAILING.add("Stop")
    run = engine.start(ten_steps("back"))  # type: ignore[arg-type]
    engine.run_until_idle()
    run.expect("failed", step="Stop")
    where = {"thing 6": " (A)", "thing 7": " (A)", "thing 8": " (B)"}.get(thing, "")
    engine.crash_at(point, f"Undo: Make {thing}{where}")
    made = undo(engine, run).expect("running")
    engine.recover()
    made.expect("completed")
    assert NETWORK == BEFORE
    assert [name for name, status in made.steps if status == "success"][:10] == [
        step["name"] for step in made.process.undo_plan.steps
    ]
