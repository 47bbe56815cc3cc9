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
        ending: serving ends: each answer is the last one on its connection.
        impatient: the time is over: what is still being answered has been cancelled.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._answering: set[asyncio.Task[Any]] = set()
        self.ending = False
        self.impatient = False

    def begin(self, request: asyncio.Task[Any]) -> None:
        """The task has begun to answer a request; it is to call `end`."""
        self._answering.add(request)

    def end(self, request: asyncio.Task[Any]) -> None:
        """The answer is ready, or there will be none."""
        self._answering.discard(request)

    async def finish(self) -> None:
        """Wait for the requests, also for those that still come over open connections; cancel what takes too long."""
        self.ending = True
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._patience
        while self._answering and (left := deadline - clock()) > 0:
            await asyncio.wait(set(self._answering), timeout=left)
        self.impatient = True
        late = set(self._answering)
        if late:
            log.warning("calls cancelled", calls=len(late), after_seconds=self._patience)
            for request in late:
                request.cancel()
            await asyncio.wait(late, timeout=CANCELLED_SECONDS)
