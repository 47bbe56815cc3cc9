import asyncio
import json
from datetime import UTC, datetime

import asyncpg
import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from adapters.base import Settlement
from adapters.testing.conformance.records import CANARY, in_seconds, payload_record
from schemas.errors import SinkRefusedError, SinkUnavailableError
from schemas.payload import NULL
from tests.acceptance.postgres.conftest import Database
from tests.acceptance.postgres.deliveries import batch, deliver
from tests.postgres_server import PASSWORD

STORED = Settlement(state="stored")


async def test_a_row_of_the_table_holds_all_that_is_known_of_a_scored_row(database: Database) -> None:
    sink = await database.sink()
    assert await deliver(sink, payload_record(2, scoring_id="a", meta=True)) == STORED
    _, row = await database.fetch(
        "SELECT id, scoring_id, n, transaction_id, deployment_id, engine, origin, caller, scoring_timestamp, "
        "response_time, status, outcome, caller_gone, request, response, meta, labels FROM payload_records ORDER BY n"
    )
    assert row[:13] == (
        "a-2", "a", 2, "transaction", "credit-risk", "aws", "application", "loans-app",
        datetime(2026, 11, 21, 10, 0, 0, 123456, UTC), 42, 200, "scored", False,
    )  # fmt: skip
    assert [json.loads(text) for text in row[13:]] == [
        {"Age": 21, "Job": CANARY},
        {"prediction": "No Risk", "probability": [0.9, 0.1]},
        {"Region": "region 1"},
        ["No Risk", "Risk"],
    ]
    assert await database.fetch("SELECT n FROM payload_records WHERE (request->>'Age')::int > 20") == [(2,)]


async def test_a_call_without_answer_keeps_its_rows_with_a_null_response(database: Database) -> None:
    record = replace(payload_record(2, scoring_id="a"), response=NULL, outcome="engine_timeout", status=504)
    sink = await database.sink()
    await deliver(sink, record)
    rows = await database.fetch("SELECT id, status, response IS NULL FROM payload_records ORDER BY 1")
    assert rows == [("a-1", 504, True), ("a-2", 504, True)]


async def test_a_record_with_a_nul_is_refused_by_name_and_the_others_are_stored(database: Database) -> None:
    bad = replace(payload_record(scoring_id="b"), request=Raw(b'{"fields": ["a"], "values": [["\\u0000"]]}'))
    sink = await database.sink()
    settlement = await deliver(sink, payload_record(scoring_id="a"), bad, payload_record(scoring_id="c"))
    assert [refusal.scoring_id for refusal in settlement.refused] == ["b"]
    assert await database.ids() == ["a-1", "c-1"]


async def test_a_number_beyond_those_of_the_database_is_refused_and_the_halves_find_it(database: Database) -> None:
    bad = replace(payload_record(scoring_id="b"), request=Raw(b'{"values": [[1e200000]]}'))
    sink = await database.sink()
    for records in ([payload_record(scoring_id="a"), bad], [bad]):
        with pytest.raises(SinkRefusedError):
            await deliver(sink, *records)
    assert await deliver(sink, payload_record(scoring_id="a")) == STORED
    assert await database.ids() == ["a-1"]


async def test_numbers_keep_all_their_digits(database: Database) -> None:
    numbers = f"[{10**40 + 1}, 0.1000000000000000055511151231257827, 1e-300]"
    record = replace(payload_record(scoring_id="a"), request=Raw(f'{{"values": [{numbers}]}}'.encode()))
    await deliver(await database.sink(), record)
    ((first, second),) = await database.fetch("SELECT request->>0, request->>1 FROM payload_records")
    assert (first, second) == (str(10**40 + 1), "0.1000000000000000055511151231257827")


async def test_what_the_encoding_of_the_database_can_t_hold_is_refused(database: Database) -> None:
    await database.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    try:
        sink = await database.sink(dsn=database.server.dsn("latin"))
        record = replace(payload_record(), request=Raw('{"fields": ["a"], "values": [["ю"]]}'.encode()))
        with pytest.raises(SinkRefusedError):
            await deliver(sink, record)
        assert await deliver(sink, payload_record()) == STORED
    finally:
        await database.execute("DROP DATABASE latin WITH (FORCE)")


async def test_a_batch_that_fails_half_way_leaves_nothing_behind(database: Database) -> None:
    sink = await database.sink()
    await deliver(sink, payload_record(scoring_id="makes-the-table"))
    await database.execute("TRUNCATE payload_records; ALTER TABLE payload_records ADD CHECK (n < 3000)")
    # More than one statement's worth.
    with pytest.raises(SinkRefusedError):
        await deliver(sink, payload_record(3000, scoring_id="a", width=3000))
    assert await database.ids() == []
    assert await deliver(sink, payload_record(2999, scoring_id="a", width=3000)) == STORED
    assert await database.fetch("SELECT count(*) FROM payload_records") == [(2999,)]


async def test_a_commit_lasts_even_where_the_database_does_not_wait_for_its_disk(database: Database) -> None:
    sink = await database.sink()
    await deliver(sink, payload_record(scoring_id="makes-the-table"))
    await database.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = off")
    await database.execute(
        "CREATE TABLE seen (setting text);"
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;"
        "CREATE TRIGGER look AFTER INSERT ON payload_records EXECUTE FUNCTION look()"
    )
    await deliver(await database.sink(), payload_record())
    assert await database.fetch("SELECT setting FROM seen") == [("on",)]


async def test_connections_that_the_server_ended_are_replaced(database: Database) -> None:
    sink = await database.sink()
    await deliver(sink, payload_record(scoring_id="a"))
    await database.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name = 'openscale-gateway' AND datname = current_database()"
    )
    assert await deliver(sink, payload_record(scoring_id="b")) == STORED


async def test_a_server_that_restarts_costs_no_attempt_afterwards_and_no_row(database: Database) -> None:
    sink = await database.sink()
    await asyncio.gather(*(deliver(sink, payload_record(scoring_id=scoring_id)) for scoring_id in ("a", "b")))
    await database.server.restart()
    assert await deliver(sink, payload_record(scoring_id="b"), payload_record(scoring_id="c")) == STORED
    assert await database.ids() == ["a-1", "b-1", "c-1"]


async def test_no_more_connections_are_made_than_allowed(database: Database) -> None:
    sink = await database.sink(connections=2)
    await asyncio.gather(*(deliver(sink, payload_record()) for _ in range(10)))
    assert await database.fetch(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'openscale-gateway' "
        "AND datname = current_database()"
    ) == [(2,)]


async def test_a_statement_that_waits_too_long_is_unavailable_and_leaves_the_connection_usable(
    database: Database,
) -> None:
    sink = await database.sink(statement_timeout_seconds=0.2, connections=1)
    await deliver(sink, payload_record(scoring_id="a"))
    blocker = await asyncpg.connect(database.server.dsn(database.name))
    try:
        await blocker.execute("BEGIN; LOCK TABLE payload_records")
        with pytest.raises(SinkUnavailableError, match="SQLSTATE"):
            await deliver(sink, payload_record(scoring_id="b"))
    finally:
        await blocker.close()
    await deliver(sink, payload_record(scoring_id="b"))
    assert await database.ids() == ["a-1", "b-1"]


@pytest.mark.parametrize(
    ("user", "password", "name", "words"),
    [
        ("gateway", "another", None, "rejects the credentials"),
        ("nobody", "another", None, "rejects the credentials"),
        ("gateway", PASSWORD, "no_such_database", "does not know the database"),
    ],
)
async def test_a_wrong_dsn_is_unavailable_and_never_quoted(
    database: Database, user: str, password: str, name: str | None, words: str
) -> None:
    dsn = database.server.dsn(name or database.name, user=user, password=password)
    sink = await database.sink(dsn=dsn)
    with pytest.raises(SinkUnavailableError, match=words) as caught:
        await deliver(sink, payload_record())
    assert password not in f"{caught.value!r} {caught.value.__cause__!r} {sink!r}"


@pytest.mark.parametrize("dsn", ["postgresql://gateway:very-secret@127.0.0.1:port/db", "postgresql://[::1/very-secret"])
async def test_a_dsn_that_can_t_be_read_is_unavailable_and_never_quoted(database: Database, dsn: str) -> None:
    sink = await database.sink(dsn=dsn)
    with pytest.raises(SinkUnavailableError, match="dsn") as caught:
        await deliver(sink, payload_record())
    assert "very-secret" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_database_that_is_read_only_is_unavailable(database: Database) -> None:
    await deliver(await database.sink(), payload_record())
    await database.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    with pytest.raises(SinkUnavailableError, match="standby"):
        await deliver(await database.sink(), payload_record())


async def test_no_error_quotes_a_row(database: Database) -> None:
    sink = await database.sink()
    await deliver(sink, payload_record(scoring_id="makes-the-table"))
    await database.execute(f"ALTER TABLE payload_records ADD CHECK (request->>'Job' <> '{CANARY}') NOT VALID")
    with pytest.raises(SinkRefusedError) as caught:
        await deliver(sink, payload_record())
    assert CANARY not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_rows_go_to_the_month_of_utc_whatever_the_time_zone_of_the_database(database: Database) -> None:
    await database.execute(f"ALTER DATABASE {database.name} SET timezone = 'Asia/Tokyo'")
    sink = await database.sink()
    last = replace(payload_record(scoring_id="a"), scoring_timestamp="2026-12-31T23:59:59.999999Z")
    first = replace(payload_record(scoring_id="b"), scoring_timestamp="2027-01-01T00:00:00.000000Z")
    for record in (last, first):
        await deliver(sink, record)
    assert await database.ids("payload_records_2026_12") == ["a-1"]
    assert await database.ids("payload_records_2027_01") == ["b-1"]


async def test_a_deadline_that_passes_in_a_statement_leaves_nothing_behind(database: Database) -> None:
    sink = await database.sink()
    await deliver(sink, payload_record(scoring_id="a"))
    blocker = await asyncpg.connect(database.server.dsn(database.name))
    try:
        await blocker.execute("BEGIN; LOCK TABLE payload_records")
        with pytest.raises(SinkUnavailableError, match="in time"):
            await sink.send(batch(sink, payload_record(scoring_id="b")), deadline=in_seconds(0.2))
    finally:
        await blocker.close()
    await deliver(sink, payload_record(scoring_id="c"))
    assert "b-1" not in await database.ids()


async def test_values_are_never_read_as_sql(database: Database) -> None:
    hostile = "'); DROP TABLE payload_records; --"
    record = replace(
        payload_record(scoring_id="a"),
        caller=hostile,
        request=Raw(msgspec.json.encode({"fields": [hostile], "values": [[hostile]]})),
    )
    await deliver(await database.sink(), record)
    ((caller, request),) = await database.fetch("SELECT caller, request FROM payload_records")
    assert (caller, json.loads(request)) == (hostile, {hostile: hostile})
