import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.cli.errors import CommandError
from gateway.cli.gateway_client import (
    DEFAULT_URL,
    GatewayClient,
    add_connection_arguments,
    client_from,
    transport_from,
)
from gateway.transport import HttpTransport
from tests.fakes.gateways import BASIC, running_gateway

Serve = Callable[[web.Application], Awaitable[TestServer]]
CLIENTS = {
    "openscale": {"password": "m", "role": "monitor"},
    "ops": {"password": "o", "role": "operator"},
    "hashed": {"password_hash": "$scrypt$ln=1,r=1,p=1$c2FsdA$aGFzaA", "role": "application"},
    "app": {"password": "a", "role": "application"},
}


def parsed(*arguments: str | Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_connection_arguments(parser)
    return parser.parse_args(list(map(str, arguments)))


def told(client: GatewayClient) -> tuple[str, str | None]:
    """Return where a client goes, and as whom."""
    return client._url, client._headers.get("Authorization")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "USER", "PASSWORD"):
        monkeypatch.delenv(f"OPENSCALE_GATEWAY_{name}", raising=False)


def test_options_count_more_than_the_configuration_and_that_more_than_variables(
    write_config: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_config(auth={"clients": CLIENTS}, server={"port": 8123})
    assert told(client_from(parsed())) == (DEFAULT_URL, None)
    for name, value in (("URL", "http://env/"), ("USER", "env"), ("PASSWORD", "e")):
        monkeypatch.setenv(f"OPENSCALE_GATEWAY_{name}", value)
    assert told(client_from(parsed())) == ("http://env", "Basic ZW52OmU=")
    assert told(client_from(parsed("--config", config))) == ("http://127.0.0.1:8123", "Basic YXBwOmE=")
    explicit = parsed("--config", config, "--url", "http://x/", "--user", "ü", "--password", "p")
    assert told(client_from(explicit)) == ("http://x", "Basic w7w6cA==")


def test_password_of_a_named_client_comes_from_the_configuration(write_config: Callable[..., Path]) -> None:
    config = write_config(auth={"clients": CLIENTS})
    assert told(client_from(parsed("--config", config, "--user", "ops")))[1] == "Basic b3BzOm8="


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ({"host": "0.0.0.0", "port": 80}, "http://127.0.0.1:80"),
        ({"host": "::", "port": 80}, "http://[::1]:80"),
        ({"host": "10.1.2.3"}, "http://10.1.2.3:8080"),
        ({"public_url": "https://gw.example.com"}, "http://127.0.0.1:8080"),
    ],
)
def test_configuration_tells_the_address_on_this_machine(
    write_config: Callable[..., Path], server: dict[str, Any], url: str
) -> None:
    assert told(client_from(parsed("--config", write_config(server=server))))[0] == url


def test_port_that_is_left_open_has_to_be_said(write_config: Callable[..., Path]) -> None:
    with pytest.raises(CommandError, match="--url"):
        client_from(parsed("--config", write_config(server={"port": 0})))


def test_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    for file in (tmp_path / "none.pem", tmp_path / "bad.pem"):
        with pytest.raises(CommandError, match=file.name):
            transport_from(parsed("--ca-file", file))


async def call(url: str, user: str | None = None, password: str = "", answer: Any = dict) -> Any:
    async with HttpTransport() as transport:
        return await GatewayClient(url, user, password).call(transport, "GET", "/v1/deployments", answer=answer)


async def test_gateway_is_asked_with_the_credential(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, auth=BASIC) as gateway:
        assert (await call(gateway.url, "ops", "ops-pass"))["count"] == 1
        with pytest.raises(CommandError) as refused:
            await call(gateway.url)
        assert refused.value.message.startswith("401: A credential is needed")
        assert "--user" in refused.value.message
        assert "(trace " in refused.value.message


async def test_gateway_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match=r"http://127\.0\.0\.1:1 did not answer"):
        await call("http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("body", "status"), [("<html>", 200), ("[1]", 200), ("<html>", 404), ('{"error": "x"}', 500), ("", 502)]
)
async def test_other_servers_are_told_from_a_gateway(aiohttp_server: Serve, body: str, status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, status=status)

    app = web.Application()
    app.router.add_get("/v1/deployments", answer)
    server = await aiohttp_server(app)
    with pytest.raises(CommandError, match="check the URL"):
        await call(str(server.make_url("")))
