"""How often a step is tried before it fails for good, and how long it waits between two tries."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

_LONGEST_POWER: Final = 64


@dataclass(frozen=True)
class RetryPolicy:
    """Try a step `max_attempts` times in all; None for ever.

    The second try comes after `first_delay` seconds, each further one after `factor` times as long, up to `max_delay`.
    `jitter` is the part by which a delay is made longer or shorter, so that what failed together does not come back
    together. `on`: the exceptions, or their names, after which another try makes sense.
    """

    max_attempts: int | None = 5
    first_delay: float = 10
    factor: float = 2
    max_delay: float = 3600
    jitter: float = 0.1
    on: type[BaseException] | str | tuple[type[BaseException] | str, ...] = Exception

    def __post_init__(self) -> None:
        if self.max_attempts is not None and self.max_attempts < 1:
            raise ValueError(f"max_attempts is {self.max_attempts}; a step is tried at least once")
        if self.first_delay < 0 or self.max_delay < 0 or self.factor < 1:
            raise ValueError(f"{self} would go back in time: delays are at least 0, and the factor at least 1")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter is {self.jitter}; give a part between 0 and 1")

    def matches(self, error: BaseException) -> bool:
        wanted = self.on if isinstance(self.on, tuple) else (self.on,)
        names = {name for kind in type(error).__mro__ for name in (kind.__name__, f"{kind.__module__}.{kind.__name__}")}
        return any(one in names if isinstance(one, str) else isinstance(error, one) for one in wanted)

    def next_try(self, error: BaseException, *, attempt: int, seed: str) -> NextTry | None:
        """Return when to try again after the failure of try `attempt` (from 1); None if that was the last.

        The same `seed` gives the same jitter.
        """
        is_last = self.max_attempts is not None and attempt >= self.max_attempts
        if is_last or not self.matches(error):
            return None
        delay = min(self.max_delay, self.first_delay * self.factor ** min(attempt - 1, _LONGEST_POWER))
        chance = random.Random(f"{seed}:{attempt}").uniform(-1, 1)  # noqa: S311 - no secret
        return NextTry(attempt, self.max_attempts, delay * (1 + self.jitter * chance))


@dataclass(frozen=True)
class NextTry:
    """A step has failed `attempt` times of `of`, and is tried again after `delay` seconds."""

    attempt: int
    of: int | None
    delay: float


# Of retry steps that say nothing else.
EVERY_HOUR: Final = RetryPolicy(max_attempts=None, first_delay=3600, factor=1, jitter=0)
