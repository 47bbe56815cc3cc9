import sys
import time

import pytest
from aiohttp import web

from adapters.base import Token
from adapters.engines.azureml.settings import CONTROL_SCOPE, AzureSettings
from adapters.engines.azureml.tokens import ChainTokens, EndpointTokens, entra_tokens
from adapters.testing.azureml import AzureMLEmulator
from adapters.testing.emulator import Emulator, Fault
from schemas.errors import EngineRefusedError, EngineUnavailableError, MissingExtraError
from tests.unit.adapters.engines.azureml.calls import context, settings_for


def endpoint_tokens(emulator, transport, kind="key", clock=time.time):
    settings = settings_for(emulator)
    control = entra_tokens(settings, transport, CONTROL_SCOPE)
    return EndpointTokens(settings, transport, control, endpoint="credit", kind=kind, clock=clock)


async def test_a_key_is_the_primary_one_and_never_expires(emulator, transport):
    primary, _ = emulator.add_endpoint("credit").keys
    tokens = endpoint_tokens(emulator, transport)
    assert await tokens.token(deadline=context().deadline) == Token(primary, float("inf"))
    assert await tokens.token(deadline=context().deadline) == Token(primary, float("inf"))
    assert emulator.requests["keys"] == 1


async def test_a_token_of_an_endpoint_is_renewed_when_azure_asks_for_that(transport):
    started = time.time()
    now = started
    async with AzureMLEmulator(token_seconds=3600, refresh_seconds=1000) as emulator:
        emulator.add_endpoint("credit", auth_mode="AMLToken")
        tokens = endpoint_tokens(emulator, transport, "aml_token", clock=lambda: now)
        first = await tokens.token(deadline=context().deadline)
        now = started + 990
        assert await tokens.token(deadline=context().deadline) == first
        now = started + 1010
        assert (await tokens.token(deadline=context().deadline)).value != first.value


async def test_a_token_without_a_time_to_refresh_lives_until_it_expires(emulator, transport):
    emulator.add_endpoint("credit", auth_mode="AMLToken")
    expires_at = int(time.time()) + 500
    body = b'{"accessToken": "t", "expiryTimeUtc": %d, "refreshAfterTimeUtc": 0}' % expires_at
    emulator.play(Fault(route="endpoint_token", status=200, body=body))
    token = await endpoint_tokens(emulator, transport, "aml_token").token(deadline=context().deadline)
    assert token == Token("t", expires_at)


async def test_a_control_token_that_has_run_out_is_renewed_within_the_call(emulator, transport):
    emulator.add_endpoint("credit")
    tokens = endpoint_tokens(emulator, transport)
    key = await tokens.token(deadline=context().deadline)
    emulator.revoke_tokens(CONTROL_SCOPE)
    assert await tokens.token(deadline=context().deadline, rejected=key) == key
    assert emulator.requests["entra"] == 2


@pytest.mark.parametrize("body", [b"no JSON", b"{}", b'{"primaryKey": ""}', b'{"primaryKey": "two\\nlines"}', b"[]"])
async def test_an_answer_without_a_key_that_a_header_can_carry_is_reported(emulator, transport, body):
    emulator.add_endpoint("credit")
    emulator.play(Fault(route="keys", status=200, body=body))
    with pytest.raises(EngineUnavailableError, match="control_url"):
        await endpoint_tokens(emulator, transport).token(deadline=context().deadline)


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (403, EngineRefusedError, "roles"),
        (404, EngineRefusedError, "workspace"),
        (400, EngineRefusedError, "api_version"),
        (429, EngineUnavailableError, "429"),
        (503, EngineUnavailableError, "503"),
    ],
)
async def test_a_refusal_of_the_control_plane_says_what_to_check(emulator, transport, status, error, words):
    emulator.add_endpoint("credit")
    emulator.play(Fault(route="keys", status=status, body=b"{}"))
    with pytest.raises(error, match=words) as caught:
        await endpoint_tokens(emulator, transport).token(deadline=context().deadline)
    assert caught.value.engine_status == status


class ManagedIdentity(Emulator):
    """The token service that Azure App Service puts beside a process."""

    def __init__(self) -> None:
        super().__init__([web.get("/msi/token", self._issue, name="issue")])
        self.asked: list[str] = []

    async def _issue(self, request: web.Request) -> web.Response:
        assert request.headers["X-IDENTITY-HEADER"] == "local"
        self.asked.append(request.query["resource"])
        expires_on = str(int(time.time()) + 3600)
        return web.json_response({"access_token": "chained", "expires_on": expires_on, "token_type": "Bearer"})


@pytest.fixture
def bare_environment(monkeypatch):
    for name in ("CLIENT_ID", "TENANT_ID", "CLIENT_SECRET", "FEDERATED_TOKEN_FILE", "CLIENT_CERTIFICATE_PATH"):
        monkeypatch.delenv(f"AZURE_{name}", raising=False)
    return monkeypatch


SETTINGS = AzureSettings(type="azureml", discover=False)


async def test_without_credentials_the_azure_chain_gives_the_token(bare_environment, transport):
    async with ManagedIdentity() as service:
        bare_environment.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        bare_environment.setenv("IDENTITY_ENDPOINT", f"{service.url}/msi/token")
        bare_environment.setenv("IDENTITY_HEADER", "local")
        tokens = entra_tokens(SETTINGS, transport, CONTROL_SCOPE)
        assert isinstance(tokens, ChainTokens)
        token = await tokens.token(deadline=context().deadline)
        await tokens.close()
    assert token.value == "chained"
    assert token.expires_at > time.time() + 3000
    assert service.asked == ["https://management.azure.com"]


async def test_an_empty_chain_says_what_to_do(bare_environment):
    bare_environment.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    tokens = ChainTokens(SETTINGS, CONTROL_SCOPE)
    with pytest.raises(EngineRefusedError, match="`credentials`"):
        await tokens.token(deadline=context().deadline)
    await tokens.close()


async def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(MissingExtraError, match=r"openscale-gateway\[azureml\]"):
        await ChainTokens(SETTINGS, CONTROL_SCOPE).token(deadline=context().deadline)
