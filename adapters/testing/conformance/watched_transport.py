"""The gateway's transport, watched: what it was asked for, and answers that are too large on demand."""

from collections.abc import Mapping

from msgspec import Struct

from adapters.base import Response, Transport


class Exchange(Struct, frozen=True):
    """What was asked of the transport; see `adapters.base.Transport`."""

    method: str
    headers: Mapping[str, str]
    deadline: float
    max_bytes: int | None


class WatchedTransport:
    """Passes on what it is asked for.

    Attributes:
        exchanges: all of them so far.
        at_most: bytes of an answer that are read, where it is less than what the caller allows.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.exchanges: list[Exchange] = []
        self.at_most: int | None = None

    @property
    def credentials(self) -> dict[str, str]:
        """What went out in headers Authorization, without the schemes; tokens that were issued are among it."""
        given = {
            value.rpartition(" ")[2]
            for exchange in self.exchanges
            for name, value in exchange.headers.items()
            if name.lower() == "authorization"
        }
        return {f"Authorization {k}": credential for k, credential in enumerate(sorted(given - {""}))}

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        deadline: float,
        max_bytes: int | None = None,
    ) -> Response:
        """Make one exchange: see `adapters.base.Transport`."""
        self.exchanges.append(Exchange(method, headers, deadline, max_bytes))
        bounds = [bound for bound in (max_bytes, self.at_most) if bound is not None]
        return await self._transport.request(
            method, url, headers=headers, body=body, deadline=deadline, max_bytes=min(bounds, default=None)
        )
