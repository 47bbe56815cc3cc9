"""How patient the shipper is: deadlines, backoff, and how often it asks again."""

import asyncio
import random
from collections.abc import Callable

from msgspec import Struct


class Pace(Struct, frozen=True, kw_only=True):
    """Times in seconds.

    Attributes:
        poll: between looks at what other processes have appended.
        gather: after a wake-up, before looking, so that a burst costs one look.
        send: deadline of one `send`, and of one `settle`.
        settled_within: how long a sink may take to store what it took, before it is sent again.
        ask: before the first repeated `settle`; grows to `ask_at_most`.
        ask_at_most: between two `settle`.
        backoff: before the first repeated attempt; doubles with each.
        backoff_at_most: between two attempts, also where a sink asks for more.
        jitter: a factor for each backoff, from 0.5 to 1.
    """

    poll: float = 0.5
    gather: float = 0.1
    send: float = 60.0
    settled_within: float = 300.0
    ask: float = 0.25
    ask_at_most: float = 5.0
    backoff: float = 0.5
    backoff_at_most: float = 60.0
    jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.0)  # noqa: S311 - nothing secret hangs on it


class Backoff:
    """Pauses that grow with each failure in a row."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.failures = 0

    def next(self, retry_after: float | None = None) -> float:
        """Return the seconds to wait after one more failure; at least `retry_after`, as far as patience goes."""
        longest = self._pace.backoff_at_most
        # The exponent is bounded, so that years of failures don't overflow.
        pause = min(self._pace.backoff * 2.0 ** min(self.failures, 30), longest) * self._pace.jitter()
        self.failures += 1
        return min(max(pause, retry_after or 0.0), longest)

    def reset(self) -> None:
        """Begin anew, after a success."""
        self.failures = 0


class Budget:
    """Bytes of records that one sink's lanes may hold in memory together.

    Args:
        max_bytes: a batch larger than that goes alone.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = 0
        self._freed = asyncio.Condition()

    async def take(self, n_bytes: int) -> None:
        """Wait until there is room."""
        async with self._freed:
            await self._freed.wait_for(lambda: not self._held or self._held + n_bytes <= self._max_bytes)
            self._held += n_bytes

    async def give_back(self, n_bytes: int) -> None:
        """Make room for others."""
        async with self._freed:
            self._held -= n_bytes
            self._freed.notify_all()
