import asyncio

import msgspec
import pytest

from adapters.entra import EntraCredentials, FixedToken
from adapters.testing.azureml import AzureMLEmulator
from gateway.transport import HttpTransport
from schemas.errors import EngineRefusedError

APPLICATION = {"tenant": "t", "client_id": "c", "client_secret": "hidden"}


def deadline() -> float:
    return asyncio.get_running_loop().time() + 30


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "tenant, client_id, client_secret missing"),
        ({"tenant": "t", "client_id": "c"}, "client_secret missing"),
        (APPLICATION | {"token": "hidden"}, "stands alone"),
        ({"token": "hid den"}, "no header can carry it"),
    ],
)
def test_what_is_neither_an_application_nor_a_token_is_refused(options, sentence):
    with pytest.raises(msgspec.ValidationError, match=sentence) as raised:
        msgspec.convert(options, EntraCredentials)
    assert "hid" not in str(raised.value)


async def test_an_application_gets_tokens_of_the_scope_that_is_asked_for():
    async with AzureMLEmulator() as emulator, HttpTransport() as transport:
        credentials = EntraCredentials(
            tenant=emulator.tenant, client_id=emulator.client_id, client_secret=emulator.client_secret
        )
        tokens = credentials.tokens(transport, scope="a-scope", authority=emulator.url)
        first = await tokens.token(deadline=deadline())
        emulator.revoke_tokens("a-scope")
        second = await tokens.token(deadline=deadline(), rejected=first)
    assert first.value != second.value
    assert emulator.requests["entra"] == 2


async def test_a_configured_token_needs_no_service():
    async with HttpTransport() as transport:
        tokens = EntraCredentials(token="t").tokens(transport, scope="s", authority="http://127.0.0.1:1")
        assert (await tokens.token(deadline=deadline())).value == "t"


async def test_a_configured_token_that_was_refused_is_not_given_again():
    tokens = FixedToken("t")
    token = await tokens.token(deadline=deadline())
    with pytest.raises(EngineRefusedError, match="Configure another"):
        await tokens.token(deadline=deadline(), rejected=token)
