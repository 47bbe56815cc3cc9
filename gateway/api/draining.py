"""The end of serving: requests that are being answered get some time, and are cancelled then."""

import asyncio
from typing import Any

import structlog

# A cancelled call still has to leave its record.
CANCELLED_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Draining:
    """Knows the requests that are being answered.

    Args:
        patience: seconds that they get once serving ends.

    Attributes:
        impatient: the time is over: what is still being answered has been cancelled.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._answering: set[asyncio.Task[Any]] = set()
        self.impatient = False

    def begin(self, request: asyncio.Task[Any]) -> None:
        """The task has begun to answer a request; it is to call `end`."""
        self._answering.add(request)

    def end(self, request: asyncio.Task[Any]) -> None:
        """The answer is ready, or there will be none."""
        self._answering.discard(request)

    async def finish(self) -> None:
        """Wait for the requests; cancel those that take too long, and wait until they have noticed."""
        if self._answering:
            await asyncio.wait(set(self._answering), timeout=self._patience)
        self.impatient = True
        late = set(self._answering)
        if late:
            log.warning("calls cancelled", calls=len(late), after_seconds=self._patience)
            for request in late:
                request.cancel()
            await asyncio.wait(late, timeout=CANCELLED_SECONDS)
