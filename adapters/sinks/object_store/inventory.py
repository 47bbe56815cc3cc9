"""What the store holds: folders are listed, and each object is read once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import TypeVar

from adapters.base import Held
from adapters.base.holdings import Holdings
from adapters.sinks.object_store.reading import folders, holdings_of, is_ours
from adapters.sinks.object_store.stores import Store
from schemas.errors import SinkUnavailableError

_Result = TypeVar("_Result")


class Inventory:
    """What was read of a store so far; one object is in memory at a time.

    Args:
        store: to be read.
        executor: for what blocks.
    """

    def __init__(self, store: Store, executor: Executor) -> None:
        self._store = store
        self._executor = executor
        self._turn = asyncio.Lock()
        self._holdings: Holdings | None = None

    async def held(self, deployment_id: str, *, start: datetime, end: datetime, deadline: float) -> AsyncIterator[Held]:
        """Read what is new in the folders of these days, then yield: see `AuditableSink.held`."""
        async with self._turn:
            holdings = await self._made()
            last = end - timedelta(microseconds=1)
            for folder in folders(deployment_id, start.date(), last.date()):
                await self._read(holdings, folder, deployment_id, deadline)
        async for held in holdings.held(deployment_id, start=start, end=end):
            yield held

    def close(self) -> None:
        """Forget what was read."""
        if self._holdings is not None:
            self._holdings.close()

    async def _made(self) -> Holdings:
        if self._holdings is None:
            self._holdings = await asyncio.to_thread(Holdings)
        return self._holdings

    async def _read(self, holdings: Holdings, folder: str, deployment_id: str, deadline: float) -> None:
        names = await self._blocking(lambda: list(self._store.all_names(f"{folder}/")), deadline)
        for name in filter(is_ours, names):
            if not await asyncio.to_thread(holdings.knows, name):
                body = await self._blocking(lambda name=name: self._store.get(name), deadline)  # type: ignore[misc]
                # Somebody may have removed it since.
                if body is not None:
                    await asyncio.to_thread(_take, holdings, name, body, deployment_id)

    async def _blocking(self, call: Callable[[], _Result], deadline: float) -> _Result:
        """Call the store in a thread, which ends with the store's own timeouts where it is left at the deadline."""
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.get_running_loop().run_in_executor(self._executor, call)
        except TimeoutError:
            raise SinkUnavailableError("The object store has not said in time what it holds.") from None


def _take(holdings: Holdings, name: str, body: bytes, deployment_id: str) -> None:
    holdings.add(holdings_of(name, body, deployment_id), source=name)
