from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json
from structlog.testing import capture_logs

from gateway.api.access import Gate, access_policy
from gateway.api.auth import Authenticator
from gateway.api.draining import Draining
from gateway.api.guard import Guard
from gateway.api.payloads_route import DEFAULT_RECORDS, MAX_RECORDS, PARAMETERS, PayloadsRoute, payload_query
from gateway.api.server import application
from gateway.metrics import Metrics
from gateway.payloadlog.appending import Appender
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.spool import Spool
from schemas.configuration import AuthSettings, ServerSettings
from schemas.errors import InvalidRequestError
from tests.fakes.gateways import BASIC, OPEN, running_gateway
from tests.fakes.payload_records import entry

Client = TestClient[web.Request, web.Application]
FIRST_US = 1_700_000_000_000_000


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return Spool.open(tmp_path / "payloads.db", max_bytes=1_000_000_000).path


@pytest.fixture
def append(spool: Path) -> Callable[..., None]:
    def append_all(*entries: Any) -> None:
        appender = Appender(spool)
        appender.append(entries)
        appender.close()

    return append_all


@pytest.fixture
async def client(aiohttp_client: Callable[[web.Application], Awaitable[Client]], spool: Path) -> Client:
    settings = AuthSettings(mode="none", open_operator_routes=True)
    gate = Gate(Authenticator(settings), access_policy(settings, ServerSettings()))
    guard = Guard(gate, Metrics(), Draining(1.0))
    return await aiohttp_client(application(PayloadsRoute(SpoolReader(spool)).routes(), guard, max_body_bytes=1000))


async def page(client: Client, **parameters: Any) -> dict[str, Any]:
    response = await client.get("/v1/payloads", params=parameters)
    assert response.status == 200
    assert response.content_type == "application/json"
    document = json.decode(await response.read())
    assert document.keys() == {"records", "next"}
    return dict(document)


def ids(document: dict[str, Any]) -> list[str]:
    return [record["scoring_id"] for record in document["records"]]


async def test_records_come_as_they_are_stored(client: Client, append: Callable[..., None]) -> None:
    entries = [entry(), entry(outcome="engine_timeout")]
    append(*entries)
    text = await (await client.get("/v1/payloads")).read()
    assert text == b'{"records":[%s,%s],"next":null}' % (entries[0].line, entries[1].line)


async def test_pages_follow_each_other_without_gap_or_repeat(client: Client, append: Callable[..., None]) -> None:
    entries = [entry() for _ in range(7)]
    append(*entries)
    seen: list[str] = []
    position: dict[str, str] = {}
    while True:
        document = await page(client, limit=3, **position)
        seen += ids(document)
        if document["next"] is None:
            break
        assert len(document["records"]) == 3
        position = {"after": document["next"]}
    assert seen == [item.scoring_id for item in entries]


async def test_page_that_ends_with_the_last_record_has_no_next(client: Client, append: Callable[..., None]) -> None:
    append(*(entry() for _ in range(4)))
    assert (await page(client, limit=4))["next"] is None
    assert (await page(client, limit=3))["next"] is not None
    assert await page(client, after="4") == {"records": [], "next": None}


async def test_a_page_holds_a_hundred_records_unless_told_otherwise(
    client: Client, append: Callable[..., None]
) -> None:
    append(*(entry() for _ in range(MAX_RECORDS + 1)))
    assert len((await page(client))["records"]) == DEFAULT_RECORDS == 100
    assert len((await page(client, limit=MAX_RECORDS))["records"]) == MAX_RECORDS == 1000


async def test_filters_by_deployment_and_by_time(client: Client, append: Callable[..., None]) -> None:
    entries = [entry("ab"[n % 2], scored_at_us=FIRST_US + n * 1_000_000) for n in range(6)]
    append(*entries)
    start = "2023-11-14T22:13:21Z"
    end = "2023-11-14T23:13:25.000000+01:00"
    assert ids(await page(client, deployment_id="b")) == [entries[n].scoring_id for n in (1, 3, 5)]
    assert ids(await page(client, start=start)) == [item.scoring_id for item in entries[1:]]
    assert ids(await page(client, end=end)) == [item.scoring_id for item in entries[:5]]
    assert ids(await page(client, start=start, end=end, deployment_id="a")) == [entries[n].scoring_id for n in (2, 4)]
    assert ids(await page(client, start=end, end=start)) == []
    assert ids(await page(client, deployment_id="nobody")) == []


@pytest.mark.parametrize(
    ("parameters", "target"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=1.5", "limit"),
        ("limit=-1", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("after=x", "after"),
        ("after=-1", "after"),
        ("after=9223372036854775808", "after"),
        ("start=yesterday", "start"),
        ("start=2026-11-21", "start"),
        ("start=2026-11-21T12:00:00", "start"),
        ("start=2026-02-30T12:00:00Z", "start"),
        ("end=2026-11-21T25:00:00Z", "end"),
        ("end=2026-11-21T12:00:00+01:00", "end"),
        ("limit=1&limit=2", "limit"),
        ("start_us=1", "start_us"),
        ("Limit=1", "Limit"),
        ("x" * 300 + "=1", "x" * 64),
    ],
)
async def test_bad_parameter_is_refused_by_name(client: Client, parameters: str, target: str) -> None:
    response = await client.get(f"/v1/payloads?{parameters}", allow_redirects=False)
    assert response.status == 400
    (error,) = (await response.json())["errors"]
    assert (error["code"], error["target"]) == ("invalid_request", target)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*PARAMETERS, "other"]), st.text(max_size=30)), max_size=4))
def test_any_parameters_are_read_or_refused_with_their_name(parameters: list[tuple[str, str]]) -> None:
    names = {name for name, _ in parameters}
    try:
        query = payload_query(parameters)
    except InvalidRequestError as error:
        refused = error.target
    else:
        refused = None
        assert 1 <= query.limit <= MAX_RECORDS
    assert refused is None or refused in names


async def test_large_page_is_streamed_and_whole(client: Client, append: Callable[..., None]) -> None:
    entries = [entry(filler=1_500_000) for _ in range(7)]
    append(*entries)
    response = await client.get("/v1/payloads?limit=6")
    assert "Content-Length" not in response.headers
    document = json.decode(await response.read())
    assert ids(document) == [item.scoring_id for item in entries[:6]]
    assert ids(await page(client, after=document["next"])) == [entries[6].scoring_id]


async def test_page_that_breaks_off_is_no_valid_answer(
    client: Client, append: Callable[..., None], spool: Path
) -> None:
    append(*(entry(filler=4_000_000) for _ in range(8)))
    response = await client.get("/v1/payloads")
    assert await response.content.read(10) == b'{"records"'
    for file in spool.parent.glob("payloads.db*"):
        file.unlink()
    with pytest.raises(aiohttp.ClientError):
        await response.read()


async def test_missing_spool_is_a_503_that_says_why(client: Client, spool: Path) -> None:
    for file in spool.parent.glob("payloads.db*"):
        file.unlink()
    response = await client.get("/v1/payloads")
    assert response.status == 503
    assert response.headers["Retry-After"] == "1"
    assert (await response.json())["errors"][0]["code"] == "payload_log_unavailable"


async def test_reader_that_leaves_is_no_fault(client: Client, append: Callable[..., None]) -> None:
    append(*(entry(filler=4_000_000) for _ in range(8)))
    with capture_logs() as log:
        response = await client.get("/v1/payloads")
        await response.content.read(10)
        response.close()
        assert (await page(client, limit=1))["next"] == "1"
        await client.server.close()
    assert not log


async def test_only_operators_read_records(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, auth=BASIC) as gateway:
        statuses = [
            (await gateway.call("GET", "/v1/payloads", user=user)).status
            for user in (None, "loans-app", "openscale", "ops")
        ]
        assert statuses == [401, 403, 403, 200]


async def test_records_of_real_calls_are_read_back(tmp_path: Path) -> None:
    open_to_all = AuthSettings(mode="none", open_operator_routes=True)
    async with running_gateway(tmp_path, auth=open_to_all) as gateway:
        scored = await gateway.score({"fields": ["a"], "values": [[1]]})
        answer = await gateway.call("GET", "/v1/payloads", params={"deployment_id": "credit"})
        (record,) = answer.body["records"]
        assert record["scoring_id"] == scored.headers["X-Scoring-Id"]


async def test_without_authentication_records_are_closed_unless_opened(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, auth=OPEN) as gateway:
        answer = await gateway.call("GET", "/v1/payloads")
        assert answer.status == 403
        assert "auth.open_operator_routes" in answer.error["message"]
