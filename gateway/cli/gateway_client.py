"""The commands' own client of a running gateway."""

import argparse
import asyncio
import os
from base64 import b64encode
from typing import Any

import msgspec

from adapters.base import TransportError
from gateway.config import Configuration, load
from gateway.registry import Registry
from gateway.transport import HttpTransport
from schemas.errors import GatewayError

DEFAULT_URL = "http://127.0.0.1:8080"
CALL_SECONDS = 330.0


class CommandError(GatewayError):
    """A command can't do what it was asked."""

    code = "command_failed"


def add_connection_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the gateway is and who asks."""
    group = parser.add_argument_group(
        "the running gateway", "From --config, or from these options, or from OPENSCALE_GATEWAY_URL, _USER, _PASSWORD."
    )
    group.add_argument("--config", metavar="FILE", help="configuration of the gateway: tells address and credential")
    group.add_argument("--url", help=f"default: {DEFAULT_URL}")
    group.add_argument("--user")
    group.add_argument("--password", help="better in OPENSCALE_GATEWAY_PASSWORD")


class GatewayClient:
    """Calls a gateway's API.

    Args:
        url: base URL, without `/v1`.
        user: None: no credential is sent.
        password: of the user.
    """

    def __init__(self, url: str, user: str | None, password: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Content-Type": "application/json"}
        if user is not None:
            self._headers["Authorization"] = f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"

    async def call(self, transport: HttpTransport, method: str, path: str, body: object = None) -> Any:
        """Return the JSON of a success.

        Raises:
            CommandError: the gateway can't be reached, or its answer is an error.
        """
        deadline = asyncio.get_running_loop().time() + CALL_SECONDS
        content = b"" if body is None else msgspec.json.encode(body)
        try:
            response = await transport.request(
                method, f"{self._url}{path}", headers=self._headers, body=content, deadline=deadline
            )
        except TransportError as error:
            raise CommandError(f"The gateway at {self._url} did not answer: {error}") from error
        if response.status != 200:  # noqa: PLR2004 - HTTP's success
            raise CommandError(_explain(response.status, response.body))
        return msgspec.json.decode(response.body)


def client_from(arguments: argparse.Namespace) -> GatewayClient:
    """Return a client as the options, the configuration or the environment say.

    Raises:
        ConfigurationError: the configuration has mistakes.
    """
    url, user, password = arguments.url, arguments.user, arguments.password
    if arguments.config is not None:
        configuration = load(arguments.config, Registry.load())
        url = url or _address(configuration)
        if user is None:
            user, password = _credential(configuration)
    return GatewayClient(
        url or os.environ.get("OPENSCALE_GATEWAY_URL", DEFAULT_URL),
        user or os.environ.get("OPENSCALE_GATEWAY_USER"),
        password or os.environ.get("OPENSCALE_GATEWAY_PASSWORD", ""),
    )


def _address(configuration: Configuration) -> str:
    server = configuration.server
    if server.public_url is not None:
        return server.public_url
    scheme = "http" if server.tls is None else "https"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)  # noqa: S104 - compared, not bound
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{server.port}"


def _credential(configuration: Configuration) -> tuple[str | None, str | None]:
    for role in ("application", "operator"):
        for name, client in configuration.auth.clients.items():
            if client.role == role and client.password is not None:
                return name, client.password
    return None, None


def _explain(status: int, body: bytes) -> str:
    try:
        errors = msgspec.json.decode(body)["errors"]
        lines = [" ".join(filter(None, (item["message"], item.get("target")))) for item in errors]
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"The gateway answered with status {status}."
    return f"{status}: {' '.join(lines)}"
