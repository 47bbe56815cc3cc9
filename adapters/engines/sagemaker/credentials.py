"""Where the keys of a call come from: the configuration, or the AWS chain."""

import asyncio
from typing import Protocol

import structlog

from adapters.engines.sagemaker.sdk import Chain, open_chain
from adapters.engines.sagemaker.settings import SageMakerSettings
from adapters.engines.sagemaker.signing import Keys
from schemas.errors import EngineUnavailableError, GatewayError

log = structlog.get_logger(__name__)

ASK_SECONDS = 30.0
"""How often the chain is asked while calls go on: it renews what expires within fifteen minutes."""
# It promises ten minutes; keys that it gave longer ago are not used before it is asked again.
_TRUST_SECONDS = 540.0
REOPEN_SECONDS = 5.0
"""How long keys that were refused are not looked for again in the chain."""


class KeySource(Protocol):
    """Gives the keys to sign with, without blocking the loop."""

    async def keys(self, *, deadline: float, rejected: Keys | None = None) -> Keys:
        """Return keys that are not about to expire; others than `rejected` where there are others.

        Raises:
            EngineError: there are none, or they can't be had by the deadline.
            MissingExtraError: boto3 is needed and not installed.
        """
        ...

    async def close(self) -> None:
        """End what goes on in the background."""
        ...


class ConfiguredKeys:
    """Keys from the configuration: always the same."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def keys(self, *, deadline: float, rejected: Keys | None = None) -> Keys:
        """Return them."""
        return self._keys

    async def close(self) -> None:
        """Nothing goes on."""


class ChainKeys:
    """Keys of the AWS chain, asked for in a thread, by one task at a time."""

    def __init__(
        self, settings: SageMakerSettings, *, ask_seconds: float = ASK_SECONDS, reopen_seconds: float = REOPEN_SECONDS
    ) -> None:
        self._settings = settings
        self._ask_seconds = ask_seconds
        self._reopen_seconds = reopen_seconds
        self._chain: Chain | None = None
        self._keys: Keys | None = None
        self._asked_at = 0.0
        self._given_at = 0.0
        self._opened_at = 0.0
        self._asking: asyncio.Task[Keys] | None = None

    async def keys(self, *, deadline: float, rejected: Keys | None = None) -> Keys:
        """Return keys that are not about to expire: see `KeySource`."""
        now = asyncio.get_running_loop().time()
        if self._keys is None or now - self._given_at > _TRUST_SECONDS:
            return await self._wait(deadline)
        if rejected is self._keys and now - self._opened_at >= self._reopen_seconds:
            self._chain = None
            return await self._wait(deadline)
        if now - self._asked_at > self._ask_seconds:
            self._ask()
        return self._keys

    async def close(self) -> None:
        """Stop waiting for the chain."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    def _ask(self) -> asyncio.Task[Keys]:
        if self._asking is None or self._asking.done():
            self._asked_at = asyncio.get_running_loop().time()
            self._asking = asyncio.create_task(self._renew(), name="aws-credentials")
            self._asking.add_done_callback(_report)
        return self._asking

    async def _wait(self, deadline: float) -> Keys:
        asking = self._ask()
        done, _ = await asyncio.wait([asking], timeout=deadline - asyncio.get_running_loop().time())
        if not done:
            raise EngineUnavailableError("The AWS credentials can't be had in time.", retryable=True)
        if asking.cancelled():
            raise EngineUnavailableError("The engine is being closed.")
        return asking.result()

    async def _renew(self) -> Keys:
        chain = self._chain
        if chain is None:
            self._opened_at = asyncio.get_running_loop().time()
            chain = await asyncio.to_thread(open_chain, self._settings)
        asked_at = asyncio.get_running_loop().time()
        keys = await asyncio.to_thread(chain.keys)
        self._chain, self._given_at = chain, asked_at
        if self._keys is None or keys != self._keys:
            self._keys = keys
        return self._keys


def _report(asking: asyncio.Task[Keys]) -> None:
    if asking.cancelled():
        return
    error = asking.exception()
    if error is not None:
        problem = error.message if isinstance(error, GatewayError) else type(error).__name__
        log.warning("AWS credentials can't be renewed", problem=problem)
