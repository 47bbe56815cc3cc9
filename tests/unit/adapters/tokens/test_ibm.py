import msgspec
import pytest

from adapters.testing.emulator import Fault
from adapters.testing.watson_ml import WatsonMlEmulator
from adapters.tokens.cloud_pak import CloudPakTokens, PreauthTokens
from adapters.tokens.ibm import IamTokens, McspTokens, check_ibm_credentials, ibm_tokens
from gateway.transport import HttpTransport
from schemas.errors import EngineRefusedError, EngineUnavailableError
from tests.unit.adapters.tokens.recorder import Recorder, in_seconds, reply

CLUSTER = "https://cluster.example/openscale/instance?x=1"
MCSP_PATH = "/siusermgr/api/1.0/apikeys/token"


class Given(msgspec.Struct, frozen=True):
    """Options of a credential, as settings have them."""

    url: str = CLUSTER
    apikey: str | None = None
    username: str | None = None
    password: str | None = None
    token_url: str | None = None
    identity_url: str | None = None


async def test_iam_exchanges_an_api_key_for_a_token_with_its_stated_life(
    emulator: WatsonMlEmulator, transport: HttpTransport
) -> None:
    tokens = IamTokens(transport, apikey=emulator.tokens.apikey, url=emulator.iam_url, clock=lambda: 1000.0)
    token = await tokens.token(deadline=in_seconds(10))
    assert token.expires_at == 1000.0 + 3600
    assert token.value not in repr(token)


async def test_mcsp_exchanges_an_api_key_for_a_token_with_its_stated_life(
    emulator: WatsonMlEmulator, transport: HttpTransport
) -> None:
    tokens = McspTokens(transport, apikey=emulator.tokens.apikey, url=emulator.url + MCSP_PATH, clock=lambda: 1000.0)
    assert (await tokens.token(deadline=in_seconds(10))).expires_at == 1000.0 + 3600


@pytest.mark.parametrize(("kind", "path"), [(IamTokens, "/identity/token"), (McspTokens, MCSP_PATH)])
async def test_another_api_key_is_refused(
    emulator: WatsonMlEmulator, transport: HttpTransport, kind: type[IamTokens | McspTokens], path: str
) -> None:
    with pytest.raises(EngineRefusedError):
        await kind(transport, apikey="another", url=emulator.url + path).token(deadline=in_seconds(10))


async def test_a_service_that_breaks_the_connection_is_unavailable(
    emulator: WatsonMlEmulator, transport: HttpTransport
) -> None:
    emulator.play(Fault(route="iam_token", connection="reset"))
    tokens = IamTokens(transport, apikey=emulator.tokens.apikey, url=emulator.iam_url)
    with pytest.raises(EngineUnavailableError):
        await tokens.token(deadline=in_seconds(10))
    assert await tokens.token(deadline=in_seconds(10))


@pytest.mark.parametrize(
    ("options", "kind", "asked"),
    [
        ({"apikey": "k"}, IamTokens, "https://iam.cloud.ibm.com/identity/token"),
        ({"apikey": "k", "token_url": "https://iam.test/identity/token"}, IamTokens, "https://iam.test/identity/token"),
        ({"apikey": "k", "token_url": f"https://mcsp.test{MCSP_PATH}"}, McspTokens, f"https://mcsp.test{MCSP_PATH}"),
        (
            {"username": "u", "apikey": "k"},
            CloudPakTokens,
            "https://cluster.example/icp4d-api/v1/authorize",
        ),
        (
            {"username": "u", "password": "p", "token_url": "https://other.example/"},
            CloudPakTokens,
            "https://other.example/icp4d-api/v1/authorize",
        ),
        (
            {"username": "u", "password": "p", "token_url": "https://other.example/zen/icp4d-api/v1/authorize"},
            CloudPakTokens,
            "https://other.example/zen/icp4d-api/v1/authorize",
        ),
        (
            {"username": "u", "password": "p", "token_url": "https://other.example/v1/preauth/validateAuth"},
            PreauthTokens,
            "https://other.example/v1/preauth/validateAuth",
        ),
    ],
)
async def test_the_configuration_tells_which_service_is_meant(
    options: dict[str, str], kind: type[object], asked: str
) -> None:
    recorder = Recorder(reply(access_token="t", token="t", accessToken="t"))
    tokens = ibm_tokens(recorder, Given(**options))
    assert type(tokens) is kind
    await tokens.token(deadline=in_seconds(10))
    assert [url for _, url, _ in recorder.sent] == [asked]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"password": "p"},
        {"apikey": "k", "password": "p"},
        {"username": "u"},
        {"username": "u", "apikey": "k", "password": "p"},
        {"username": "", "apikey": "k"},
        {"username": "u\r\nX: 1", "password": "p"},
        {"username": "u", "apikey": "k", "identity_url": "https://console.example"},
        {"apikey": "k", "token_url": "http://iam.example/identity/token"},
    ],
)
def test_options_that_are_no_credential_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"needs|can't|`username`|`token_url` has to be https"):
        check_ibm_credentials(Given(**given))


@pytest.mark.parametrize(
    "given",
    [
        {"apikey": "k"},
        {"username": "u", "password": "p"},
        {"username": "u", "apikey": "k"},
        {"username": "u", "password": "p", "identity_url": "https://console.example"},
    ],
)
def test_options_that_are_one_credential_are_taken(given: dict[str, str]) -> None:
    check_ibm_credentials(Given(**given))
