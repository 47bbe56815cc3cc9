"""Reading a request's body within its bounds."""

import asyncio

from aiohttp import web

from gateway.api.errors import BodyTooLargeError, ContentTypeError
from gateway.api.in_flight import InFlight
from schemas.errors import InvalidRequestError

BODY_SECONDS = 60.0


class BodyReader:
    """Reads bodies of at most `max_bytes`, all of them together within `in_flight`."""

    def __init__(self, max_bytes: int, in_flight: InFlight) -> None:
        self._max = max_bytes
        self._in_flight = in_flight

    async def read(self, request: web.Request, *, any_type: bool = False) -> tuple[bytes, int]:
        """Return the body and the share of the bound that must be given back when the call is over.

        Args:
            request: whose body nobody has read yet.
            any_type: take other bodies than JSON, too.

        Raises:
            ContentTypeError: it is announced as something else than JSON, or as what no header can say.
            BodyTooLargeError: it is larger than allowed.
            OverloadedError: too much is in flight already.
            InvalidRequestError: it was cut short, or came too slowly.
        """
        if any_type:
            _check_printable(request)
        else:
            _check_json(request)
        announced = request.content_length
        if announced is not None and announced > self._max:
            raise self._too_large()
        share = self._in_flight.take(announced or 0)
        plain = announced is not None and "Content-Encoding" not in request.headers
        if plain and request.content.is_eof():
            return request.content.read_nowait(), share
        try:
            async with asyncio.timeout(BODY_SECONDS):
                if plain:
                    return await request.content.read(), share
                return await self._read_chunked(request, share)
        except TimeoutError:
            self._in_flight.give_back(share)
            raise InvalidRequestError(f"The body did not arrive within {BODY_SECONDS:g} s.") from None
        except (web.RequestPayloadError, ConnectionError):
            self._in_flight.give_back(share)
            raise InvalidRequestError("The body was cut short, or its encoding is broken.") from None
        except BaseException:
            self._in_flight.give_back(share)
            raise

    def give_back(self, share: int) -> None:
        """Free the room of a body whose call is over."""
        self._in_flight.give_back(share)

    async def _read_chunked(self, request: web.Request, share: int) -> tuple[bytes, int]:
        chunks: list[bytes] = []
        size = taken = 0
        try:
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > self._max:
                    raise self._too_large()
                if size > share + taken:
                    taken += self._in_flight.take(size - share - taken)
                chunks.append(chunk)
        except BaseException:
            self._in_flight.give_back(taken)
            raise
        return b"".join(chunks), share + taken

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(f"The body is larger than {self._max / 1e6:g} MB: send fewer rows in a call.")


def _check_json(request: web.Request) -> None:
    kind = request.content_type
    if kind != "application/json" and "Content-Type" in request.headers and not kind.endswith("+json"):
        raise ContentTypeError("Send the body as application/json.", target="Content-Type")


def _check_printable(request: web.Request) -> None:
    """Check what goes on to a platform as it is."""
    kind = request.headers.get("Content-Type", "")
    if not (kind.isascii() and kind.isprintable()):
        raise ContentTypeError("Send a content type of printable ASCII characters.", target="Content-Type")
