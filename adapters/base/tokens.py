"""Bearer tokens that engines and sinks share."""

from typing import Protocol

from msgspec import Struct


class Token(Struct, frozen=True):
    """A bearer token. `expires_at` is in seconds of the Unix epoch."""

    value: str
    expires_at: float

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at})"


class TokenSource(Protocol):
    """Where a valid token comes from; refreshed before it expires, by one task at a time."""

    async def token(self, *, deadline: float, rejected: Token | None = None) -> Token:
        """Return a token that is not about to expire, and not `rejected` (which a server answered with 401).

        Args:
            deadline: on the event loop's clock, in seconds.
            rejected: fetch another if this one would be returned.

        Raises:
            EngineUnavailableError: the token service can't be reached in time.
            EngineRefusedError: it refuses the credentials.
        """
        ...
