from collections.abc import AsyncIterator
from urllib.parse import urlencode

import msgspec
import pytest

from adapters.base import Response
from adapters.testing.conformance.records import in_seconds
from adapters.testing.openscale import OpenScaleEmulator
from gateway.transport import HttpTransport

RECORDS = "/v2/data_sets/ds-1/records"


class Client:
    """Speaks to the emulator as the documentation describes it."""

    def __init__(self, openscale: OpenScaleEmulator, transport: HttpTransport) -> None:
        self.openscale = openscale
        self.transport = transport
        self.headers = {"Content-Type": "application/json"}

    async def ask(self, method: str, path: str, body: object = None) -> Response:
        content = b"" if body is None else msgspec.json.encode(body)
        url = self.openscale.url + path
        return await self.transport.request(method, url, headers=self.headers, body=content, deadline=in_seconds(10))

    async def iam(self, **form: str) -> Response:
        return await self.transport.request(
            "POST",
            self.openscale.iam_url,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
            deadline=in_seconds(10),
        )

    async def login(self) -> None:
        answer = await self.iam(grant_type="urn:ibm:params:oauth:grant-type:apikey", apikey="openscale-apikey")
        self.headers["Authorization"] = f"Bearer {msgspec.json.decode(answer.body)['access_token']}"

    async def store(self, *scoring_ids: str) -> str:
        """Store one-row records and return the path of the request's status."""
        answer = await self.ask("POST", RECORDS, [record(scoring_id) for scoring_id in scoring_ids])
        assert (answer.status, msgspec.json.decode(answer.body)) == (202, {"state": "preparing"})
        return answer.headers["location"]

    async def state(self, path: str) -> str:
        return msgspec.json.decode((await self.ask("GET", path)).body)["state"]


def record(scoring_id: str) -> dict[str, object]:
    return {
        "request": {"fields": ["Age"], "values": [[33]]},
        "response": {"fields": ["prediction"], "values": [["Risk"]]},
        "scoring_id": scoring_id,
        "scoring_timestamp": "2026-11-21T10:00:00Z",
        "multiple_records": True,
    }


@pytest.fixture
async def openscale() -> AsyncIterator[OpenScaleEmulator]:
    async with OpenScaleEmulator(data_sets=["ds-1"], polls=2) as emulator:
        yield emulator


@pytest.fixture
async def client(openscale: OpenScaleEmulator) -> AsyncIterator[Client]:
    async with HttpTransport() as transport:
        client = Client(openscale, transport)
        await client.login()
        yield client


async def test_rows_are_stored_after_the_polls_and_before_the_state_is_active(
    openscale: OpenScaleEmulator, client: Client
) -> None:
    path = await client.store("a")
    assert openscale.rows("ds-1") == []
    assert [await client.state(path) for _ in range(2)] == ["preparing", "preparing"]
    assert [row["scoring_id"] for row in openscale.rows("ds-1")] == ["a-1"]
    assert [await client.state(path) for _ in range(2)] == ["active", "active"]


async def test_a_record_that_comes_again_is_taken_again_and_stored_once(client: Client) -> None:
    async with OpenScaleEmulator() as openscale:
        client.openscale = openscale
        await client.login()
        await client.store("a", "b")
        await client.store("b")
        assert [row["scoring_id"] for row in openscale.rows("ds-1")] == ["a-1", "b-1"]
        assert openscale.taken == {"a": 1, "b": 2}


async def test_stored_rows_are_read_back(openscale: OpenScaleEmulator, client: Client) -> None:
    path = await client.store("a", "b")
    for _ in range(2):
        await client.state(path)
    answer = await client.ask(
        "GET", f"{RECORDS}?format=list&includes=scoring_id,Age,prediction&include_total_count=true"
    )
    assert msgspec.json.decode(answer.body) == {
        "total_count": 2,
        "records": [
            {"fields": ["scoring_id", "Age", "prediction"], "values": [["a-1", 33, "Risk"], ["b-1", 33, "Risk"]]}
        ],
    }


async def test_poison_ends_in_error_with_nothing_of_the_request_stored(
    openscale: OpenScaleEmulator, client: Client
) -> None:
    openscale.poison.add("bad")
    for path in (await client.store("good", "bad"), await client.store("bad.2")):
        assert [await client.state(path) for _ in range(3)] == ["preparing", "preparing", "error"]
    assert openscale.rows("ds-1") == []


async def test_failing_requests_end_in_error_as_often_as_told(openscale: OpenScaleEmulator, client: Client) -> None:
    openscale.failing = 1
    paths = [await client.store("a"), await client.store("a")]
    states = [[await client.state(path) for _ in range(3)][-1] for path in paths]
    assert states == ["error", "active"]


async def test_a_refused_record_is_answered_with_400(openscale: OpenScaleEmulator, client: Client) -> None:
    openscale.refused.add("bad")
    answer = await client.ask("POST", RECORDS, [record("good"), record("bad.1")])
    assert answer.status == 400
    assert openscale.taken == {}


async def test_what_was_taken_and_not_stored_can_be_lost(openscale: OpenScaleEmulator, client: Client) -> None:
    path = await client.store("a")
    openscale.forget_requests()
    assert (await client.ask("GET", path)).status == 404
    assert openscale.rows("ds-1") == []


@pytest.mark.parametrize("body", [[], {}, [{**record("a"), "binding_id": "v1"}], [{"scoring_id": "a"}]])
async def test_records_of_another_shape_are_answered_with_errors_and_a_trace(client: Client, body: object) -> None:
    answer = await client.ask("POST", RECORDS, body)
    error = msgspec.json.decode(answer.body)
    assert answer.status == 400
    assert set(error) == {"errors", "trace"}
    assert error["errors"][0]["message"]


async def test_records_are_taken_as_json_only(client: Client) -> None:
    client.headers["Content-Type"] = "text/csv"
    assert (await client.ask("POST", RECORDS, [record("a")])).status == 415


async def test_an_unknown_data_set_request_or_parameter_is_refused(client: Client) -> None:
    assert (await client.ask("POST", "/v2/data_sets/ds-2/records", [record("a")])).status == 404
    assert (await client.ask("GET", "/v2/data_sets/ds-1/requests/none")).status == 404
    assert (await client.ask("GET", f"{RECORDS}?filter=Age:eq:1")).status == 400


@pytest.mark.parametrize("authorization", ["", "Bearer unknown", "Basic dXNlcjpwYXNz"])
async def test_nothing_is_served_without_a_token_that_was_issued(client: Client, authorization: str) -> None:
    client.headers["Authorization"] = authorization
    assert (await client.ask("POST", RECORDS, [record("a")])).status == 401
    assert (await client.ask("GET", RECORDS)).status == 401
    assert (await client.ask("GET", "/v2/data_sets/ds-1/requests/none")).status == 401


async def test_a_token_ends_with_its_life_or_when_it_is_revoked(openscale: OpenScaleEmulator, client: Client) -> None:
    assert (await client.ask("GET", RECORDS)).status == 200
    openscale.revoke_tokens()
    assert (await client.ask("GET", RECORDS)).status == 401
    async with OpenScaleEmulator(token_seconds=0) as expired:
        client.openscale = expired
        await client.login()
        assert (await client.ask("GET", RECORDS)).status == 401


async def test_iam_takes_only_its_grant_and_its_apikey(client: Client) -> None:
    grant = "urn:ibm:params:oauth:grant-type:apikey"
    answer = await client.iam(grant_type=grant, apikey="wrong")
    assert (answer.status, msgspec.json.decode(answer.body)["errorCode"]) == (400, "BXNIM0415E")
    assert (await client.iam(grant_type="password", apikey="openscale-apikey")).status == 400
    issued = msgspec.json.decode((await client.iam(grant_type=grant, apikey="openscale-apikey")).body)
    assert (issued["token_type"], issued["expires_in"]) == ("Bearer", 3600)


@pytest.mark.parametrize(
    ("credentials", "status"),
    [
        ({"username": "openscale-user", "password": "openscale-password"}, 200),
        ({"username": "openscale-user", "api_key": "openscale-apikey"}, 200),
        ({"username": "openscale-user", "password": "wrong"}, 401),
        ({"username": "openscale-user"}, 401),
        (None, 401),
    ],
)
async def test_cloud_pak_takes_a_password_or_an_apikey(client: Client, credentials: object, status: int) -> None:
    answer = await client.ask("POST", "/icp4d-api/v1/authorize", credentials)
    assert answer.status == status
    if status == 200:
        client.headers["Authorization"] = f"Bearer {msgspec.json.decode(answer.body)['token']}"
        assert (await client.ask("GET", RECORDS)).status == 200


@pytest.mark.parametrize("base", ["", "/openscale", "/openscale/00000000-0000-0000-0000-000000000000"])
async def test_data_sets_are_found_below_the_bases_that_ibms_sdk_knows(client: Client, base: str) -> None:
    assert (await client.ask("GET", base + RECORDS)).status == 200
    assert (await client.ask("GET", "/elsewhere" + RECORDS)).status == 404
