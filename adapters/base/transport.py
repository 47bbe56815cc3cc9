"""The HTTP client that the gateway lends to engines and sinks.

One method, so that another implementation (connections of our own, a recorder) can stand behind it.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Response(Struct, frozen=True):
    """An HTTP response, read whole.

    Attributes:
        status: any status; none is an error here.
        headers: names in lower case; of a repeated header the last value.
        body: decoded from its Content-Encoding.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportError(Exception):
    """The exchange did not end with a response. The message names host and phase, never a header or a body."""


class ConnectError(TransportError):
    """No connection was made, or it was lost before the first byte of the request left: nothing was sent."""


class TransportTimeoutError(TransportError):
    """The deadline passed after the request began to leave; the connection is closed."""


class ConnectionLostError(TransportError):
    """The connection was reset, or the response was cut short, after the request began to leave."""


class ResponseTooLargeError(TransportError):
    """The response is larger than `max_bytes`."""


class Transport(Protocol):
    """Pooled HTTP/1.1 connections; safe to use from many tasks of one event loop."""

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
        """Make one exchange; redirects are not followed, and nothing but a GET may be sent twice.

        Args:
            method: HTTP method, in upper case.
            url: absolute; path and query are sent as they stand (they may be signed).
            headers: sent as they stand; Host and Content-Length are added.
            body: the whole body.
            deadline: on the clock of `asyncio.get_running_loop().time()`, in seconds; covers all of the exchange.
            max_bytes: of the response's body.

        Raises:
            ConnectError: nothing was sent, the deadline passed while connecting included.
            TransportTimeoutError: the deadline passed later.
            ConnectionLostError: the connection broke later.
            ResponseTooLargeError: the response is larger than `max_bytes`.
        """
        ...
