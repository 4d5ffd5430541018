"""Kill the worker of a test at a named place: what `kill -9` does to a real one, without its process."""

from __future__ import annotations

from dataclasses import dataclass, field

from workflows.engine.fault_points import FaultPoint


class Crash(BaseException):
    """The worker dies here: no failure is recorded and nothing is handed back. A fake may raise it inside a step."""


@dataclass
class Crashes:
    """Crashes that a test has ordered. Each happens once, where the engine first gets to its point."""

    ordered: list[tuple[FaultPoint, str]] = field(default_factory=list)

    def order(self, point: FaultPoint, step: str) -> None:
        self.ordered.append((point, step))

    def reached(self, point: FaultPoint, step: str) -> None:
        """Raise Crash if one was ordered for this point of this step, or of any step."""
        for wanted in ((point, step), (point, "")):
            if wanted in self.ordered:
                self.ordered.remove(wanted)
                raise Crash(f"{point}: {step}")

    def check_all_happened(self) -> None:
        """Raise AssertionError naming the crashes that never came: the test proves less than it says."""
        left = [f"{point.value!r} of {step or 'any step'!r}" for point, step in self.ordered]
        assert not left, f"These crashes were ordered and never reached: {', '.join(left)}"
