"""A cluster's tokens, with and without IAM integration."""

from typing import Any

import pytest

from adapters.base import Response
from adapters.testing.emulator import Fault
from adapters.testing.watson_ml import WatsonMlEmulator
from adapters.tokens.cloud_pak import PREAUTH_PATH, CloudPakTokens, PreauthTokens
from adapters.tokens.refreshing import PAUSE_SECONDS
from gateway.transport import HttpTransport
from schemas.errors import EngineRefusedError, EngineUnavailableError
from tests.unit.adapters.tokens.recorder import Recorder, in_seconds, refusal, reply

CLUSTER = "https://cpd.example"
HTML = Response(200, {"content-type": "text/html"}, b"<html>Sign in</html>")


def integrated(emulator: WatsonMlEmulator, transport: HttpTransport, **options: Any) -> CloudPakTokens:
    emulator.tokens.is_integrated = True
    given = {"username": emulator.tokens.username, "password": emulator.tokens.password} | options
    return CloudPakTokens(transport, url=emulator.url, **given)


@pytest.mark.parametrize("secret", ["password", "apikey"])
async def test_a_user_has_a_password_or_an_api_key(
    emulator: WatsonMlEmulator, transport: HttpTransport, secret: str
) -> None:
    given = {"username": emulator.tokens.username, secret: getattr(emulator.tokens, secret)}
    tokens = CloudPakTokens(transport, url=emulator.cloud_pak_url, clock=lambda: 1000.0, **given)
    assert (await tokens.token(deadline=in_seconds(10))).expires_at == 1000.0 + 1800
    assert emulator.requests == {"authorize": 1}


async def test_a_user_of_the_integrated_iam_gets_a_token_of_the_cluster(
    emulator: WatsonMlEmulator, transport: HttpTransport
) -> None:
    tokens = integrated(emulator, transport)
    token = await tokens.token(deadline=in_seconds(10))
    assert emulator.requests == {"authorize": 1, "identity_token": 1, "validate_auth": 1}
    await tokens.token(deadline=in_seconds(10), rejected=token)
    assert emulator.requests == {"authorize": 1, "identity_token": 2, "validate_auth": 2}


async def test_what_an_integrated_cluster_is_asked() -> None:
    recorder = Recorder(refusal(401), reply(access_token="of-iam"), reply(accessToken="of-cluster"))
    tokens = CloudPakTokens(
        recorder,
        url=f"{CLUSTER}/zen/icp4d-api/v1/authorize",
        username="u&",
        password="p=",
        identity_url="https://console.example/",
        clock=lambda: 1000.0,
    )
    token = await tokens.token(deadline=in_seconds(10))
    assert (token.value, token.expires_at) == ("of-cluster", 1000.0 + 1800)
    form = b"grant_type=password&scope=openid&username=u%26&password=p%3D"
    assert recorder.sent == [
        ("POST", f"{CLUSTER}/zen/icp4d-api/v1/authorize", b'{"username":"u&","password":"p="}'),
        ("POST", "https://console.example/idprovider/v1/auth/identitytoken", form),
        ("GET", f"{CLUSTER}/zen/v1/preauth/validateAuth", b""),
    ]
    assert recorder.headers[2] == {"username": "u&", "iam-token": "of-iam", "Accept": "application/json"}


@pytest.mark.parametrize("options", [{"password": "another"}, {"username": "another"}])
async def test_an_integrated_iam_refuses_another_user(
    emulator: WatsonMlEmulator, transport: HttpTransport, options: dict[str, str]
) -> None:
    with pytest.raises(EngineRefusedError, match="status 400, invalid_grant"):
        await integrated(emulator, transport, **options).token(deadline=in_seconds(10))


async def test_an_api_key_is_not_sent_to_an_integrated_iam(
    emulator: WatsonMlEmulator, transport: HttpTransport
) -> None:
    tokens = integrated(emulator, transport, password=None, apikey="another")
    with pytest.raises(EngineRefusedError, match="status 401"):
        await tokens.token(deadline=in_seconds(10))
    assert emulator.requests == {"authorize": 1}


@pytest.mark.parametrize("answer", [refusal(404), refusal(405), Response(302, {}, b""), HTML])
async def test_a_cluster_without_iam_refuses_with_its_own_401(answer: Response) -> None:
    tokens = CloudPakTokens(Recorder(refusal(401), answer), url=CLUSTER, username="u", password="wrong")
    with pytest.raises(EngineRefusedError) as caught:
        await tokens.token(deadline=in_seconds(10))
    assert caught.value.engine_status == 401


async def test_an_iam_that_is_down_is_unavailable_and_asked_again(
    emulator: WatsonMlEmulator, transport: HttpTransport
) -> None:
    emulator.play(Fault(route="identity_token", status=503, body=b"{}"))
    tokens = integrated(emulator, transport)
    with pytest.raises(EngineUnavailableError):
        await tokens.token(deadline=in_seconds(10))
    assert await tokens.token(deadline=in_seconds(10))


async def test_a_cluster_that_does_not_know_iams_token_refuses_and_is_asked_from_the_beginning(
    emulator: WatsonMlEmulator, transport: HttpTransport
) -> None:
    now = 1000.0
    tokens = integrated(emulator, transport, clock=lambda: now)
    token = await tokens.token(deadline=in_seconds(10))
    emulator.play(Fault(route="validate_auth", status=401, body=b"{}"))
    with pytest.raises(EngineRefusedError):
        await tokens.token(deadline=in_seconds(10), rejected=token)
    emulator.tokens.is_integrated = False
    now += PAUSE_SECONDS
    assert await tokens.token(deadline=in_seconds(10))
    assert emulator.requests["authorize"] == 2


async def test_preauth_signs_in_with_basic_authentication(emulator: WatsonMlEmulator, transport: HttpTransport) -> None:
    url, user = emulator.url + PREAUTH_PATH, emulator.tokens.username
    tokens = PreauthTokens(transport, url=url, username=user, password=emulator.tokens.password, clock=lambda: 1000.0)
    assert (await tokens.token(deadline=in_seconds(10))).expires_at == 1000.0 + 1800
    with pytest.raises(EngineRefusedError):
        await PreauthTokens(transport, url=url, username=user, password="wrong").token(deadline=in_seconds(10))
