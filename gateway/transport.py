"""The HTTP client behind `adapters.base.Transport`: pooled aiohttp connections."""

import asyncio
import io
import ssl
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from adapters.base import (
    ConnectError,
    ConnectionLostError,
    Response,
    ResponseTooLargeError,
    TransportTimeoutError,
)
from gateway.proxies import proxy_for

CONNECT_SECONDS = 5.0
# Shorter than the idle time of any far side: 60 s and more of the platforms' front ends, 5 s of uvicorn, which MLflow,
# MLServer and KServe run on. A connection that is just being closed would cost a call, since none is sent twice.
KEEP_ALIVE_SECONDS = 4.0
LARGE_BODY_BYTES = 2**20


class HttpTransport:
    """Pooled connections for as long as the `async with` lasts; must be opened in the loop that uses it.

    Args:
        ssl_context: which certificates are trusted; None: those of the system.
        keep_alive_seconds: how long a connection is kept idle.
    """

    def __init__(
        self, *, ssl_context: ssl.SSLContext | None = None, keep_alive_seconds: float = KEEP_ALIVE_SECONDS
    ) -> None:
        self._ssl_context = ssl_context
        self._keep_alive_seconds = keep_alive_seconds
        self._route = lru_cache(maxsize=1024)(_route)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=self._keep_alive_seconds, ssl=self._ssl_context or True, ttl_dns_cache=30
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

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
        assert self._session is not None, "used outside of its `async with`"  # noqa: S101
        try:
            target, proxy = self._route(url)
        except ValueError as error:
            raise ConnectError(f"No connection can be made: {error}.") from None
        left = deadline - asyncio.get_running_loop().time()
        if left <= 0:
            raise ConnectError(f"No time left to call {target.host}.")
        timeout = aiohttp.ClientTimeout(total=None, connect=left, sock_connect=min(CONNECT_SECONDS, left))
        try:
            async with (
                asyncio.timeout_at(deadline),
                self._session.request(
                    method,
                    target,
                    headers=headers,
                    data=_payload(body),
                    timeout=timeout,
                    allow_redirects=False,
                    proxy=proxy,
                ) as response,
            ):
                content = await _read(response, max_bytes)
                return Response(
                    response.status, {name.lower(): value for name, value in response.headers.items()}, content
                )
        except aiohttp.ConnectionTimeoutError:
            raise ConnectError(f"No connection to {target.host} in time.") from None
        except TimeoutError:
            raise TransportTimeoutError(f"No answer of {target.host} in time.") from None
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.InvalidURL) as error:
            raise ConnectError(f"No connection to {target.host}: {_reason(error)}.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLostError(f"The connection to {target.host} broke: {_reason(error)}.") from error


def _route(url: str) -> tuple[URL, URL | None]:
    """Return where a request goes, and through which proxy."""
    target = URL(url, encoded=True)
    return target, proxy_for(target)


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    # A large body is written piece by piece, so that the loop is not held up by one long copy.
    # With empty bytes a GET would announce a body of no length.
    return io.BytesIO(body) if len(body) > LARGE_BODY_BYTES else body or None


def _reason(error: Exception) -> str:
    # aiohttp quotes URLs and headers in its messages; the class and the system's own text are enough.
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered with {error.status}"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(cause).__name__


async def _read(response: aiohttp.ClientResponse, max_bytes: int | None) -> bytes:
    if max_bytes is None:
        return await response.read()
    announced = response.content_length
    if announced is not None and announced > max_bytes:
        response.close()
        raise ResponseTooLargeError(f"The answer has {announced} bytes, at most {max_bytes} are read.")
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > max_bytes:
            response.close()
            raise ResponseTooLargeError(f"The answer has more than {max_bytes} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)
