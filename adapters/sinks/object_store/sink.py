"""The sink: one batch, one object."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from adapters.base import (
    Batch,
    Held,
    Receipt,
    RecordFilter,
    Settlement,
    Sink,
    SinkPlugin,
    Transport,
    record_filter,
)
from adapters.sinks.object_store.azure_blob import AzureStore
from adapters.sinks.object_store.encoding import Encoding, encoding_of
from adapters.sinks.object_store.inventory import Inventory
from adapters.sinks.object_store.local import LocalStore
from adapters.sinks.object_store.naming import name_of, not_stored, partition_of
from adapters.sinks.object_store.s3 import S3Store
from adapters.sinks.object_store.settings import ObjectStoreSettings
from adapters.sinks.object_store.stores import Store
from schemas.errors import SinkUnavailableError
from schemas.payload import PayloadRecord

_THREADS = 8


class ObjectStore:
    """A `Sink`: a folder, a bucket or a container."""

    def __init__(self, settings: ObjectStoreSettings, store: Store, encoding: Encoding) -> None:
        self._filter = record_filter(settings)
        self._store = store
        self._encoding = encoding
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="object-store")
        self._inventory = Inventory(store, self._executor)
        self._left_behind: dict[str, asyncio.Future[None]] = {}

    @property
    def filter(self) -> RecordFilter:
        """What the settings select."""
        return self._filter

    def partition(self, record: PayloadRecord) -> str:
        """Return the folder of the record's deployment and day."""
        return partition_of(record)

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        """Write the records as an object: see `Sink.send`."""
        if deadline <= asyncio.get_running_loop().time():
            raise SinkUnavailableError("There is no time left to reach the object store.")
        try:
            async with asyncio.timeout_at(deadline):
                await self._write_once(batch)
        except TimeoutError:
            raise SinkUnavailableError("The object store has not stored the object in time.") from None
        return Receipt()

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        """Return what is known since `send`: it is stored."""
        return Settlement(state="stored")

    def held(self, deployment_id: str, *, start: datetime, end: datetime, deadline: float) -> AsyncIterator[Held]:
        """Read the objects of these days: see `AuditableSink.held`."""
        return self._inventory.held(deployment_id, start=start, end=end, deadline=deadline)

    def close(self) -> None:
        """Give up what is waiting; a thread that waits for the store ends with the store's own timeouts."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._inventory.close()
        self._store.close()

    async def _write_once(self, batch: Batch) -> None:
        """Write a batch in a thread; where an attempt at it was left there, after that has ended.

        Attempts are told by their first record: a repeat begins with the same one, whatever was sent in between.
        """
        first = batch.records[0].record.scoring_id
        if left := self._left_behind.get(first):
            await asyncio.wait([left])
        writing = asyncio.get_running_loop().run_in_executor(self._executor, self._write, batch)
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            self._left_behind[first] = writing
            writing.add_done_callback(partial(self._ended, first))
            raise

    def _ended(self, first: str, left: asyncio.Future[None]) -> None:
        """Forget an attempt that nobody waits for; the batch comes again whatever its outcome."""
        del self._left_behind[first]
        if not left.cancelled():
            left.exception()

    def _write(self, batch: Batch) -> None:
        """Store what no earlier attempt has stored; whether there was one, an earlier process may know alone."""
        records = not_stored(batch.records, batch.partition, self._store.names)
        if records:
            name = name_of(batch.partition, records, self._encoding.suffix)
            self._store.put(name, self._encoding.encode(records), self._encoding.content_type)


@asynccontextmanager
async def connect(settings: ObjectStoreSettings, transport: Transport) -> AsyncIterator[Sink]:
    """Open the sink; the first batch reaches for the store.

    Raises:
        MissingExtraError: a library of the format or the store is not installed.
    """
    # In a thread: the libraries are slow to import.
    sink = await asyncio.to_thread(lambda: ObjectStore(settings, _store(settings), encoding_of(settings.format)))
    try:
        yield sink
    finally:
        sink.close()


plugin = SinkPlugin(kind="object_store", settings=ObjectStoreSettings, connect=connect)


def _store(settings: ObjectStoreSettings) -> Store:
    place = settings.place
    if place.scheme == "s3":
        return S3Store(place, settings.s3)
    if settings.azure is not None:
        return AzureStore(place, settings.azure)
    return LocalStore(Path(place.root))
