"""Where the Authorization header comes from: keys and tokens of endpoints, and tokens of Entra."""

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct, field

from adapters.base import Response, Token, TokenSource, Transport
from adapters.base.bearer import BearerExchanges
from adapters.base.http_access import is_header_token
from adapters.base.transport_errors import engine_errors
from adapters.engines.azureml.errors import control_error
from adapters.engines.azureml.settings import AzureSettings
from adapters.tokens import Clock, RefreshingTokens
from schemas.errors import EngineRefusedError, EngineUnavailableError, MissingExtraError

if TYPE_CHECKING:
    from azure.identity import DefaultAzureCredential

_NEVER = float("inf")
_MAX_BYTES = 1_000_000
_RENEWED_AT = 0.8
"""`RefreshingTokens` renews after this share of a token's life."""


class ChainTokens(RefreshingTokens):
    """Tokens of the Azure chain, through azure-identity, which blocks: it lives in a thread."""

    def __init__(self, settings: AzureSettings, scope: str) -> None:
        super().__init__("The Azure credential chain")
        self._authority = settings.authority_url
        self._scope = scope
        self._credential: DefaultAzureCredential | None = None

    async def fetch(self, deadline: float) -> Token:
        """Ask the chain: see `RefreshingTokens.fetch`."""
        return await asyncio.to_thread(self._ask)

    def _ask(self) -> Token:
        try:
            from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415 - slow, and optional
            from azure.identity import DefaultAzureCredential  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError(
                needed_by="engine type azureml", package="azure-identity", extra="azureml"
            ) from error
        if self._credential is None:
            self._credential = DefaultAzureCredential(
                authority=self._authority, process_timeout=10, connection_timeout=5, read_timeout=20
            )
        try:
            answer = self._credential.get_token(self._scope)
        except ClientAuthenticationError as error:
            raise EngineRefusedError(
                f"No credential of the Azure chain works ({type(error).__name__}): set the engine's `credentials`, or "
                "give the process an identity."
            ) from error
        return Token(answer.token, float(answer.expires_on))

    async def close(self) -> None:
        """Close the connections of the chain."""
        if self._credential is not None:
            await asyncio.to_thread(self._credential.close)


def entra_tokens(settings: AzureSettings, transport: Transport, scope: str) -> TokenSource:
    """Return the tokens that the configured credentials give for a scope."""
    if settings.credentials is None:
        return ChainTokens(settings, scope)
    return settings.credentials.tokens(transport, scope=scope, authority=settings.authority_url)


_HeaderText = Annotated[str, Meta(min_length=1)]


class _Keys(Struct, frozen=True):
    primary: _HeaderText = field(name="primaryKey")


class _AmlToken(Struct, frozen=True):
    value: _HeaderText = field(name="accessToken")
    expires_at: float = field(name="expiryTimeUtc")
    refresh_at: float | None = field(name="refreshAfterTimeUtc", default=None)


class EndpointTokens(RefreshingTokens):
    """The key of an endpoint, or its AML token, from Azure Resource Manager.

    Source: REST reference, Online Endpoints - List Keys, Get Token.
    """

    def __init__(
        self,
        settings: AzureSettings,
        transport: Transport,
        control_tokens: TokenSource,
        *,
        endpoint: str,
        kind: Literal["key", "aml_token"],
        clock: Clock = time.time,
    ) -> None:
        super().__init__("Azure Resource Manager", clock=clock)
        self._transport = transport
        self._control = BearerExchanges(control_tokens)
        self._kind = kind
        self._what = f"The {'key' if kind == 'key' else 'token'} of Azure ML endpoint {endpoint}"
        action = "listKeys" if kind == "key" else "token"
        self._url = f"{_workspace_url(settings)}/onlineEndpoints/{quote(endpoint, safe='')}/{action}"
        self._url += f"?api-version={quote(settings.api_version, safe='')}"

    async def fetch(self, deadline: float) -> Token:
        """Ask once, or twice where the token for the control plane has run out: see `RefreshingTokens.fetch`."""

        async def post(authorization: str) -> Response:
            headers = {"Authorization": authorization, "Accept": "application/json"}
            with engine_errors("Azure Resource Manager"):
                return await self._transport.request(
                    "POST", self._url, headers=headers, deadline=deadline, max_bytes=_MAX_BYTES
                )

        response = await self._control.make(post, deadline=deadline)
        if response.status != 200:  # noqa: PLR2004 - HTTP
            raise control_error(response.status, f"{self._what} can't be fetched")
        token = self._read(response.body)
        if not is_header_token(token.value):
            raise self._unreadable()
        return token

    def _read(self, body: bytes) -> Token:
        try:
            if self._kind == "key":
                return Token(msgspec.json.decode(body, type=_Keys).primary, _NEVER)
            token = msgspec.json.decode(body, type=_AmlToken)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._unreadable() from error
        now = self._clock()
        if token.refresh_at is None or token.refresh_at <= now:
            return Token(token.value, token.expires_at)
        return Token(token.value, min(token.expires_at, now + (token.refresh_at - now) / _RENEWED_AT))

    def _unreadable(self) -> EngineUnavailableError:
        return EngineUnavailableError(f"{self._what} is not in the control plane's answer: check control_url.")


def _workspace_url(settings: AzureSettings) -> str:
    group = f"subscriptions/{_segment(settings.subscription_id)}/resourceGroups/{_segment(settings.resource_group)}"
    workspace = f"providers/Microsoft.MachineLearningServices/workspaces/{_segment(settings.workspace)}"
    return f"{settings.base_url}/{group}/{workspace}"


def _segment(text: str | None) -> str:
    return quote(text or "", safe="")
