import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from adapters.sinks.object_store.azure_blob import AzureStore
from adapters.sinks.object_store.encoding import encoding_of
from adapters.sinks.object_store.inventory import Inventory
from adapters.sinks.object_store.local import LocalStore
from adapters.sinks.object_store.naming import name_of, partition_of
from adapters.sinks.object_store.settings import AzureSettings, Place
from adapters.sinks.object_store.stores import Store
from adapters.testing.conformance.records import DEPLOYMENT, batch_of, in_seconds, payload_record
from adapters.testing.emulator import Fault
from schemas.errors import SinkUnavailableError
from tests.fakes.object_stores import AZURE_KEY, AzureBlobs

DAY = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    executor = ThreadPoolExecutor(2)
    yield executor
    executor.shutdown(wait=False)


@pytest.fixture
async def blobs() -> AsyncIterator[AzureBlobs]:
    async with AzureBlobs() as blobs:
        yield blobs


def in_azure(blobs: AzureBlobs) -> AzureStore:
    settings = {"account_url": f"{blobs.url}/account", "account_key": AZURE_KEY}
    return AzureStore(Place("azure", "records"), msgspec.convert(settings, AzureSettings))


async def put(store: Store, *scoring_ids: str) -> str:
    records = [payload_record(scoring_id=scoring_id) for scoring_id in scoring_ids]
    batch, encoding = batch_of(records, partition_of(records[0])), encoding_of("jsonl")
    name = name_of(batch.partition, batch.records, encoding.suffix)
    await asyncio.to_thread(store.put, name, encoding.encode(batch.records), encoding.content_type)
    return name


async def held(inventory: Inventory, start: datetime = DAY, *, seconds: float = 10) -> dict[str, int]:
    found: Counter[str] = Counter()
    end = start + timedelta(days=1)
    async for one in inventory.held(DEPLOYMENT, start=start, end=end, deadline=in_seconds(seconds)):
        found[one.scoring_id] += one.rows
    return dict(found)


async def test_each_object_is_read_once_however_many_windows_are_asked_for(
    blobs: AzureBlobs, executor: ThreadPoolExecutor
) -> None:
    inventory = Inventory(in_azure(blobs), executor)
    await put(in_azure(blobs), "a", "b")
    assert await held(inventory) == {"a": 1, "b": 1}
    await put(in_azure(blobs), "c")
    for hour in range(10):
        assert await held(inventory, DAY + timedelta(hours=hour)) == {"a": 1, "b": 1, "c": 1}
    assert blobs.requests["read"] == 2
    inventory.close()


async def test_a_record_in_two_objects_is_held_twice(tmp_path: Path, executor: ThreadPoolExecutor) -> None:
    store = LocalStore(tmp_path)
    await put(store, "a", "b")
    await put(store, "b", "c")
    inventory = Inventory(store, executor)
    assert await held(inventory) == {"a": 1, "b": 2, "c": 1}
    inventory.close()


async def test_what_others_have_put_beside_the_objects_is_left_alone(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    store = LocalStore(tmp_path)
    name = await put(store, "a")
    (tmp_path / name).with_name("_SUCCESS").write_bytes(b"")
    (tmp_path / name).with_name(".a.tmp").write_bytes(b"half of")
    inventory = Inventory(store, executor)
    assert await held(inventory) == {"a": 1}
    inventory.close()


async def test_an_object_that_can_t_be_read_now_is_read_when_it_can_be(
    blobs: AzureBlobs, executor: ThreadPoolExecutor
) -> None:
    inventory = Inventory(in_azure(blobs), executor)
    await put(in_azure(blobs), "a")
    blobs.play(Fault(route="read", status=503))
    with pytest.raises(SinkUnavailableError, match="does not give the blob back"):
        await held(inventory)
    assert await held(inventory) == {"a": 1}
    inventory.close()


async def test_a_container_that_may_not_be_listed_can_t_be_asked(
    blobs: AzureBlobs, executor: ThreadPoolExecutor
) -> None:
    inventory = Inventory(in_azure(blobs), executor)
    blobs.play(Fault(route="other", status=403, headers={"x-ms-error-code": "AuthorizationPermissionMismatch"}))
    with pytest.raises(SinkUnavailableError, match="does not list blobs"):
        await held(inventory)
    inventory.close()


async def test_a_folder_that_is_not_there_may_be_a_mount_and_can_t_be_asked(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    inventory = Inventory(LocalStore(tmp_path / "mount"), executor)
    with pytest.raises(SinkUnavailableError, match="does not exist"):
        await held(inventory)
    inventory.close()


async def test_a_store_that_hangs_is_left_at_the_deadline(blobs: AzureBlobs, executor: ThreadPoolExecutor) -> None:
    inventory = Inventory(in_azure(blobs), executor)
    blobs.play(Fault(route="other", delay_seconds=1))
    with pytest.raises(SinkUnavailableError, match="in time"):
        await held(inventory, seconds=0.2)
    inventory.close()
