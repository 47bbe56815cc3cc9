"""`GET /v1/payloads`: payload records, page by page."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing

from aiohttp import hdrs, web
from msgspec import Struct
from msgspec.structs import replace

from gateway.api.routes import Route
from gateway.moments import unix_us
from gateway.payloadlog.reading import PAGE_BYTES, SpoolReader, StoredRecord
from schemas.errors import GatewayError, InvalidRequestError

DEFAULT_RECORDS = 100
MAX_RECORDS = 1000
# What is held in memory for one reader: as much as the spool reads at once.
CHUNK_BYTES = PAGE_BYTES
WRITE_SECONDS = 60.0

PARAMETERS = ("deployment_id", "start", "end", "after", "limit")

_LISTED = f"{', '.join(PARAMETERS[:-1])} and {PARAMETERS[-1]}"
_MAX_NAME = 64
_MAX_POSITION = 2**63
_DIGITS = re.compile(r"[0-9]{1,19}")


class PayloadQuery(Struct, frozen=True, kw_only=True):
    """Which records are wanted; see `SpoolReader.records`."""

    deployment_id: str | None
    start_us: int | None
    end_us: int | None
    after: int
    limit: int


class _Chunk(Struct, frozen=True):
    """Some records of a page. `done`: the page ends with them; `next`: where the next page begins."""

    records: Sequence[StoredRecord]
    done: bool
    next: int | None


class PayloadsRoute:
    """`GET /v1/payloads`. The spool is read in threads; a large page is sent piece by piece.

    Args:
        reader: of the spool.
    """

    def __init__(self, reader: SpoolReader) -> None:
        self._reader = reader

    def routes(self) -> Sequence[Route]:
        """Return the route."""
        return [Route(hdrs.METH_GET, "/v1/payloads", "payloads", self.get)]

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Return a page of records, in the order of the spool, each as it is stored.

        Raises:
            InvalidRequestError: a parameter is unknown, repeated, or can't be read.
            SpoolUnavailableError: the spool can't be read.
        """
        query = payload_query(request.query.items())
        chunk = await asyncio.to_thread(self._read, query)
        head = b'{"records":[' + _joined(chunk)
        if chunk.done:
            return web.Response(body=head + _tail(chunk), content_type="application/json")
        return await self._stream(request, query, chunk, head)

    async def _stream(
        self, request: web.Request, query: PayloadQuery, chunk: _Chunk, head: bytes
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "application/json"})
        try:
            await response.prepare(request)
            await _write(response, head)
            while not chunk.done:
                query = _behind(query, chunk)
                chunk = await asyncio.to_thread(self._read, query)
                await _write(response, (b"," if chunk.records else b"") + _joined(chunk))
            await response.write_eof(_tail(chunk))
        except (ConnectionError, TimeoutError):
            # The reader has left, or takes nothing any more.
            _abort(request)
        except GatewayError:
            # Half a page is under way: only a broken connection can say that the rest will not come.
            _abort(request)
            raise
        return response

    def _read(self, query: PayloadQuery) -> _Chunk:
        """Read records until they make `CHUNK_BYTES`; one beyond the page tells whether another page follows."""
        records: list[StoredRecord] = []
        last, n_bytes = query.after, 0
        found = self._reader.records(
            deployment_id=query.deployment_id,
            start_us=query.start_us,
            end_us=query.end_us,
            after=query.after,
            limit=query.limit + 1,
        )
        with closing(found):
            for stored in found:
                if len(records) == query.limit:
                    return _Chunk(records, True, last)
                records.append(stored)
                last, n_bytes = stored.seq, n_bytes + len(stored.line)
                if n_bytes >= CHUNK_BYTES:
                    return _Chunk(records, False, None)
        return _Chunk(records, True, None)


def payload_query(parameters: Iterable[tuple[str, str]]) -> PayloadQuery:
    """Read the parameters of a request.

    Args:
        parameters: names and values, in any order.

    Raises:
        InvalidRequestError: one is unknown, repeated, or can't be read; `target` names it.
    """
    given: dict[str, str] = {}
    for name, value in parameters:
        if name not in PARAMETERS:
            raise InvalidRequestError(f"There is no such parameter: use {_LISTED}.", target=name[:_MAX_NAME])
        if name in given:
            raise InvalidRequestError("The parameter is given twice.", target=name)
        given[name] = value
    return PayloadQuery(
        deployment_id=given.get("deployment_id"),
        start_us=_moment(given, "start"),
        end_us=_moment(given, "end"),
        after=_number(given, "after", 0, range(_MAX_POSITION), "Send what `next` of the page before says."),
        limit=_number(given, "limit", DEFAULT_RECORDS, range(1, MAX_RECORDS + 1), f"Send 1 to {MAX_RECORDS}."),
    )


def _moment(given: Mapping[str, str], name: str) -> int | None:
    try:
        return unix_us(given[name]) if name in given else None
    except ValueError:
        raise InvalidRequestError(
            "Send a moment in RFC 3339, as 2026-11-21T12:00:00Z; the plus sign of an offset is %2B in a URL.",
            target=name,
        ) from None


def _number(given: Mapping[str, str], name: str, default: int, allowed: range, advice: str) -> int:
    text = given.get(name)
    if text is None:
        return default
    if _DIGITS.fullmatch(text) is None or int(text) not in allowed:
        raise InvalidRequestError(advice, target=name)
    return int(text)


async def _write(response: web.StreamResponse, content: bytes) -> None:
    async with asyncio.timeout(WRITE_SECONDS):
        await response.write(content)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _behind(query: PayloadQuery, chunk: _Chunk) -> PayloadQuery:
    return replace(query, after=chunk.records[-1].seq, limit=query.limit - len(chunk.records))


def _joined(chunk: _Chunk) -> bytes:
    return b",".join(stored.line for stored in chunk.records)


def _tail(chunk: _Chunk) -> bytes:
    return b'],"next":%s}' % (b"null" if chunk.next is None else b'"%d"' % chunk.next)
