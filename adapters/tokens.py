"""Bearer tokens over HTTP: IBM Cloud IAM, Cloud Pak for Data, Entra. Shared by engines and sinks.

A token is renewed at 80 % of its life. While the old one still works nobody waits for that, and a token service that is
down then costs nothing; from 95 % on, or once a server has rejected the token, callers wait for one task that fetches
another.
"""

import asyncio
import base64
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from adapters.base.retry_after import retry_after
from adapters.base.tokens import Token
from adapters.base.transport import Transport, TransportError
from schemas.errors import EngineError, EngineRefusedError, EngineUnavailableError

IAM_URL = "https://iam.cloud.ibm.com/identity/token"
ENTRA_AUTHORITY = "https://login.microsoftonline.com"

_RENEW_AT = 0.80
_DROP_AT = 0.95
_EARLY_RENEWAL_SECONDS = 5.0
_EARLY_RENEWAL_PAUSE_SECONDS = 30.0
_LIFE_SECONDS = 1800.0
_MAX_BYTES = 1_000_000
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"

Clock = Callable[[], float]


class _Held(Struct, frozen=True):
    token: Token
    renew_at: float
    drop_at: float


class RefreshingTokens(ABC):
    """A `TokenSource` that holds one token and lets one task at a time fetch the next.

    Args:
        service: name of the token service, for messages.
        clock: seconds of the Unix epoch.
    """

    def __init__(self, service: str, *, clock: Clock = time.time) -> None:
        self._service = service
        self._clock = clock
        self._lock = asyncio.Lock()
        self._held: _Held | None = None
        self._attempts = 0
        self._said_no: EngineError | None = None

    @abstractmethod
    async def fetch(self, deadline: float) -> Token:
        """Ask the service once.

        Raises:
            EngineUnavailableError: it can't be reached, or can't answer now.
            EngineRefusedError: it refuses the credentials.
        """

    async def token(self, *, deadline: float, rejected: Token | None = None) -> Token:
        """Return a token that works: see `adapters.base.TokenSource`."""
        if self._held is not None and rejected is not None and self._held.token.value == rejected.value:
            self._held = None
        held, now = self._held, self._clock()
        if held is not None and now < (held.drop_at if self._lock.locked() else min(held.renew_at, held.drop_at)):
            return held.token
        attempts = self._attempts
        try:
            async with asyncio.timeout_at(deadline), self._lock:
                return await self._renewed(attempts, deadline)
        except TimeoutError:
            raise self._late() from None

    async def _renewed(self, attempts: int, deadline: float) -> Token:
        held, now = self._held, self._clock()
        if held is not None and now < min(held.renew_at, held.drop_at):
            return held.token
        if self._said_no is not None and self._attempts != attempts:
            # Asked while this caller waited: asking again for everyone in the queue could lock the account.
            raise self._said_no.with_traceback(None)
        if held is None or now >= held.drop_at:
            return await self._attempt(deadline)
        asked = asyncio.get_running_loop().time()
        try:
            return await self._attempt(asked + min((deadline - asked) / 2, _EARLY_RENEWAL_SECONDS))
        except EngineError:
            self._held = _Held(held.token, now + _EARLY_RENEWAL_PAUSE_SECONDS, held.drop_at)
            return held.token

    async def _attempt(self, deadline: float) -> Token:
        started = self._clock()
        try:
            async with asyncio.timeout_at(deadline):
                token = await self.fetch(deadline)
        except TimeoutError:
            raise self._late() from None
        except EngineError as error:
            # What is only one caller's deadline is not passed on to the others.
            self._said_no = error if error.engine_status is not None else None
            self._attempts += 1
            raise
        life = token.expires_at - started
        self._held = _Held(token, started + _RENEW_AT * life, started + _DROP_AT * life)
        self._said_no = None
        self._attempts += 1
        return token

    def _late(self) -> EngineUnavailableError:
        return EngineUnavailableError(f"{self._service} issued no token in time.", retryable=True)


class _HttpTokens(RefreshingTokens):
    """Tokens that one POST returns.

    `member` names the token in the answer. `life` is in seconds, where the service does not state one.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        service: str,
        url: str,
        content_type: str,
        body: bytes,
        member: str = "access_token",
        life: float | None = None,
        clock: Clock = time.time,
    ) -> None:
        super().__init__(service, clock=clock)
        self._transport = transport
        self._url = url
        self._headers = {"Content-Type": content_type, "Accept": _JSON}
        self._body = body
        self._member = member
        self._life = life

    async def fetch(self, deadline: float) -> Token:
        """Ask the service once: see `RefreshingTokens.fetch`."""
        now = self._clock()
        try:
            response = await self._transport.request(
                "POST", self._url, headers=self._headers, body=self._body, deadline=deadline, max_bytes=_MAX_BYTES
            )
        except TransportError as error:
            raise EngineUnavailableError(f"{self._service} gave no token: {error}", retryable=True) from error
        if response.status in (408, 429) or response.status >= 500:  # noqa: PLR2004 - HTTP
            raise EngineUnavailableError(
                f"{self._service} can't issue a token now (status {response.status}).",
                engine_status=response.status,
                retryable=True,
                retry_after=retry_after(response, now),
            )
        if not 200 <= response.status < 300:  # noqa: PLR2004 - HTTP
            raise EngineRefusedError(
                f"{self._service} refused to issue a token (status {response.status}{_code(response.body)}). Check the "
                "credentials and the token URL in the configuration.",
                engine_status=response.status,
            )
        return self._read(response.body, now)

    def _read(self, body: bytes, now: float) -> Token:
        try:
            reply = msgspec.json.decode(body, type=dict[str, object])
            value = msgspec.convert(reply.get(self._member), str)
            stated = msgspec.convert(reply.get("expires_in", self._life), float | None, strict=False)
        except (ValueError, RecursionError):
            value, stated = "", None
        # Anything else would break the header it goes into.
        if not re.fullmatch(r"[!-~]+", value):
            raise EngineUnavailableError(f"{self._service} answered without a token. Check the token URL.")
        lives = [life for life in (stated, _jwt_life(value)) if life is not None]
        return Token(value, now + min(lives, default=_LIFE_SECONDS))


class IamTokens(_HttpTokens):
    """IBM Cloud IAM: an API key is exchanged for a token (formats.md 3.6)."""

    def __init__(self, transport: Transport, *, apikey: str, url: str = IAM_URL, clock: Clock = time.time) -> None:
        form = {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": apikey}
        super().__init__(
            transport,
            service="IBM Cloud IAM",
            url=url,
            content_type=_FORM,
            body=urlencode(form).encode(),
            clock=clock,
        )


class CloudPakTokens(_HttpTokens):
    """Cloud Pak for Data: `POST <cluster>/icp4d-api/v1/authorize` (formats.md 3.6).

    The answer states no life; IBM's SDK takes a token for expired after 1800 s. Exactly one of `password` and `apikey`
    is given.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        url: str,
        username: str,
        password: str | None = None,
        apikey: str | None = None,
        clock: Clock = time.time,
    ) -> None:
        secret = {"api_key": apikey} if password is None else {"password": password}
        super().__init__(
            transport,
            service="Cloud Pak for Data",
            url=url,
            content_type=_JSON,
            body=msgspec.json.encode({"username": username, **secret}),
            member="token",
            life=_LIFE_SECONDS,
            clock=clock,
        )


class EntraTokens(_HttpTokens):
    """Microsoft Entra: client credentials of an application (identity platform, client credentials flow)."""

    def __init__(
        self,
        transport: Transport,
        *,
        tenant: str,
        client_id: str,
        client_secret: str,
        scope: str,
        authority: str = ENTRA_AUTHORITY,
        clock: Clock = time.time,
    ) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": scope,
        }
        super().__init__(
            transport,
            service="Microsoft Entra",
            url=f"{authority.rstrip('/')}/{quote(tenant, safe='')}/oauth2/v2.0/token",
            content_type=_FORM,
            body=urlencode(form).encode(),
            clock=clock,
        )


class _Claims(Struct, frozen=True):
    iat: float
    exp: float


class _Refusal(Struct, frozen=True):
    """`errorCode` is IAM's, `error` Entra's."""

    errorCode: str = ""  # noqa: N815 - IAM's name
    error: str = ""


def _jwt_life(value: str) -> float | None:
    """Return `exp - iat` in seconds, where the token is a JWT that holds both."""
    parts = value.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return None
    try:
        text = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = msgspec.json.decode(text, type=_Claims)
    except (ValueError, RecursionError):
        return None
    return claims.exp - claims.iat


def _code(body: bytes) -> str:
    """Return `, <the service's error code>`: an identifier at most, since longer texts may quote the credentials."""
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except (ValueError, RecursionError):
        return ""
    code = refusal.errorCode or refusal.error
    return f", {code}" if re.fullmatch(r"\w{1,32}", code, re.ASCII) else ""
