import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import msgspec
import pytest

from adapters.base import AuditableSink, Settlement, Sink
from adapters.sinks.openscale import OpenScaleSettings, connect
from adapters.testing.conformance.records import DEPLOYMENT, batch_of, in_seconds, payload_record
from adapters.testing.emulator import Fault
from adapters.testing.openscale import OpenScaleEmulator
from gateway.payloadlog.cursors import DeadLetter
from gateway.payloadlog.delivery import Delivery
from gateway.payloadlog.pace import Pace
from gateway.transport import HttpTransport
from schemas.errors import SinkUnavailableError
from schemas.payload import PayloadRecord

IDS = {"binding_id": "binding-1", "subscription_id": "subscription-1"}
USER = {"username": "openscale-user", "password": "openscale-password"}


@pytest.fixture
async def openscale() -> AsyncIterator[OpenScaleEmulator]:
    async with OpenScaleEmulator(
        data_mart="00000000-0000-0000-0000-000000000000", subscriptions=["subscription-1"]
    ) as emulator:
        yield emulator


def cluster(openscale: OpenScaleEmulator, **members: object) -> OpenScaleSettings:
    base = {"type": "openscale", "api": "v1", "url": openscale.url, "subscriptions": {DEPLOYMENT: IDS}}
    return msgspec.convert({**base, **USER, **members}, OpenScaleSettings)


async def delivered(sink: Sink, *records: PayloadRecord) -> Settlement:
    """Send records, and ask once what became of them."""
    receipt = await sink.send(batch_of(records, "subscription-1"), deadline=in_seconds(20))
    return await sink.settle(receipt, deadline=in_seconds(20))


async def test_records_go_to_the_clusters_own_data_mart_and_count_as_stored_when_their_rows_are_read_back(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    async with connect(cluster(openscale), transport) as sink:
        assert await delivered(sink, payload_record(2, scoring_id="a")) == Settlement(state="stored")
    [first, _] = openscale.rows("subscription-1")
    assert (first["scoring_id"], first["deployment_id"], first["prediction"]) == ("a-1", DEPLOYMENT, "No Risk")
    assert openscale.requests["validate_auth"] == 1


async def test_an_instance_of_ibm_cloud_is_a_data_mart_with_its_tokens(transport: HttpTransport) -> None:
    async with OpenScaleEmulator(data_mart="instance-1") as openscale:
        cloud = {"username": None, "password": None, "apikey": "openscale-apikey", "token_url": openscale.iam_url}
        settings = cluster(openscale, **cloud, data_mart_id="instance-1")
        async with connect(settings, transport) as sink:
            assert (await delivered(sink, payload_record())).state == "stored"
    assert openscale.requests["iam_token"] == 1


async def test_an_answer_without_a_body_is_as_good(openscale: OpenScaleEmulator, transport: HttpTransport) -> None:
    openscale.data_marts.taken_status = 204
    async with connect(cluster(openscale), transport) as sink:
        assert (await delivered(sink, payload_record())).state == "stored"


async def test_a_data_mart_that_is_not_there_costs_no_record(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    async with connect(cluster(openscale, data_mart_id="another"), transport) as sink:
        with pytest.raises(SinkUnavailableError, match="status 404, not_found") as caught:
            await delivered(sink, payload_record())
    assert caught.value.target == f"subscriptions.{DEPLOYMENT}"


async def test_what_is_taken_is_not_stored_before_its_last_row_is_there(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    async with connect(cluster(openscale), transport) as sink:
        receipt = await sink.send(
            batch_of([payload_record(3, scoring_id="a")], "subscription-1"), deadline=in_seconds(9)
        )
        openscale.lose_rows("subscription-1", "a-2")
        assert (await sink.settle(receipt, deadline=in_seconds(9))).state == "not_yet"
        openscale.copy_row("subscription-1", "a-1", "a-2")
        assert (await sink.settle(receipt, deadline=in_seconds(9))).state == "stored"


async def test_rows_that_do_not_appear_in_time_have_failed_with_a_reason_that_quotes_nothing(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    openscale.poison.add("bad")
    async with connect(cluster(openscale, stored_within_seconds=1e-9), transport) as sink:
        outcome = await delivered(sink, payload_record(scoring_id="good"), payload_record(2, scoring_id="bad"))
        assert (outcome.state, "2 of their 3 rows" in (outcome.reason or "")) == ("failed", True)
        assert (await delivered(sink, payload_record(scoring_id="good"))).state == "stored"
    assert openscale.data_marts.payload_errors == {"subscription-1": ["bad"]}
    assert [row["scoring_id"] for row in openscale.rows("subscription-1")] == ["good-1"]


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_new_rows_are_found_in_a_long_table_whatever_its_order_without_reading_all_of_it(
    openscale: OpenScaleEmulator, transport: HttpTransport, oldest_first: bool
) -> None:
    openscale.data_marts.oldest_first = oldest_first
    async with connect(cluster(openscale, batch={"kb": 100_000}), transport) as sink:
        await sink.send(batch_of([payload_record(9000, scoring_id="a")], "subscription-1"), deadline=in_seconds(20))
        assert (await delivered(sink, payload_record(scoring_id="b"))).state == "stored"
    assert openscale.requests["transactions"] <= 4


async def test_rows_in_the_middle_of_a_long_table_are_found_before_they_are_given_up(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    async with connect(cluster(openscale, batch={"kb": 100_000}, stored_within_seconds=1e-9), transport) as sink:
        for scoring_id in ("a", "c"):
            batch = batch_of([payload_record(4000, scoring_id=scoring_id)], "subscription-1")
            await sink.send(batch, deadline=in_seconds(20))
            if scoring_id == "a":
                receipt = await sink.send(
                    batch_of([payload_record(scoring_id="b")], "subscription-1"), deadline=in_seconds(20)
                )
        assert (await sink.settle(receipt, deadline=in_seconds(20))).state == "stored"
    assert openscale.requests["transactions"] == 5


async def test_to_be_accepted_is_enough_where_the_settings_say_so(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    openscale.poison.add("bad")
    async with connect(cluster(openscale, confirm="accepted"), transport) as sink:
        assert (await delivered(sink, payload_record(scoring_id="bad"))).state == "stored"
    assert "transactions" not in openscale.requests


async def test_a_conflict_is_no_refusal_and_no_proof(openscale: OpenScaleEmulator, transport: HttpTransport) -> None:
    openscale.play(Fault(route="store_v1", status=409))
    async with connect(cluster(openscale, confirm="accepted"), transport) as sink:
        record = payload_record(scoring_id="a")
        assert (await delivered(sink, record)).state == "not_yet"
        assert (await delivered(sink, record)).state == "stored"
        openscale.play(Fault(route="store_v1", status=409))
        assert (await delivered(sink, record)).state == "stored"


async def test_a_record_that_is_too_large_is_stored_in_parts_that_count_as_the_record(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    record = payload_record(40, scoring_id="big", meta=True)
    async with connect(cluster(openscale, batch={"kb": 1}), transport) as sink:
        assert (await delivered(sink, record, payload_record(scoring_id="small"))).state == "stored"
        assert (await delivered(sink, record)).state == "stored"
        assert isinstance(sink, AuditableSink)
        start = datetime.fromisoformat(record.scoring_timestamp)
        held: Counter[str] = Counter()
        async for found in sink.held(DEPLOYMENT, start=start, end=start + timedelta(hours=1), deadline=in_seconds(9)):
            held[found.scoring_id] += found.rows
    assert held == {"big": 40, "small": 1}
    assert openscale.taken["big.1"] == 2


async def test_a_poison_record_is_found_by_reading_back_and_all_others_arrive(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    ids = [f"{n:02}" for n in range(32)]
    openscale.poison.add("17")
    advances: list[tuple[int, int, list[DeadLetter]]] = []

    async def advance(cursor: int, delivered: int, dead: Sequence[DeadLetter]) -> None:
        advances.append((cursor, delivered, list(dead)))

    pace = Pace(ask=0.001, ask_at_most=0.001, backoff=0.001, backoff_at_most=0.001)
    async with connect(cluster(openscale, stored_within_seconds=0.01), transport) as sink:
        delivery = Delivery(sink, pace, advance=advance, pause=asyncio.sleep)
        batch = batch_of([payload_record(scoring_id=scoring_id) for scoring_id in ids], "subscription-1")
        await delivery.deliver(batch)
    dead = [letter for _, _, letters in advances for letter in letters]
    assert [letter.scoring_id for letter in dead] == ["17"]
    assert "1 of their 1 rows are not in the data mart" in dead[0].reason
    assert sum(delivered for _, delivered, _ in advances) == 31
    assert [row["scoring_id"] for row in openscale.rows("subscription-1")] == [f"{n}-1" for n in ids if n != "17"]
    assert openscale.requests["store_v1"] <= 3 + 2 * 5 + 3
