import asyncio
import base64
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from adapters.base import Response, Token
from adapters.testing.emulator import Fault
from adapters.testing.openscale import OpenScaleEmulator
from adapters.tokens import CloudPakTokens, EntraTokens, IamTokens, RefreshingTokens
from gateway.transport import HttpTransport
from schemas.errors import EngineError, EngineRefusedError, EngineUnavailableError

APIKEY = "very-secret-apikey"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class NumberedTokens(RefreshingTokens):
    """Issues t1, t2, ..., each with 100 s to live, as soon as `gate` is open."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("The numbering office", clock=clock)
        self.clock = clock
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.fetches = 0
        self.failure: EngineError | None = None

    async def fetch(self, deadline: float) -> Token:
        self.fetches += 1
        number = self.fetches
        self.asked.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Token(f"t{number}", self.clock() + 100.0)


def in_seconds(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def value(tokens: RefreshingTokens, *, rejected: Token | None = None, seconds: float = 10.0) -> str:
    return (await tokens.token(deadline=in_seconds(seconds), rejected=rejected)).value


async def waiting(tokens: NumberedTokens, callers: int) -> list["asyncio.Task[str]"]:
    """Start callers, and return once one has asked the service and the others wait for it."""
    tokens.asked.clear()
    tasks = [asyncio.create_task(value(tokens)) for _ in range(callers)]
    await tokens.asked.wait()
    return tasks


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def tokens(clock: Clock) -> NumberedTokens:
    return NumberedTokens(clock)


async def test_a_token_is_kept_until_80_percent_of_its_life(tokens: NumberedTokens, clock: Clock) -> None:
    assert await value(tokens) == "t1"
    clock.now += 79.9
    assert await value(tokens) == "t1"
    clock.now += 0.2
    assert await value(tokens) == "t2"


async def test_many_callers_without_a_token_wait_for_one_fetch(tokens: NumberedTokens) -> None:
    tokens.gate.clear()
    tasks = await waiting(tokens, 50)
    tokens.gate.set()
    assert set(await asyncio.gather(*tasks)) == {"t1"}
    assert tokens.fetches == 1


async def test_nobody_waits_for_an_early_renewal_but_the_task_that_makes_it(
    tokens: NumberedTokens, clock: Clock
) -> None:
    await value(tokens)
    clock.now += 85
    tokens.gate.clear()
    [renewing] = await waiting(tokens, 1)
    assert await value(tokens) == "t1"
    tokens.gate.set()
    assert await renewing == "t2"
    assert await value(tokens) == "t2"


@pytest.mark.parametrize("kind", [EngineUnavailableError, EngineRefusedError])
async def test_a_failed_early_renewal_leaves_the_token_in_use_until_it_is_about_to_expire(
    tokens: NumberedTokens, clock: Clock, kind: type[EngineError]
) -> None:
    await value(tokens)
    clock.now += 80
    tokens.failure = kind("down")
    assert [await value(tokens), await value(tokens)] == ["t1", "t1"]
    assert tokens.fetches == 2
    clock.now += 15
    with pytest.raises(kind):
        await value(tokens)


async def test_a_silent_service_costs_an_early_renewal_half_of_the_time_left(
    tokens: NumberedTokens, clock: Clock
) -> None:
    await value(tokens)
    clock.now += 85
    tokens.gate.clear()
    assert await value(tokens, seconds=0.1) == "t1"


async def test_a_rejected_token_is_replaced_once_for_all_who_report_it(tokens: NumberedTokens) -> None:
    rejected = await tokens.token(deadline=in_seconds(10))
    values = await asyncio.gather(*(value(tokens, rejected=rejected) for _ in range(10)))
    assert set(values) == {"t2"}
    assert await value(tokens) == "t2"
    assert tokens.fetches == 2


async def test_a_service_that_is_silent_is_left_at_the_deadline(tokens: NumberedTokens) -> None:
    tokens.gate.clear()
    with pytest.raises(EngineUnavailableError, match="numbering office"):
        await value(tokens, seconds=0.02)
    tokens.gate.set()
    assert await value(tokens) == "t2"


async def test_a_waiting_caller_leaves_at_its_own_deadline(tokens: NumberedTokens) -> None:
    tokens.gate.clear()
    [fetching] = await waiting(tokens, 1)
    with pytest.raises(EngineUnavailableError):
        await value(tokens, seconds=0.02)
    tokens.gate.set()
    assert await fetching == "t1"


async def test_when_the_fetching_caller_is_cancelled_another_fetches(tokens: NumberedTokens) -> None:
    tokens.gate.clear()
    first, *others = await waiting(tokens, 5)
    first.cancel()
    tokens.gate.set()
    assert set(await asyncio.gather(*others)) == {"t2"}


async def test_callers_that_waited_for_a_refusal_do_not_ask_again(tokens: NumberedTokens) -> None:
    tokens.gate.clear()
    tokens.failure = EngineRefusedError("no", engine_status=400)
    tasks = await waiting(tokens, 20)
    tokens.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(result) for result in results} == {EngineRefusedError}
    assert tokens.fetches == 1
    tokens.failure = None
    assert await value(tokens) == "t2"


async def test_one_callers_tight_deadline_is_not_passed_on(tokens: NumberedTokens) -> None:
    tokens.gate.clear()
    tokens.asked.clear()
    hasty = asyncio.create_task(value(tokens, seconds=0.02))
    await tokens.asked.wait()
    patient = asyncio.create_task(value(tokens))
    with pytest.raises(EngineUnavailableError):
        await hasty
    tokens.gate.set()
    assert await patient == "t2"


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    async with HttpTransport() as transport:
        yield transport


@pytest.fixture
async def openscale() -> AsyncIterator[OpenScaleEmulator]:
    async with OpenScaleEmulator(apikey=APIKEY, username="user", password="pass word&=") as emulator:
        yield emulator


async def test_iam_exchanges_an_apikey_for_a_token_with_its_stated_life(
    openscale: OpenScaleEmulator, transport: HttpTransport, clock: Clock
) -> None:
    tokens = IamTokens(transport, apikey=APIKEY, url=openscale.iam_url, clock=clock)
    token = await tokens.token(deadline=in_seconds(10))
    assert token.expires_at == clock.now + 3600
    assert APIKEY not in repr(token)
    assert token.value not in repr(token)


async def test_cloud_pak_takes_a_password_or_an_apikey(
    openscale: OpenScaleEmulator, transport: HttpTransport, clock: Clock
) -> None:
    url = openscale.cloud_pak_url
    for tokens in (
        CloudPakTokens(transport, url=url, username="user", password="pass word&=", clock=clock),
        CloudPakTokens(transport, url=url, username="user", apikey=APIKEY, clock=clock),
    ):
        token = await tokens.token(deadline=in_seconds(10))
        assert token.expires_at == clock.now + 1800


class Recorder:
    """A transport that answers from a list and keeps what was sent."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str, bytes]] = []

    async def request(self, method: str, url: str, *, body: bytes = b"", **others: object) -> Response:
        self.sent.append((method, url, body))
        return self.answers.pop(0)


def reply(**members: object) -> Response:
    return Response(200, {}, msgspec.json.encode(members))


def jwt(**claims: float) -> str:
    payload = base64.urlsafe_b64encode(msgspec.json.encode(claims)).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


async def test_entra_sends_client_credentials_to_the_tenant(clock: Clock) -> None:
    recorder = Recorder(reply(access_token="t", expires_in=3599, token_type="Bearer"))
    tokens = EntraTokens(
        recorder,
        tenant="contoso",
        client_id="app",
        client_secret="s~/&",
        scope="https://ml.azure.com/.default",
        authority="https://login.example/",
        clock=clock,
    )
    assert await tokens.token(deadline=in_seconds(10)) == Token("t", clock.now + 3599)
    body = (
        b"grant_type=client_credentials&client_id=app&client_secret=s~%2F%26"
        b"&scope=https%3A%2F%2Fml.azure.com%2F.default"
    )
    assert recorder.sent == [("POST", "https://login.example/contoso/oauth2/v2.0/token", body)]


@pytest.mark.parametrize(
    ("members", "life"),
    [
        ({"access_token": "opaque", "expires_in": 60}, 60),
        ({"access_token": "opaque", "expires_in": "60"}, 60),
        ({"access_token": "opaque"}, 1800),
        ({"access_token": jwt(iat=5, exp=125)}, 120),
        ({"access_token": jwt(iat=5, exp=125), "expires_in": 60}, 60),
        ({"access_token": jwt(iat=5, exp=125), "expires_in": 3600}, 120),
        ({"access_token": jwt(exp=125)}, 1800),
        ({"access_token": "a.!!!.c"}, 1800),
    ],
)
async def test_the_life_of_a_token_is_the_shortest_that_is_stated(
    clock: Clock, members: dict[str, object], life: float
) -> None:
    tokens = IamTokens(Recorder(reply(**members)), apikey=APIKEY, clock=clock)
    assert (await tokens.token(deadline=in_seconds(10))).expires_at == clock.now + life


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff",
        b'{"a":' * 5000,
        b"[]",
        b"{}",
        b'{"access_token": null}',
        b'{"access_token": 1}',
        b'{"access_token": ""}',
        b'{"access_token": "a\\r\\nb"}',
        b'{"access_token": "t", "expires_in": "soon"}',
    ],
)
async def test_an_answer_without_a_usable_token_is_unavailable(body: bytes) -> None:
    tokens = IamTokens(Recorder(Response(200, {}, body)), apikey=APIKEY)
    with pytest.raises(EngineUnavailableError, match="IBM Cloud IAM"):
        await tokens.token(deadline=in_seconds(10))


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_service_that_throttles_or_fails_is_unavailable_and_says_how_long_to_wait(status: int) -> None:
    tokens = IamTokens(Recorder(Response(status, {"retry-after": "3"}, b"")), apikey=APIKEY)
    with pytest.raises(EngineUnavailableError) as caught:
        await tokens.token(deadline=in_seconds(10))
    assert (caught.value.retry_after, caught.value.engine_status, caught.value.retryable) == (3, status, True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"errorCode": "BXNIM0415E", "errorMessage": "very-secret-apikey"}', ", BXNIM0415E)"),
        (b'{"error": "invalid_client", "error_description": "very-secret-apikey"}', ", invalid_client)"),
        (b'{"error": "very-secret-apikey"}', "(status 400)"),
        (b'{"error": {"a": 1}}', "(status 400)"),
        (b"very-secret-apikey", "(status 400)"),
    ],
)
async def test_refused_credentials_are_told_by_the_services_code_alone(body: bytes, code: str) -> None:
    tokens = IamTokens(Recorder(Response(400, {}, body)), apikey=APIKEY)
    with pytest.raises(EngineRefusedError) as caught:
        await tokens.token(deadline=in_seconds(10))
    assert code in caught.value.message
    assert APIKEY not in caught.value.message


@pytest.mark.parametrize(
    "wrong",
    [
        lambda url, transport: IamTokens(transport, apikey="wrong", url=f"{url}/identity/token"),
        lambda url, transport: CloudPakTokens(
            transport, url=f"{url}/icp4d-api/v1/authorize", username="user", password="wrong"
        ),
    ],
)
async def test_wrong_credentials_are_refused_by_the_services(
    openscale: OpenScaleEmulator, transport: HttpTransport, wrong: Callable[[str, HttpTransport], RefreshingTokens]
) -> None:
    with pytest.raises(EngineRefusedError):
        await wrong(openscale.url, transport).token(deadline=in_seconds(10))


async def test_a_service_that_breaks_the_connection_is_unavailable(
    openscale: OpenScaleEmulator, transport: HttpTransport
) -> None:
    openscale.play(Fault(route="iam_token", connection="reset"))
    tokens = IamTokens(transport, apikey=APIKEY, url=openscale.iam_url)
    with pytest.raises(EngineUnavailableError):
        await tokens.token(deadline=in_seconds(10))
    assert await tokens.token(deadline=in_seconds(10))
