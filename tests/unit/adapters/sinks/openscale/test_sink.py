from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from adapters.base import AuditableSink, RecordFilter, Response, Settlement
from adapters.sinks.openscale import OpenScale, OpenScaleSettings, connect, plugin
from adapters.testing.conformance.records import DEPLOYMENT, batch_of, in_seconds, payload_record
from adapters.testing.emulator import Fault
from adapters.testing.openscale import OpenScaleEmulator
from gateway.transport import HttpTransport
from schemas.errors import SinkUnavailableError

BASE = {"type": "openscale", "url": "https://cluster.example/openscale/guid", "data_sets": {DEPLOYMENT: "ds-1"}}


def settings_of(**members: object) -> OpenScaleSettings:
    return msgspec.convert({**BASE, **members}, OpenScaleSettings)


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    async with HttpTransport() as transport:
        yield transport


@pytest.fixture
async def openscale() -> AsyncIterator[OpenScaleEmulator]:
    async with OpenScaleEmulator() as emulator:
        yield emulator


def cloud(openscale: OpenScaleEmulator, **members: object) -> OpenScaleSettings:
    return settings_of(url=openscale.url, token_url=openscale.iam_url, apikey="openscale-apikey", **members)


class Recorder:
    """A transport that issues tokens, takes records, and keeps URL and headers of what was asked."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.headers: dict[str, str] = {}

    async def request(self, method: str, url: str, *, headers: dict[str, str], **others: object) -> Response:
        self.urls.append(url)
        self.headers = headers
        if method == "POST" and "/records" not in url:
            return Response(200, {}, b'{"access_token": "t-1", "token": "t-1"}')
        return Response(202, {"location": "/v2/data_sets/x/requests/r/1"}, b"")


async def urls_of(settings: OpenScaleSettings) -> list[str]:
    recorder = Recorder()
    await OpenScale(settings, recorder).send(batch_of([payload_record()], "ds/1 ü"), deadline=in_seconds(1))
    return recorder.urls


async def test_records_go_to_the_v2_data_set_below_the_configured_url_with_a_bearer_token() -> None:
    recorder = Recorder()
    sink = OpenScale(settings_of(apikey="k", url="https://cluster.example/openscale/guid/"), recorder)
    await sink.send(batch_of([payload_record()], "ds-1"), deadline=in_seconds(1))
    assert recorder.urls == [
        "https://iam.cloud.ibm.com/identity/token",
        "https://cluster.example/openscale/guid/v2/data_sets/ds-1/records",
    ]
    assert recorder.headers == {
        "Authorization": "Bearer t-1",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }


async def test_a_data_set_id_is_one_segment_of_the_path_whatever_it_holds() -> None:
    assert (await urls_of(settings_of(apikey="k")))[1].endswith("/v2/data_sets/ds%2F1%20%C3%BC/records")


@pytest.mark.parametrize(
    ("members", "url"),
    [
        ({}, "https://cluster.example/icp4d-api/v1/authorize"),
        ({"token_url": "https://other.example"}, "https://other.example/icp4d-api/v1/authorize"),
        ({"token_url": "https://other.example/"}, "https://other.example/icp4d-api/v1/authorize"),
        ({"token_url": "https://other.example/own/authorize"}, "https://other.example/own/authorize"),
    ],
)
async def test_a_username_asks_the_cluster_for_tokens(members: dict[str, object], url: str) -> None:
    assert (await urls_of(settings_of(username="u", password="p", **members)))[0] == url


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"password": "p"},
        {"apikey": "k", "password": "p"},
        {"username": "u"},
        {"username": "u", "password": "p", "apikey": "k"},
        {"apikey": ""},
        {"apikey": "k", "url": "cluster.example"},
        {"apikey": "k", "data_sets": {"no spaces": "ds"}},
        {"apikey": "k", "data_sets": {DEPLOYMENT: ""}},
        {"apikey": "k", "unknown": 1},
    ],
)
def test_settings_that_cannot_work_are_refused(members: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        settings_of(**members)


def test_settings_show_no_value() -> None:
    assert repr(settings_of(apikey="very-secret")) == "OpenScaleSettings(...)"


def test_every_option_is_described() -> None:
    properties = msgspec.json.schema(plugin.settings)["$defs"]["OpenScaleSettings"]["properties"]
    assert [name for name, option in properties.items() if "description" not in option] == []


async def test_it_is_owed_the_scored_application_calls_of_its_deployments(transport: HttpTransport) -> None:
    settings = settings_of(apikey="k", data_sets={"a": "1", "b": "2"})
    async with connect(settings, transport) as sink:
        assert sink.filter == RecordFilter(
            deployments=frozenset({"a", "b"}), outcomes=frozenset({"scored"}), origins=frozenset({"application"})
        )
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


async def test_a_refused_apikey_is_unavailable_and_shows_in_no_message(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    settings = settings_of(url=openscale.url, token_url=openscale.iam_url, apikey="wrong-key")
    async with connect(settings, transport) as sink:
        with pytest.raises(SinkUnavailableError, match="BXNIM0415E") as caught:
            await sink.send(batch_of([payload_record()], "ds-1"), deadline=in_seconds(10))
    assert "wrong-key" not in f"{caught.value} {caught.value.__cause__}"
    assert "store" not in openscale.requests


async def test_a_throttling_token_service_says_how_long_to_wait(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    openscale.play(Fault(route="iam_token", status=429, headers={"Retry-After": "11"}))
    async with connect(cloud(openscale), transport) as sink:
        with pytest.raises(SinkUnavailableError) as caught:
            await sink.send(batch_of([payload_record()], "ds-1"), deadline=in_seconds(10))
    assert caught.value.retry_after == 11


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
