from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import pytest

from adapters.base import Response
from adapters.testing.conformance import gateway_transport
from adapters.testing.conformance.records import in_seconds
from adapters.testing.openscale import OpenScaleEmulator
from gateway.transport import HttpTransport

STORE = "/v1/data_marts/dm/scoring_payloads"
LIST = "/v1/data_marts/dm/scoring_transactions?subscription_id=s-1"


class Client:
    """Speaks API v1 with a token."""

    def __init__(self, openscale: OpenScaleEmulator, transport: HttpTransport) -> None:
        self.openscale, self.transport = openscale, transport
        self.headers = {"Content-Type": "application/json"}

    async def ask(self, method: str, path: str, body: object = None) -> Response:
        content = b"" if body is None else msgspec.json.encode(body)
        return await self.transport.request(
            method, self.openscale.url + path, headers=self.headers, body=content, deadline=in_seconds(10)
        )

    async def store(self, *scoring_ids: str) -> int:
        return (await self.ask("POST", STORE, [payload(scoring_id) for scoring_id in scoring_ids])).status

    async def listed(self, query: str = "") -> dict[str, Any]:
        return msgspec.json.decode((await self.ask("GET", LIST + query)).body)

    async def ids(self, query: str = "") -> list[str]:
        page = await self.listed(query)
        return [row[page["fields"].index("scoring_id")] for row in page["values"]]


def payload(scoring_id: str, **changes: object) -> Mapping[str, object]:
    return {
        "binding_id": "b-1",
        "subscription_id": "s-1",
        "deployment_id": "d-1",
        "scoring_id": scoring_id,
        "scoring_timestamp": "2026-11-21T10:00:00Z",
        "request": {"fields": ["Age"], "values": [[33]]},
        "response": {"fields": ["prediction", "probability"], "values": [["Risk", [0.2, 0.8]]]},
        **changes,
    }


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with (
        OpenScaleEmulator(data_mart="dm", subscriptions=["s-1"], polls=1) as openscale,
        gateway_transport() as transport,
    ):
        client = Client(openscale, transport)
        client.headers["Authorization"] = "Basic b3BlbnNjYWxlLXVzZXI6b3BlbnNjYWxlLXBhc3N3b3Jk"
        token = msgspec.json.decode((await client.ask("GET", "/v1/preauth/validateAuth")).body)["accessToken"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def test_payloads_are_stored_while_their_transactions_are_asked_for(client: Client) -> None:
    assert await client.store("a") == 202
    assert client.openscale.rows("s-1") == []
    assert await client.ids() == ["a-1"]


async def test_another_subscriptions_transactions_say_nothing_of_these(client: Client) -> None:
    await client.store("a")
    assert (await client.ask("GET", LIST.replace("s-1", "s-2"))).status == 404
    assert client.openscale.rows("s-1") == []


async def test_rows_are_listed_newest_first_or_as_told_and_counted(client: Client) -> None:
    await client.store("b", "a")
    assert await client.ids() == ["a-1", "b-1"]
    client.openscale.data_marts.oldest_first = True
    assert await client.ids() == ["b-1", "a-1"]
    assert await client.ids("&limit=1&offset=1") == ["a-1"]
    assert (await client.listed("&limit=1&include_total_count=true"))["total_count"] == 2


async def test_a_row_has_the_columns_of_its_call_and_vectors_as_text(client: Client) -> None:
    await client.store("a")
    page = await client.listed()
    assert dict(zip(page["fields"], page["values"][0], strict=True)) == {
        "scoring_id": "a-1",
        "scoring_timestamp": "2026-11-21T10:00:00Z",
        "deployment_id": "d-1",
        "Age": 33,
        "prediction": "Risk",
        "probability": "[0.2,0.8]",
    }


async def test_a_payload_at_fault_is_set_aside_alone_and_nobody_is_told(client: Client) -> None:
    client.openscale.poison.add("bad")
    assert await client.store("a", "bad") == 202
    assert await client.ids() == ["a-1"]
    assert client.openscale.data_marts.payload_errors == {"s-1": ["bad"]}


async def test_what_was_taken_can_be_lost(client: Client) -> None:
    await client.store("a")
    client.openscale.forget_requests()
    assert await client.ids() == []


async def test_an_answer_has_no_body_where_told(client: Client) -> None:
    client.openscale.data_marts.taken_status = 204
    answer = await client.ask("POST", STORE, [payload("a")])
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", STORE, [], 400),
        ("POST", STORE, payload("a"), 400),
        ("POST", STORE, [payload("a", multiple_records=True)], 400),
        ("POST", STORE, [payload("a", subscription_id="s-2")], 404),
        ("POST", STORE, [payload("refused")], 400),
        ("POST", STORE.replace("dm", "another"), [payload("a")], 404),
        ("GET", LIST + "&limit=x", None, 400),
        ("GET", LIST + "&start=2026-11-21T10:00:00Z", None, 400),
    ],
)
async def test_what_is_wrong_is_refused(client: Client, method: str, path: str, body: object, status: int) -> None:
    client.openscale.refused.add("refused")
    answer = await client.ask(method, path, body)
    assert (answer.status, client.openscale.taken) == (status, {})


async def test_payloads_are_taken_as_json_only(client: Client) -> None:
    client.headers["Content-Type"] = "text/csv"
    assert await client.store("a") == 415


async def test_nothing_is_served_without_a_token(client: Client) -> None:
    client.headers["Authorization"] = "Bearer unknown"
    assert await client.store("a") == 401
    assert (await client.ask("GET", LIST)).status == 401
