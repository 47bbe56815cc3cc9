"""Exchanges that carry a bearer token."""

import time
from collections.abc import Awaitable, Callable

from adapters.base.tokens import TokenSource
from adapters.base.transport import Response

PAUSE_SECONDS = 10.0
"""How long no other token is asked for where the last one did not help, so that refused calls don't flood a service."""
_UNAUTHORIZED = 401

Send = Callable[[str], Awaitable[Response]]
"""Makes one exchange, given the value of its header Authorization."""


class BearerExchanges:
    """Makes exchanges with a token of a source; one that is answered with 401 is made once more with another token.

    Args:
        tokens: where they come from.
        clock: monotonic, in seconds.
    """

    def __init__(self, tokens: TokenSource, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._tokens = tokens
        self._clock = clock
        self._paused_until = float("-inf")

    async def make(self, send: Send, *, deadline: float) -> Response:
        """Return the answer, whatever its status.

        Args:
            send: called once or twice.
            deadline: of getting a token, on the event loop's clock, in seconds.

        Raises:
            EngineError: there is no token, or what `send` raises.
        """
        token = await self._tokens.token(deadline=deadline)
        response = await send(f"Bearer {token.value}")
        if response.status != _UNAUTHORIZED or self._clock() < self._paused_until:
            return response
        another = await self._tokens.token(deadline=deadline, rejected=token)
        response = await send(f"Bearer {another.value}")
        if response.status == _UNAUTHORIZED:
            self._paused_until = self._clock() + PAUSE_SECONDS
        return response
