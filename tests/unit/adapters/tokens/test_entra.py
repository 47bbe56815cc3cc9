from adapters.base import Token
from adapters.tokens.entra import EntraTokens
from tests.unit.adapters.tokens.recorder import Recorder, in_seconds, reply


async def test_client_credentials_go_to_the_tenant() -> None:
    recorder = Recorder(reply(access_token="t", expires_in=3599, token_type="Bearer"))
    tokens = EntraTokens(
        recorder,
        tenant="contoso",
        client_id="app",
        client_secret="s~/&",
        scope="https://ml.azure.com/.default",
        authority="https://login.example/",
        clock=lambda: 1000.0,
    )
    assert await tokens.token(deadline=in_seconds(10)) == Token("t", 1000.0 + 3599)
    body = (
        b"grant_type=client_credentials&client_id=app&client_secret=s~%2F%26"
        b"&scope=https%3A%2F%2Fml.azure.com%2F.default"
    )
    assert recorder.sent == [("POST", "https://login.example/contoso/oauth2/v2.0/token", body)]
