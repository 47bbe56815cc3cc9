from collections.abc import AsyncIterator

import msgspec
import pytest

from adapters.base import Response
from adapters.sinks.openscale import OpenScaleSettings
from adapters.sinks.openscale.link import Link, link
from adapters.testing.conformance.records import in_seconds
from adapters.testing.emulator import Fault
from adapters.testing.openscale import OpenScaleEmulator
from gateway.transport import HttpTransport
from schemas.errors import SinkUnavailableError

V2 = {"url": "https://cluster.example/openscale/guid", "data_sets": {"credit-risk": "ds-1"}}
IDS = {"binding_id": "b-1", "subscription_id": "s-1"}
V1 = {"api": "v1", "url": "https://cluster.example", "subscriptions": {"credit-risk": IDS}, "data_mart_id": "dm"}
USER = {"username": "openscale-user", "password": "openscale-password"}


def settings_of(members: dict[str, object]) -> OpenScaleSettings:
    return msgspec.convert({"type": "openscale", **members}, OpenScaleSettings)


class Recorder:
    """A transport that issues tokens, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    async def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes = b"", **others: object
    ) -> Response:
        self.asked.append((method, url, headers, body))
        return Response(200, {}, b'{"access_token": "t-1", "token": "t-1", "accessToken": "t-1"}')


@pytest.fixture
async def openscale() -> AsyncIterator[OpenScaleEmulator]:
    async with OpenScaleEmulator() as emulator:
        yield emulator


@pytest.fixture
async def cloud(openscale: OpenScaleEmulator) -> AsyncIterator[Link]:
    settings = settings_of({**V2, "url": openscale.url, "token_url": openscale.iam_url, "apikey": "openscale-apikey"})
    async with HttpTransport() as transport:
        yield link(settings, transport)


async def test_records_are_sent_as_json_with_a_bearer_token() -> None:
    recorder = Recorder()
    await link(settings_of({**V2, "apikey": "k"}), recorder).post("https://x/records", b"[]", deadline=in_seconds(1))
    assert recorder.asked[1] == (
        "POST",
        "https://x/records",
        {"Authorization": "Bearer t-1", "Accept": "application/json", "Content-Type": "application/json"},
        b"[]",
    )


async def test_a_question_says_nothing_of_a_body() -> None:
    recorder = Recorder()
    await link(settings_of({**V2, "apikey": "k"}), recorder).get("https://x/records", deadline=in_seconds(1))
    assert recorder.asked[1][2] == {"Authorization": "Bearer t-1", "Accept": "application/json"}


@pytest.mark.parametrize(
    ("members", "method", "url"),
    [
        ({**V2, "apikey": "k"}, "POST", "https://iam.cloud.ibm.com/identity/token"),
        ({**V1, "apikey": "k"}, "POST", "https://iam.cloud.ibm.com/identity/token"),
        ({**V2, "apikey": "k", "token_url": "https://mcsp.example/apikeys/token"}, "POST", None),
        ({**V2, **USER}, "POST", "https://cluster.example/icp4d-api/v1/authorize"),
        ({**V2, **USER, "token_url": "https://o.example/"}, "POST", "https://o.example/icp4d-api/v1/authorize"),
        ({**V2, **USER, "token_url": "https://o.example/own/authorize"}, "POST", None),
        ({**V1, **USER}, "GET", "https://cluster.example/v1/preauth/validateAuth"),
        ({**V1, **USER, "token_url": "https://o.example"}, "GET", "https://o.example/v1/preauth/validateAuth"),
        ({**V1, "username": "u", "apikey": "k"}, "POST", "https://cluster.example/icp4d-api/v1/authorize"),
    ],
)
async def test_tokens_come_from_where_the_settings_say(
    members: dict[str, object], method: str, url: str | None
) -> None:
    recorder = Recorder()
    await link(settings_of(members), recorder).get("https://x/", deadline=in_seconds(1))
    assert recorder.asked[0][:2] == (method, url or members["token_url"])


async def test_a_401_is_answered_by_one_fresh_token_and_one_more_try(openscale: OpenScaleEmulator, cloud: Link) -> None:
    openscale.play(Fault(route="store", status=401, times=None))
    url = f"{openscale.url}/v2/data_sets/ds-1/records"
    assert (await cloud.post(url, b"[]", deadline=in_seconds(10))).status == 401
    assert (openscale.requests["store"], openscale.requests["iam_token"]) == (2, 2)


async def test_a_throttling_token_service_says_how_long_to_wait(openscale: OpenScaleEmulator, cloud: Link) -> None:
    openscale.play(Fault(route="iam_token", status=429, headers={"Retry-After": "11"}))
    with pytest.raises(SinkUnavailableError) as caught:
        await cloud.get(openscale.url, deadline=in_seconds(10))
    assert caught.value.retry_after == 11


async def test_refused_credentials_are_unavailable_and_show_in_no_message(openscale: OpenScaleEmulator) -> None:
    wrong = {"url": openscale.url, "token_url": openscale.iam_url, "apikey": "wrong-key"}
    async with HttpTransport() as transport:
        with pytest.raises(SinkUnavailableError, match="BXNIM0415E") as caught:
            await link(settings_of({**V2, **wrong}), transport).get(openscale.url, deadline=in_seconds(10))
    assert "wrong-key" not in f"{caught.value} {caught.value.__cause__}"
