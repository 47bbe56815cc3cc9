"""Requests to OpenScale: with a token, which is renewed once where it is rejected."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import msgspec

from adapters.base import Response, TokenSource, Transport, TransportError
from adapters.base.bearer import BearerExchanges
from adapters.sinks.openscale.settings import OpenScaleSettings
from adapters.tokens import PREAUTH_PATH, ibm_tokens
from schemas.errors import EngineError, SinkUnavailableError

_JSON = "application/json"
_MAX_ANSWER_BYTES = 1_000_000


class Link:
    """A way to one OpenScale instance; what doesn't arrive there is `SinkUnavailableError`.

    After a 401 a request is made once more, which is safe: a record always comes with the same ids.
    """

    def __init__(self, tokens: TokenSource, transport: Transport) -> None:
        self._exchanges = BearerExchanges(tokens)
        self._transport = transport

    async def get(self, url: str, *, deadline: float, max_bytes: int = _MAX_ANSWER_BYTES) -> Response:
        """Ask for something.

        Raises:
            SinkUnavailableError: no answer, or no token.
        """

        async def send(authorization: str) -> Response:
            headers = {"Authorization": authorization, "Accept": _JSON}
            return await self._transport.request("GET", url, headers=headers, deadline=deadline, max_bytes=max_bytes)

        with _unavailable():
            return await self._exchanges.make(send, deadline=deadline)

    async def post(self, url: str, body: bytes, *, deadline: float, prefer: str | None = None) -> Response:
        """Send JSON.

        Raises:
            SinkUnavailableError: no answer, or no token.
        """
        content = {"Content-Type": _JSON} if prefer is None else {"Content-Type": _JSON, "Prefer": prefer}

        async def send(authorization: str) -> Response:
            headers = {"Authorization": authorization, "Accept": _JSON, **content}
            return await self._transport.request(
                "POST", url, headers=headers, body=body, deadline=deadline, max_bytes=_MAX_ANSWER_BYTES
            )

        with _unavailable():
            return await self._exchanges.make(send, deadline=deadline)


def link(settings: OpenScaleSettings, transport: Transport) -> Link:
    """Return the way that the settings describe; nothing is asked yet."""
    credentials = msgspec.structs.replace(settings, token_url=_token_url(settings))
    return Link(ibm_tokens(transport, credentials), transport)


def _token_url(settings: OpenScaleSettings) -> str | None:
    """Return where tokens come from; clients of API v1 sign in to a cluster by a path of their own."""
    if settings.api == "v2" or settings.password is None:
        return settings.token_url
    url = urlsplit(settings.token_url or urlsplit(settings.url)._replace(path="").geturl())
    return url._replace(path=url.path.rstrip("/") or PREAUTH_PATH).geturl()


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except TransportError as error:
        raise SinkUnavailableError(f"OpenScale gave no answer: {error}") from error
    except EngineError as error:
        raise SinkUnavailableError(error.message, retry_after=error.retry_after) from error
