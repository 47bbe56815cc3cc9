import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest
from msgspec.structs import replace

from adapters.base import Settlement
from adapters.sinks.postgres.statements import Statements
from adapters.testing.conformance.records import payload_record
from schemas.errors import SinkUnavailableError
from schemas.payload import PayloadRecord
from tests.acceptance.postgres.conftest import Database
from tests.acceptance.postgres.deliveries import deliver
from tests.postgres_server import PASSWORD

STORED = Settlement(state="stored")
PLAIN_TABLE = Statements("public", "payload_records").create_table().partition(" PARTITION BY")[0]


def record_of(months_ago: int) -> PayloadRecord:
    today = datetime.now(UTC)
    year, month = divmod(today.year * 12 + today.month - 1 - months_ago, 12)
    moment = f"{year:04}-{month + 1:02}-01T00:00:00.000000Z"
    return replace(payload_record(scoring_id=f"months-ago-{months_ago:02}"), scoring_timestamp=moment)


async def test_gateways_that_start_at_the_same_time_make_one_table_and_one_partition(database: Database) -> None:
    sinks = [await database.sink() for _ in range(8)]
    settlements = await asyncio.gather(*(deliver(sink, payload_record()) for sink in sinks))
    assert settlements == [STORED] * 8
    assert await database.partitions() == ["payload_records_2026_11"]
    assert len(await database.ids()) == 8


async def test_schema_and_table_may_have_any_case_and_be_reserved_words(database: Database) -> None:
    await database.execute('CREATE SCHEMA "Select"')
    sink = await database.sink(schema="Select", table="Table")
    assert await deliver(sink, payload_record(scoring_id="a")) == STORED
    assert await database.ids('"Select"."Table"') == ["a-1"]


async def test_readers_are_not_locked_out_while_a_partition_is_made(database: Database) -> None:
    sink = await database.sink(statement_timeout_seconds=5)
    await deliver(sink, payload_record(scoring_id="a"))
    reader = await asyncpg.connect(database.server.dsn(database.name))
    try:
        await reader.execute("BEGIN; SELECT count(*) FROM payload_records")
        next_month = replace(payload_record(), scoring_timestamp="2026-12-01T00:00:00.000000Z")
        assert await deliver(sink, next_month) == STORED
    finally:
        await reader.close()


async def test_partitions_past_their_retention_are_dropped_and_their_records_refused_by_name(
    database: Database,
) -> None:
    keeper = await database.sink()
    for months_ago in (0, 1, 2, 3, 14):
        await deliver(keeper, record_of(months_ago))
    await database.execute("CREATE TABLE payload_records_2001_01 (id text)")
    sink = await database.sink(retain_months=2)
    assert await deliver(sink, record_of(2)) == STORED
    assert await database.ids() == ["months-ago-00-1", "months-ago-01-1", "months-ago-02-1"]
    settlement = await deliver(sink, record_of(3))
    assert [refusal.scoring_id for refusal in settlement.refused] == ["months-ago-03"]
    assert len(await database.partitions()) == 3
    assert await database.ids("payload_records_2001_01") == [], "a table that is no partition is not ours"


async def test_a_reader_puts_retention_off_and_not_delivery(database: Database) -> None:
    await deliver(await database.sink(), record_of(5))
    reader = await asyncpg.connect(database.server.dsn(database.name))
    try:
        await reader.execute("BEGIN; SELECT count(*) FROM payload_records")
        assert await deliver(await database.sink(retain_months=1), record_of(0)) == STORED
    finally:
        await reader.close()
    assert await database.ids() == ["months-ago-00-1", "months-ago-05-1"]


async def test_a_partition_that_vanished_is_made_again(database: Database) -> None:
    sink = await database.sink()
    await deliver(sink, payload_record(scoring_id="a"))
    await database.execute("DROP TABLE payload_records_2026_11")
    with pytest.raises(SinkUnavailableError, match="no partition"):
        await deliver(sink, payload_record(scoring_id="b"))
    assert await deliver(sink, payload_record(scoring_id="b")) == STORED
    await database.execute("DROP TABLE payload_records")
    with pytest.raises(SinkUnavailableError, match="the table is gone"):
        await deliver(sink, payload_record(scoring_id="c"))
    assert await deliver(sink, payload_record(scoring_id="c")) == STORED
    assert await database.ids() == ["c-1"]


async def test_insert_is_all_that_a_user_needs_where_somebody_else_makes_the_table(database: Database) -> None:
    await deliver(await database.sink(), payload_record(scoring_id="makes-the-table"))
    writer = f"writer_{database.name}"
    await database.execute(
        f"CREATE ROLE {writer} LOGIN PASSWORD '{PASSWORD}'; GRANT INSERT ON payload_records TO {writer}"
    )
    dsn = database.server.dsn(database.name, user=writer)
    sink = await database.sink(dsn=dsn, create=False)
    for _ in range(2):
        assert await deliver(sink, payload_record(scoring_id="a")) == STORED
    assert await database.ids() == ["a-1", "makes-the-table-1"]
    december = replace(payload_record(), scoring_timestamp="2026-12-01T00:00:00.000000Z")
    with pytest.raises(SinkUnavailableError, match="no partition"):
        await deliver(sink, december)
    with pytest.raises(SinkUnavailableError, match="lacks a privilege"):
        await deliver(await database.sink(dsn=dsn), december)


async def test_a_plain_table_of_one_s_own_is_used_as_it_is(database: Database) -> None:
    await database.execute(f"{PLAIN_TABLE}; ALTER TABLE payload_records ADD note text")
    sink = await database.sink(create=False)
    for _ in range(2):
        assert await deliver(sink, payload_record(scoring_id="a")) == STORED
    assert await database.ids() == ["a-1"]


@pytest.mark.parametrize(
    ("sql", "create", "words"),
    [
        ("SELECT", False, "does not exist: create it, or set `create: true`"),
        (PLAIN_TABLE, True, "is not partitioned"),
        (
            "CREATE TABLE payload_records (id text PRIMARY KEY, n int)",
            True,
            "lacks columns: scoring_id",
        ),
        (f"{PLAIN_TABLE}; ALTER TABLE payload_records DROP CONSTRAINT payload_records_pkey", False, "no unique key"),
        (
            f"{PLAIN_TABLE}; ALTER TABLE payload_records DROP CONSTRAINT payload_records_pkey, ADD UNIQUE (id, n)",
            False,
            "no unique key",
        ),
    ],
)
async def test_a_table_that_can_t_take_the_rows_is_unavailable_and_the_message_says_why(
    database: Database, sql: str, create: bool, words: str
) -> None:
    await database.execute(sql)
    with pytest.raises(SinkUnavailableError, match=words) as caught:
        await deliver(await database.sink(create=create), payload_record())
    assert caught.value.target == "table"


async def test_partitions_of_somebody_else_are_not_built_upon(database: Database) -> None:
    sink = await database.sink()
    await deliver(sink, payload_record())
    await database.execute(
        "CREATE TABLE others PARTITION OF payload_records FOR VALUES FROM ('2026-12-15') TO ('2027-06-01')"
    )
    december = replace(payload_record(), scoring_timestamp="2026-12-01T00:00:00.000000Z")
    with pytest.raises(SinkUnavailableError, match="a partition that the gateway did not make"):
        await deliver(sink, december)


async def test_a_missing_schema_is_unavailable_and_named_as_the_reason(database: Database) -> None:
    with pytest.raises(SinkUnavailableError, match="does not know the schema"):
        await deliver(await database.sink(schema="nowhere"), payload_record())
