"""One token that is held, and renewed by one task at a time.

A token is renewed at 80 % of its life. While the old one still works nobody waits for that, and a token service that is
down then costs nothing; from 95 % on, or once a server has rejected the token, callers wait for one task that fetches
another. A refusal is the answer to all who ask within the next seconds: asking again at every call could lock the
account, or have it throttled.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from msgspec import Struct

from adapters.base import Token
from schemas.errors import EngineError, EngineRefusedError, EngineUnavailableError

PAUSE_SECONDS = 10.0
"""How long nobody asks again after a refusal."""
_RENEW_AT = 0.80
_DROP_AT = 0.95
_EARLY_RENEWAL_SECONDS = 5.0
_EARLY_RENEWAL_PAUSE_SECONDS = 30.0

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
        self._said_no_at = 0.0

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
        # Asked while this caller waited, or refused just now.
        if self._said_no is not None and (self._attempts != attempts or self._is_refused(now)):
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
            answered = error.engine_status is not None or isinstance(error, EngineRefusedError)
            self._said_no, self._said_no_at = (error if answered else None), self._clock()
            self._attempts += 1
            raise
        life = token.expires_at - started
        self._held = _Held(token, started + _RENEW_AT * life, started + _DROP_AT * life)
        self._said_no = None
        self._attempts += 1
        return token

    def _is_refused(self, now: float) -> bool:
        return isinstance(self._said_no, EngineRefusedError) and 0 <= now - self._said_no_at < PAUSE_SECONDS

    def _late(self) -> EngineUnavailableError:
        return EngineUnavailableError(f"{self._service} issued no token in time.", retryable=True)
