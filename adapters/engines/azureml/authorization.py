"""What goes into the Authorization header of a call, and into that of the next one after a refusal."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Literal

import structlog

from adapters.base import Token, TokenSource, Transport
from adapters.engines.azureml.native import Native
from adapters.engines.azureml.settings import AzureSettings
from adapters.engines.azureml.tokens import ChainTokens, EndpointTokens, entra_tokens
from schemas.errors import EngineError

KEYS_AT_ONCE = 8
PAUSE_SECONDS = 10.0
"""How long nobody asks for another key or token where the last one that was asked for did not help."""

log = structlog.get_logger(__name__)


class Authorization:
    """Keys and tokens of one engine.

    Args:
        settings: of the engine.
        transport: to the control plane and to Entra.
        clock: monotonic, in seconds.

    Attributes:
        control: tokens for the control plane.
    """

    def __init__(
        self, settings: AzureSettings, transport: Transport, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self.control: TokenSource = entra_tokens(settings, transport, settings.control_scope)
        self._scoring: TokenSource = entra_tokens(settings, transport, settings.scoring_scope)
        self._by_endpoint: dict[str, EndpointTokens] = {}
        self._known_keys: dict[str, str] = {}
        self._refused_keys: dict[str, str] = {}
        self._paused_until: dict[str, float] = {}

    async def token(self, name: str, native: Native, deadline: float) -> Token | None:
        """Return the key or token for an endpoint; None where it wants none.

        Raises:
            EngineUnavailableError: it can't be fetched in time.
            EngineRefusedError: it may not be fetched.
        """
        if native.auth_mode == "key" and native.key is not None and self._refused_keys.get(name) != native.key:
            return Token(native.key, float("inf"))
        source = self._source(name, native)
        return None if source is None else await source.token(deadline=deadline)

    async def another(self, name: str, native: Native, refused: Token, deadline: float) -> Token | None:
        """Return a key or token other than the one that the endpoint has refused; None where there is none.

        Raises:
            EngineError: as `token`.
        """
        source = self._source(name, native)
        if source is None or self._clock() < self._paused_until.get(name, 0.0):
            return None
        try:
            another = await source.token(deadline=deadline, rejected=refused)
        except EngineError:
            self.in_vain(name)
            raise
        if another.value == refused.value:
            self.in_vain(name)
            return None
        if refused.value == native.key:
            # Until discovery has found the new key too.
            self._refused_keys[name] = refused.value
        return another

    def in_vain(self, name: str) -> None:
        """Note that another key or token did not help, so that refused calls don't flood the control plane."""
        self._paused_until[name] = self._clock() + PAUSE_SECONDS

    async def keys(self, names: Sequence[str], deadline: float) -> dict[str, str]:
        """Fetch the keys of endpoints, a few at a time.

        One that can't be had is the one of the last time; without any it is left out, and the first call asks again.

        Raises:
            MissingExtraError: the credentials need a package that is not installed.
        """
        limit = asyncio.Semaphore(KEYS_AT_ONCE)

        async def fetch(name: str) -> str | None:
            try:
                async with limit:
                    return (await self._of_endpoint(name, "key").token(deadline=deadline)).value
            except EngineError as error:
                log.warning("key of an endpoint not fetched", endpoint=name, problem=error.message)
                return None

        fetched = await asyncio.gather(*map(fetch, names))
        fresh = {name: key for name, key in zip(names, fetched, strict=True) if key is not None}
        self._known_keys = {name: key for name, key in self._known_keys.items() if name in names} | fresh
        return dict(self._known_keys)

    async def close(self) -> None:
        """Close what the credentials hold open."""
        async with AsyncExitStack() as stack:
            for source in (self.control, self._scoring):
                if isinstance(source, ChainTokens):
                    stack.push_async_callback(source.close)

    def _source(self, name: str, native: Native) -> TokenSource | None:
        match native.auth_mode:
            case "aad_token":
                return self._scoring
            case "key" | "aml_token" as kind if native.in_workspace:
                if name not in self._by_endpoint:
                    self._by_endpoint[name] = self._of_endpoint(name, kind)
                return self._by_endpoint[name]
        return None

    def _of_endpoint(self, name: str, kind: Literal["key", "aml_token"]) -> EndpointTokens:
        return EndpointTokens(self._settings, self._transport, self.control, endpoint=name, kind=kind)
