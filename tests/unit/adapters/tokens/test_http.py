import base64

import msgspec
import pytest

from adapters.base import Response
from adapters.tokens.http import HttpTokens, TokenRequest, form_request, json_request
from schemas.errors import EngineRefusedError, EngineUnavailableError
from tests.unit.adapters.tokens.recorder import Recorder, in_seconds, reply

NOW = 1_000_000.0
URL = "https://tokens.example/token"
SECRET = "very-secret-apikey"


def tokens(*answers: Response, request: TokenRequest | None = None) -> HttpTokens:
    request = request or form_request(URL, {"apikey": SECRET})
    return HttpTokens(Recorder(*answers), "The token office", request, clock=lambda: NOW)


def jwt(**claims: float) -> str:
    payload = base64.urlsafe_b64encode(msgspec.json.encode(claims)).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


@pytest.mark.parametrize(
    ("request_", "content_type", "body"),
    [
        (form_request(URL, {"a": "ü&", "b": "c"}), "application/x-www-form-urlencoded", b"a=%C3%BC%26&b=c"),
        (json_request(URL, {"a": "ü"}), "application/json", '{"a":"ü"}'.encode()),
    ],
)
async def test_a_request_is_sent_as_it_was_made(request_: TokenRequest, content_type: str, body: bytes) -> None:
    recorder = Recorder(reply(access_token="t", token="t"))
    await HttpTokens(recorder, "The token office", request_).token(deadline=in_seconds(10))
    assert recorder.sent == [("POST", URL, body)]
    assert recorder.headers == [{"Content-Type": content_type, "Accept": "application/json"}]


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
async def test_the_life_of_a_token_is_the_shortest_that_is_stated(members: dict[str, object], life: float) -> None:
    assert (await tokens(reply(**members)).token(deadline=in_seconds(10))).expires_at == NOW + life


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
    with pytest.raises(EngineUnavailableError, match="The token office"):
        await tokens(Response(200, {}, body)).token(deadline=in_seconds(10))


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_service_that_throttles_or_fails_is_unavailable_and_says_how_long_to_wait(status: int) -> None:
    with pytest.raises(EngineUnavailableError) as caught:
        await tokens(Response(status, {"retry-after": "3"}, b"")).token(deadline=in_seconds(10))
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
    with pytest.raises(EngineRefusedError) as caught:
        await tokens(Response(400, {}, body)).token(deadline=in_seconds(10))
    assert code in caught.value.message
    assert SECRET not in caught.value.message


def test_a_request_shows_no_secret() -> None:
    assert SECRET not in repr(json_request(URL, {"apikey": SECRET}))
