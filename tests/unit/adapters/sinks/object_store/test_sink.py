import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import duckdb
import msgspec
import pyarrow.dataset
import pytest
from msgspec.structs import replace

from adapters.base import RecordFilter, Settlement
from adapters.sinks.object_store import ObjectStoreSettings, connect, plugin
from adapters.testing.conformance.records import batch_of, in_seconds, payload_record
from adapters.testing.emulator import Fault
from gateway.transport import HttpTransport
from schemas.errors import SinkUnavailableError
from schemas.payload import NULL, PayloadRecord
from tests.fakes.object_stores import AZURE_KEY, AzureBlobs


@pytest.fixture
async def blobs() -> AsyncIterator[AzureBlobs]:
    async with AzureBlobs() as blobs:
        yield blobs


def settings_of(**members: object) -> ObjectStoreSettings:
    return msgspec.convert({"type": "object_store", **members}, ObjectStoreSettings)


def in_azure(blobs: AzureBlobs) -> ObjectStoreSettings:
    azure = {"account_url": f"{blobs.url}/account", "account_key": AZURE_KEY}
    return settings_of(url="azure://records", format="jsonl", azure=azure)


def names_of(blobs: AzureBlobs) -> list[str]:
    return sorted(name.rpartition("/")[2] for name in blobs.blobs)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.jsonl"))


def records_of(*scoring_ids: str) -> list[PayloadRecord]:
    return [payload_record(scoring_id=scoring_id) for scoring_id in scoring_ids]


async def test_a_folder_is_a_data_set_in_hive_partitions(tmp_path: Path, transport: HttpTransport) -> None:
    async with connect(settings_of(url=tmp_path.as_uri()), transport) as sink:
        for day in ("2026-11-20", "2026-11-21"):
            records = [replace(record, scoring_timestamp=f"{day}T23:59:59.999999Z") for record in records_of("a", "b")]
            receipt = await sink.send(batch_of(records, sink.partition(records[0])), deadline=in_seconds(10))
            assert await sink.settle(receipt, deadline=in_seconds(1)) == Settlement(state="stored")
    table = pyarrow.dataset.dataset(tmp_path, format="parquet", partitioning="hive").to_table()
    rows = table.sort_by([("date", "ascending"), ("scoring_id", "ascending")]).to_pylist()
    assert [(row["deployment_id"], row["date"], row["scoring_id"]) for row in rows] == [
        ("credit-risk", "2026-11-20", "a"),
        ("credit-risk", "2026-11-20", "b"),
        ("credit-risk", "2026-11-21", "a"),
        ("credit-risk", "2026-11-21", "b"),
    ]


@pytest.mark.parametrize("format_", ["parquet", "jsonl", "jsonl.gz"])
async def test_duckdb_reads_many_objects_of_several_days_as_one_table(
    tmp_path: Path, transport: HttpTransport, format_: str
) -> None:
    async with connect(settings_of(url=tmp_path.as_uri(), format=format_), transport) as sink:
        bare = {"transaction_id": None, "caller": None, "response_time": None, "response": NULL}
        for day, scoring_id, members in (("20", "a", {}), ("21", "b", bare), ("21", "c", {})):
            record = replace(
                payload_record(2, scoring_id=scoring_id), scoring_timestamp=f"2026-11-{day}T01:00:00.000001Z", **members
            )
            await sink.send(batch_of([record], sink.partition(record)), deadline=in_seconds(10))
    read = "read_parquet" if format_ == "parquet" else "read_json"
    table = f"{read}('{tmp_path}/**/*.{format_}', hive_partitioning = true)"
    columns = "deployment_id, date::text, scoring_id, rows, response IS NULL"
    found = duckdb.sql(f"SELECT {columns} FROM {table} ORDER BY scoring_id").fetchall()  # noqa: S608
    assert found == [
        ("credit-risk", "2026-11-20", "a", 2, False),
        ("credit-risk", "2026-11-21", "b", 2, True),
        ("credit-risk", "2026-11-21", "c", 2, False),
    ]


async def test_a_batch_that_grew_after_a_restart_is_in_no_object_twice(
    tmp_path: Path, transport: HttpTransport
) -> None:
    settings = settings_of(url=tmp_path.as_uri(), format="jsonl")
    records = records_of("a", "b", "c")
    for n in (2, 3):
        async with connect(settings, transport) as sink:
            await sink.send(batch_of(records[:n], sink.partition(records[0])), deadline=in_seconds(10))
    assert names_in(tmp_path) == ["a-b-2.jsonl", "c-c-1.jsonl"]


async def test_a_batch_that_is_stored_already_is_settled_and_not_written_again(
    blobs: AzureBlobs, transport: HttpTransport
) -> None:
    for _ in range(2):
        async with connect(in_azure(blobs), transport) as sink:
            batch = batch_of(records_of("a", "b"), sink.partition(payload_record()))
            await sink.send(batch, deadline=in_seconds(10))
    assert blobs.requests["store"] == 1


async def test_a_repeat_is_stored_once_also_where_requeued_records_went_in_between(
    blobs: AzureBlobs, transport: HttpTransport
) -> None:
    async with connect(in_azure(blobs), transport) as sink:
        partition = sink.partition(payload_record())
        blobs.play(Fault(route="store", connection="lose"))
        with pytest.raises(SinkUnavailableError):
            await sink.send(batch_of(records_of("k", "l"), partition), deadline=in_seconds(10))
        await sink.send(batch_of(records_of("c"), partition), deadline=in_seconds(10))
        await sink.send(batch_of(records_of("k", "l", "m"), partition), deadline=in_seconds(10))
    assert names_of(blobs) == ["c-c-1.jsonl", "k-l-2.jsonl", "m-m-1.jsonl"]


async def test_what_an_earlier_process_stored_is_not_written_again_after_requeued_records(
    blobs: AzureBlobs, transport: HttpTransport
) -> None:
    partition = "deployment_id=credit-risk/date=2026-11-21"
    for batches in ([("k", "l")], [("c",), ("k", "l", "m")]):
        async with connect(in_azure(blobs), transport) as sink:
            for batch in batches:
                await sink.send(batch_of(records_of(*batch), partition), deadline=in_seconds(10))
    assert names_of(blobs) == ["c-c-1.jsonl", "k-l-2.jsonl", "m-m-1.jsonl"]


async def test_a_write_that_was_left_at_its_deadline_ends_before_its_repeat_begins(
    blobs: AzureBlobs, transport: HttpTransport
) -> None:
    async with connect(in_azure(blobs), transport) as sink:
        partition = sink.partition(payload_record())
        await sink.send(batch_of(records_of("before"), partition), deadline=in_seconds(10))
        blobs.play(Fault(route="store", delay_seconds=1.0))
        with pytest.raises(SinkUnavailableError, match="in time"):
            await sink.send(batch_of(records_of("a", "b"), partition), deadline=in_seconds(0.3))
        await sink.send(batch_of(records_of("a", "b", "c"), partition), deadline=in_seconds(10))
    assert names_of(blobs) == ["a-b-2.jsonl", "before-before-1.jsonl", "c-c-1.jsonl"]


async def test_a_write_that_was_left_is_waited_for_also_where_requeued_records_were_left_since(
    blobs: AzureBlobs, transport: HttpTransport
) -> None:
    async with connect(in_azure(blobs), transport) as sink:
        partition = sink.partition(payload_record())
        blobs.play(Fault(route="store", times=2, delay_seconds=0.8))
        for scoring_ids in (("k", "l"), ("c",)):
            with pytest.raises(SinkUnavailableError, match="in time"):
                await sink.send(batch_of(records_of(*scoring_ids), partition), deadline=in_seconds(0.2))
        for scoring_ids in (("k", "l", "m"), ("c", "d")):
            await sink.send(batch_of(records_of(*scoring_ids), partition), deadline=in_seconds(10))
    assert names_of(blobs) == ["c-c-1.jsonl", "d-d-1.jsonl", "k-l-2.jsonl", "m-m-1.jsonl"]


async def test_a_deployment_whose_write_hangs_delays_no_other(blobs: AzureBlobs, transport: HttpTransport) -> None:
    async with connect(in_azure(blobs), transport) as sink:
        blobs.play(Fault(route="store", delay_seconds=30))
        hanging = asyncio.create_task(
            sink.send(batch_of(records_of("a"), "deployment_id=slow/date=2026-11-21"), deadline=in_seconds(60))
        )
        await blobs.seen("store")
        async with asyncio.timeout(5):
            await sink.send(batch_of(records_of("b"), sink.partition(payload_record())), deadline=in_seconds(10))
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging


async def test_opening_reaches_for_nothing(blobs: AzureBlobs, transport: HttpTransport) -> None:
    await blobs.__aexit__(None, None, None)
    async with connect(in_azure(blobs), transport) as sink:
        assert sink.filter == RecordFilter()
    async with connect(settings_of(url="s3://bucket"), transport) as sink:
        assert sink.partition(payload_record()) == "deployment_id=credit-risk/date=2026-11-21"


async def test_the_filter_is_what_the_settings_select(tmp_path: Path, transport: HttpTransport) -> None:
    settings = settings_of(url=tmp_path.as_uri(), outcomes=["scored"])
    async with connect(settings, transport) as sink:
        assert sink.filter == RecordFilter(outcomes=frozenset({"scored"}))


def test_the_plugin_is_named_as_the_configuration_names_it() -> None:
    assert plugin.kind == "object_store"
    assert plugin.settings is ObjectStoreSettings
