from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from adapters.base import AuditableSink, Response, Settlement, Token
from adapters.sinks.openscale import OpenScaleSettings, connect
from adapters.sinks.openscale.data_sets import DataSets
from adapters.sinks.openscale.link import Link
from adapters.testing.conformance.records import DEPLOYMENT, batch_of, in_seconds, payload_record
from adapters.testing.emulator import Fault
from adapters.testing.openscale import OpenScaleEmulator
from gateway.transport import HttpTransport
from schemas.errors import SinkUnavailableError

BASE = {"type": "openscale", "url": "https://cluster.example/openscale/guid", "data_sets": {DEPLOYMENT: "ds-1"}}


def settings_of(**members: object) -> OpenScaleSettings:
    return msgspec.convert({**BASE, **members}, OpenScaleSettings)


@pytest.fixture
async def openscale() -> AsyncIterator[OpenScaleEmulator]:
    async with OpenScaleEmulator() as emulator:
        yield emulator


def cloud(openscale: OpenScaleEmulator, **members: object) -> OpenScaleSettings:
    return settings_of(url=openscale.url, token_url=openscale.iam_url, apikey="openscale-apikey", **members)


class Tokens:
    """A source that never runs dry."""

    async def token(self, **others: object) -> Token:
        return Token("t-1", 0.0)


class Recorder:
    """A transport that takes records, and keeps the URLs."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    async def request(self, method: str, url: str, **others: object) -> Response:
        self.urls.append(url)
        return Response(202, {"location": "/v2/data_sets/x/requests/r/1"}, b"")


@pytest.mark.parametrize(
    ("url", "data_set", "asked"),
    [
        ("https://cluster.example/openscale/guid/", "ds-1", "/openscale/guid/v2/data_sets/ds-1/records"),
        ("https://cluster.example", "ds/1 ü", "/v2/data_sets/ds%2F1%20%C3%BC/records"),
    ],
)
async def test_records_go_to_their_data_set_which_is_one_segment_whatever_it_holds(
    url: str, data_set: str, asked: str
) -> None:
    recorder = Recorder()
    sink = DataSets(Link(Tokens(), recorder), settings_of(apikey="k", url=url))
    await sink.send(batch_of([payload_record()], data_set), deadline=in_seconds(1))
    assert recorder.urls == [f"https://cluster.example{asked}"]


async def test_a_batch_holds_one_data_set(transport: HttpTransport) -> None:
    async with connect(settings_of(apikey="k", data_sets={"a": "1", "b": "2"}), transport) as sink:
        assert sink.partition(replace(payload_record(), deployment_id="b")) == "2"


async def test_a_record_that_is_too_large_is_stored_in_parts_with_every_row(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    batch = batch_of([payload_record(40, scoring_id="big", meta=True)], "ds-1")
    async with connect(cloud(openscale, batch={"kb": 1}), transport) as sink:
        receipt = await sink.send(batch, deadline=in_seconds(10))
        assert await sink.settle(receipt, deadline=in_seconds(10)) == Settlement(state="stored")
        await sink.send(batch, deadline=in_seconds(10))
    rows = openscale.rows("ds-1")
    assert sorted(row["Age"] for row in rows) == [20 + n for n in range(40)]
    assert sorted(openscale.taken) == [f"big.{k}" for k in range(1, len(openscale.taken) + 1)]


async def test_a_batch_in_parts_settles_with_its_last_part(transport: HttpTransport) -> None:
    batch = batch_of([payload_record(40, scoring_id="big")], "ds-1")
    async with OpenScaleEmulator(polls=1) as openscale, connect(cloud(openscale, batch={"kb": 1}), transport) as sink:
        receipt = await sink.send(batch, deadline=in_seconds(10))
        parts = openscale.requests["store"]
        states = [(await sink.settle(receipt, deadline=in_seconds(10))).state for _ in range(parts + 1)]
        assert states == ["not_yet"] * parts + ["stored"]
        assert len(openscale.rows("ds-1")) == 40


async def test_poison_shows_when_the_batch_settles(openscale: OpenScaleEmulator, transport: HttpTransport) -> None:
    openscale.poison.add("bad")
    batch = batch_of([payload_record(scoring_id="good"), payload_record(scoring_id="bad")], "ds-1")
    async with connect(cloud(openscale), transport) as sink:
        outcome = await sink.settle(await sink.send(batch, deadline=in_seconds(10)), deadline=in_seconds(10))
    assert (outcome.state, openscale.rows("ds-1")) == ("failed", [])


async def test_a_401_is_answered_by_one_fresh_token_and_one_more_try(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    openscale.play(Fault(route="store", status=401, times=None))
    async with connect(cloud(openscale), transport) as sink:
        with pytest.raises(SinkUnavailableError, match="status 401"):
            await sink.send(batch_of([payload_record()], "ds-1"), deadline=in_seconds(10))
    assert (openscale.requests["store"], openscale.requests["iam_token"]) == (2, 2)


async def test_cloud_pak_for_data_takes_records_with_its_own_tokens(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    settings = settings_of(url=openscale.url, username="openscale-user", password="openscale-password")
    async with connect(settings, transport) as sink:
        receipt = await sink.send(batch_of([payload_record()], "ds-1"), deadline=in_seconds(10))
        assert (await sink.settle(receipt, deadline=in_seconds(10))).state == "stored"
    assert "iam_token" not in openscale.requests


async def test_it_tells_page_by_page_what_the_data_set_holds_of_a_time(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    records = [payload_record(400, scoring_id=f"{n:032x}") for n in range(4)]
    async with connect(cloud(openscale, batch={"kb": 20}), transport) as sink:
        assert isinstance(sink, AuditableSink)
        await sink.send(batch_of(records, "ds-1"), deadline=in_seconds(20))
        moment = datetime.fromisoformat(records[0].scoring_timestamp)
        held: Counter[str] = Counter()
        for start, end in ((moment, moment + timedelta(seconds=1)), (moment - timedelta(seconds=1), moment)):
            async for found in sink.held(DEPLOYMENT, start=start, end=end, deadline=in_seconds(20)):
                held[found.scoring_id] += found.rows
        async for _ in sink.held("unknown", start=moment, end=moment, deadline=in_seconds(5)):
            raise AssertionError
    assert held == {record.scoring_id: 400 for record in records}
    assert any("." in scoring_id for scoring_id in openscale.taken)
    assert openscale.requests["records"] == 4


async def test_a_row_that_is_there_twice_is_told_twice(openscale: OpenScaleEmulator, transport: HttpTransport) -> None:
    record = payload_record(2, scoring_id="a")
    moment = datetime.fromisoformat(record.scoring_timestamp)
    async with connect(cloud(openscale), transport) as sink:
        assert isinstance(sink, AuditableSink)
        await sink.send(batch_of([record], "ds-1"), deadline=in_seconds(10))
        openscale.repeat_row("ds-1", "a-2")
        found = sink.held(DEPLOYMENT, start=moment, end=moment + timedelta(seconds=1), deadline=in_seconds(10))
        assert sum([held.rows async for held in found]) == 3
