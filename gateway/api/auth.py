"""Who calls: HTTP Basic authentication (RFC 7617).

A credential that was verified is remembered under a keyed digest, so that a call costs one lookup and no hashing.
"""

import asyncio
import hashlib
import os
from base64 import b64decode
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from gateway.api.passwords import PlainPassword, Verifier, password_hash
from schemas.caller import Caller
from schemas.configuration import AuthSettings, ClientSettings
from schemas.errors import OverloadedError, UnauthenticatedError

CHALLENGE = 'Basic realm="openscale-gateway", charset="UTF-8"'
"""Value of `WWW-Authenticate` beside a 401."""

MAX_REMEMBERED = 1024
MAX_WAITING = 64
HASHING_THREADS = 2
ANYBODY = Caller(None, "application")

_KEY_BYTES = 32
_DIGEST_BYTES = 16


class _Client(Struct, frozen=True):
    caller: Caller
    verifier: Verifier


class Authenticator:
    """From an `Authorization` header to a caller.

    Safe to use from many tasks of one event loop. An unknown user costs what a known one with a wrong password does.
    Hashes are checked in threads of its own, a few at a time.

    Args:
        settings: the clients, checked; with `mode: none` everybody is an application.
    """

    def __init__(self, settings: AuthSettings) -> None:
        self._open = settings.mode == "none"
        self._clients = {
            name: _Client(Caller(name, client.role), _verifier(client)) for name, client in settings.clients.items()
        }
        self._decoy = PlainPassword(os.urandom(_KEY_BYTES).hex())
        self._slow_decoy = next((client.verifier for client in self._clients.values() if client.verifier.slow), None)
        self._key = os.urandom(_KEY_BYTES)
        self._remembered: OrderedDict[bytes, Caller] = OrderedDict()
        self._pending: dict[bytes, asyncio.Future[Caller | None]] = {}
        self._threads = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="password")

    def known(self, header: str | None) -> Caller | None:
        """Return the caller of a header that was verified before: about a microsecond, never a hash."""
        if self._open:
            return ANYBODY
        if header is None:
            return None
        return self._remembered.get(self._digest(header))

    async def authenticate(self, header: str | None) -> Caller:
        """Return who sends this header.

        Args:
            header: value of `Authorization`; None where there is none.

        Raises:
            UnauthenticatedError: no credential, not a Basic one, or a wrong one.
            OverloadedError: too many passwords wait for being checked.
        """
        caller = self.known(header)
        if caller is not None:
            return caller
        user, password = _credential(header)
        digest = self._digest(header or "")
        caller = await self._verified(digest, user, password)
        if caller is None:
            raise UnauthenticatedError("The user name or the password is wrong.")
        self._remember(digest, caller)
        return caller

    def close(self) -> None:
        """Give back the threads; checks that have not begun are cancelled."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _verified(self, digest: bytes, user: str, password: bytes) -> Caller | None:
        if self._slow_decoy is None:
            return self._verify(user, password)
        pending = self._pending.get(digest)
        if pending is None:
            if len(self._pending) >= MAX_WAITING:
                raise OverloadedError("Too many passwords are being checked: try again in a second.")
            loop = asyncio.get_running_loop()
            pending = self._pending[digest] = loop.run_in_executor(self._threads, self._verify, user, password)
            pending.add_done_callback(lambda _: self._pending.pop(digest, None))
        return await asyncio.shield(pending)

    def _verify(self, user: str, password: bytes) -> Caller | None:
        """Check one credential: a fast comparison, and a hash where any client has one, whoever is asked for."""
        client = self._clients.get(user)
        verifier: Verifier = self._decoy if client is None else client.verifier
        matches = verifier.matches(password)
        if self._slow_decoy is not None and not verifier.slow:
            self._slow_decoy.matches(password)
        return client.caller if client is not None and matches else None

    def _digest(self, header: str) -> bytes:
        return hashlib.blake2b(
            header.encode("utf-8", "surrogateescape"), key=self._key, digest_size=_DIGEST_BYTES
        ).digest()

    def _remember(self, digest: bytes, caller: Caller) -> None:
        self._remembered[digest] = caller
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)


def _verifier(client: ClientSettings) -> Verifier:
    return PlainPassword(client.password or "") if client.password_hash is None else password_hash(client.password_hash)


def _credential(header: str | None) -> tuple[str, bytes]:
    """Return user name and password; both are UTF-8, or else Latin-1, as older clients send them."""
    if header is None:
        raise UnauthenticatedError("A credential is needed: send an Authorization header with Basic credentials.")
    scheme, _, encoded = header.strip(" \t").partition(" ")
    if scheme.lower() != "basic":
        raise UnauthenticatedError("This gateway takes Basic credentials only.")
    try:
        credential = b64decode(encoded.strip(" \t"), validate=True)
    except ValueError:
        raise UnauthenticatedError("The Basic credentials are not Base64.") from None
    user, colon, password = _text(credential).partition(":")
    if not colon:
        raise UnauthenticatedError("The Basic credentials lack the colon between user name and password.")
    return user, password.encode()


def _text(credential: bytes) -> str:
    try:
        return credential.decode()
    except UnicodeDecodeError:
        return credential.decode("latin-1")
