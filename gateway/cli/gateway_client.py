"""The commands' own client of a running gateway."""

import argparse
import asyncio
import os
import ssl
from base64 import b64encode
from typing import TypeVar

import msgspec
from msgspec import Struct

from adapters.base import TransportError
from gateway.cli.errors import CommandError
from gateway.config import Configuration, load
from gateway.registry import Registry
from gateway.transport import HttpTransport

DEFAULT_URL = "http://127.0.0.1:8080"
CALL_SECONDS = 330.0
VARIABLES = "OPENSCALE_GATEWAY_URL, _USER and _PASSWORD"

Answer = TypeVar("Answer")


class _Problem(Struct):
    message: str
    target: str | None = None


class _Refusal(Struct):
    errors: list[_Problem]
    trace: str


def add_connection_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the gateway is and who asks."""
    group = parser.add_argument_group(
        "the running gateway", f"Told by these options, else by --config, else by the variables {VARIABLES}."
    )
    group.add_argument("--config", metavar="FILE", help="configuration of the gateway: tells address and credential")
    group.add_argument("--url", help=f"without /v1; default: {DEFAULT_URL}")
    group.add_argument("--user", help="a client of the gateway")
    group.add_argument("--password", help="better in OPENSCALE_GATEWAY_PASSWORD")
    group.add_argument("--ca-file", metavar="FILE", help="certificates that the gateway's own is checked by, PEM")


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

    async def call(
        self, transport: HttpTransport, method: str, path: str, body: object = None, *, answer: type[Answer]
    ) -> Answer:
        """Return the JSON of a success, read as `answer`.

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
            raise CommandError(_explained(response.status, response.body))
        try:
            return msgspec.json.decode(response.body, type=answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CommandError(f"What answers at {self._url} is not this gateway: check the URL.") from error


def client_from(arguments: argparse.Namespace) -> GatewayClient:
    """Return a client as the options, the configuration or the environment say.

    Raises:
        ConfigurationError: the configuration has mistakes.
        CommandError: it does not tell the address.
    """
    url, user, password = arguments.url, arguments.user, arguments.password
    if arguments.config is not None:
        configuration = load(arguments.config, Registry.load())
        url = url or _address(configuration)
        user, password = _credential(configuration, user, password)
    return GatewayClient(
        url or os.environ.get("OPENSCALE_GATEWAY_URL", DEFAULT_URL),
        user or os.environ.get("OPENSCALE_GATEWAY_USER"),
        password or os.environ.get("OPENSCALE_GATEWAY_PASSWORD", ""),
    )


def transport_from(arguments: argparse.Namespace) -> HttpTransport:
    """Return a transport, to be opened, that trusts what `--ca-file` says.

    Raises:
        CommandError: that file can't be used.
    """
    if arguments.ca_file is None:
        return HttpTransport()
    try:
        return HttpTransport(ssl_context=ssl.create_default_context(cafile=arguments.ca_file))
    except OSError as error:
        raise CommandError(f"{arguments.ca_file}: no certificates in PEM form ({error.strerror or error}).") from error


def _address(configuration: Configuration) -> str:
    server = configuration.server
    if server.tls is not None and server.public_url is not None:
        # The certificate is for that name, not for this machine's own address.
        return server.public_url
    if server.port == 0:
        raise CommandError("The configuration leaves the port open: say with --url where the gateway listens.")
    scheme = "http" if server.tls is None else "https"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)  # noqa: S104 - compared, not bound
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{server.port}"


def _credential(configuration: Configuration, user: str | None, password: str | None) -> tuple[str | None, str | None]:
    """Complete a credential by one of the clients; an application's first, as scoring is theirs."""
    clients = configuration.auth.clients
    if user is not None:
        return user, password or (clients[user].password if user in clients else None)
    for role in ("application", "operator"):
        for name, client in clients.items():
            if client.role == role and client.password is not None:
                return name, client.password
    return None, password


def _explained(status: int, body: bytes) -> str:
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"The answer has the status {status}, and is not this gateway's: check the URL."
    told = " ".join(
        item.message if item.target is None else f"{item.message} (at {item.target})" for item in refusal.errors
    )
    advice = f" Use --user and --password, --config, or the variables {VARIABLES}." if status == 401 else ""  # noqa: PLR2004
    return f"{status}: {told}{advice} (trace {refusal.trace})"
