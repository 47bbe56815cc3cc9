"""Checks of `server`, `auth` and `payload_log`."""

import os
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryFile

from gateway.api.passwords import password_hash
from gateway.config.findings import Place
from schemas.configuration import AuthSettings, ClientSettings, PayloadLogSettings, ServerSettings


def check_server(server: ServerSettings) -> Iterator[tuple[Place, str]]:
    """Check networks and certificate files."""
    for n, network in enumerate(server.trusted_proxies):
        try:
            ip_network(network, strict=False)
        except ValueError:
            place: Place = ("server", "trusted_proxies", n)
            yield place, "It must be a network, such as 10.0.0.0/8 or fd00::/8."
    if server.tls is not None:
        paths = {"cert": server.tls.cert, "key": server.tls.key, "client_ca": server.tls.client_ca}
        for key, path in paths.items():
            if path is not None and not _is_readable(path):
                yield ("server", "tls", key), f"There is no file {path} that can be read."


def check_auth(auth: AuthSettings) -> Iterator[tuple[Place, str]]:
    """Check that clients can authenticate."""
    if auth.mode == "basic" and not auth.clients:
        yield ("auth", "clients"), "With `mode: basic` nobody could call: name a client, or set `mode: none`."
    for name, client in auth.clients.items():
        yield from _check_client(("auth", "clients", name), client)


def _check_client(place: Place, client: ClientSettings) -> Iterator[tuple[Place, str]]:
    if (client.password is None) == (client.password_hash is None):
        yield place, "A client needs exactly one of `password` and `password_hash`."
    if client.password_hash is not None:
        try:
            password_hash(client.password_hash)
        except ValueError as error:
            yield (*place, "password_hash"), f"It can't be used: {error}."


def check_payload_log(payload_log: PayloadLogSettings) -> Iterator[tuple[Place, str]]:
    """Check that the spool can be written where it should be."""
    try:
        problem = _why_unwritable(Path(payload_log.path))
    except OSError as error:
        problem = f"It is no path that this system could open: {error.strerror}."
    if problem is not None:
        yield ("payload_log", "path"), problem


def _why_unwritable(path: Path) -> str | None:
    folder = path.parent
    if "\0" in str(path):
        return "A path holds no null character."
    if path.is_dir():
        return "It names a folder: name a file in it."
    if not folder.is_dir():
        return f"The folder {folder} does not exist: make it."
    try:
        # Permissions alone don't tell: the file system may be read-only, and root may write anywhere else.
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return f"SQLite has to make files in the folder {folder}, and that fails: {error.strerror}."
    if os.path.lexists(path) and not os.access(path, os.R_OK | os.W_OK):
        return f"The file {path} can't be written."
    return None


def _is_readable(path: str) -> bool:
    try:
        return Path(path).is_file() and os.access(path, os.R_OK)
    except OSError:
        return False
