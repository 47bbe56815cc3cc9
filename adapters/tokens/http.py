"""Tokens that a service gives over HTTP, as JSON."""

import base64
import re
import time
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
from msgspec import Struct, field

from adapters.base import Response, Token, Transport, TransportError
from adapters.base.http_access import is_header_token
from adapters.base.retry_after import retry_after
from adapters.tokens.refreshing import Clock, RefreshingTokens
from schemas.errors import EngineRefusedError, EngineUnavailableError

_LIFE_SECONDS = 1800.0
_MAX_BYTES = 1_000_000


class TokenRequest(Struct, frozen=True, kw_only=True):
    """What a token service is asked.

    Attributes:
        url: absolute.
        method: of HTTP.
        headers: beside Accept.
        body: the whole body.
        member: of the answer that holds the token.
        life: of the token in seconds, where the answer does not state it.
    """

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    member: str = "access_token"
    life: float | None = None

    def __repr__(self) -> str:
        return f"TokenRequest(url={self.url!r})"


def form_request(url: str, form: Mapping[str, str]) -> TokenRequest:
    """Return a request that posts a form."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return TokenRequest(url=url, headers=headers, body=urlencode(form).encode())


def json_request(url: str, body: Mapping[str, str | None], *, life: float | None = None) -> TokenRequest:
    """Return a request that posts JSON, for an answer that holds the token at `token`."""
    headers = {"Content-Type": "application/json"}
    return TokenRequest(url=url, headers=headers, body=msgspec.json.encode(body), member="token", life=life)


class HttpTokens(RefreshingTokens):
    """Tokens that one request returns; a subclass may make several of them.

    Args:
        transport: to the service.
        service: its name, for messages.
        request: for a token.
        clock: seconds of the Unix epoch.
    """

    advice = "Check the credentials and the token URL in the configuration."
    """What a person can do after a refusal."""

    def __init__(self, transport: Transport, service: str, request: TokenRequest, *, clock: Clock = time.time) -> None:
        super().__init__(service, clock=clock)
        self._transport = transport
        self._request = request

    async def fetch(self, deadline: float) -> Token:
        """Ask the service once: see `RefreshingTokens.fetch`."""
        return self._issued(self._request, await self._exchange(self._request, deadline))

    async def _exchange(self, request: TokenRequest, deadline: float) -> Response:
        """Return an answer that tokens or a refusal are in.

        Raises:
            EngineUnavailableError: there is none now.
        """
        headers = {**request.headers, "Accept": "application/json"}
        try:
            response = await self._transport.request(
                request.method,
                request.url,
                headers=headers,
                body=request.body,
                deadline=deadline,
                max_bytes=_MAX_BYTES,
            )
        except TransportError as error:
            raise EngineUnavailableError(f"{self._service} gave no token: {error}", retryable=True) from error
        if response.status in (408, 429) or response.status >= 500:  # noqa: PLR2004 - HTTP
            raise EngineUnavailableError(
                f"{self._service} can't issue a token now (status {response.status}).",
                engine_status=response.status,
                retryable=True,
                retry_after=retry_after(response, self._clock()),
            )
        return response

    def _issued(self, request: TokenRequest, response: Response) -> Token:
        """Return the token of an answer.

        Raises:
            EngineRefusedError: the service refuses the credentials.
            EngineUnavailableError: it is no answer of a token service.
        """
        if not is_success(response):
            raise EngineRefusedError(
                f"{self._service} refused to issue a token (status {response.status}{_code(response.body)}). "
                f"{self.advice}",
                engine_status=response.status,
            )
        token = read_token(request, response.body, self._clock())
        if token is None:
            raise EngineUnavailableError(f"{self._service} answered without a token. Check the token URL.")
        return token


def is_success(response: Response) -> bool:
    """Whether the status is 2xx."""
    return 200 <= response.status < 300  # noqa: PLR2004 - HTTP


def read_token(request: TokenRequest, body: bytes, now: float) -> Token | None:
    """Return the token in an answer, None where there is no usable one.

    Its life is the shortest that is stated: by the answer, by the token itself where that is a JWT, by the request.
    """
    try:
        reply = msgspec.json.decode(body, type=dict[str, object])
        value = msgspec.convert(reply.get(request.member), str)
        stated = msgspec.convert(reply.get("expires_in", request.life), float | None, strict=False)
    except (ValueError, RecursionError):
        return None
    # Anything else would break the header it goes into.
    if not is_header_token(value):
        return None
    lives = [life for life in (stated, _jwt_life(value)) if life is not None]
    return Token(value, now + min(lives, default=_LIFE_SECONDS))


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
