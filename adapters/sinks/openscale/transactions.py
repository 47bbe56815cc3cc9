"""The payload table of a subscription, as API v1 lists it (`href_definitions.py` of IBM's SDK).

There is no way to ask for a row, or for a time: the whole table comes in pages, with all columns. Its order is not
documented; a program that takes the first row for the latest is all the evidence there is.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec
from msgspec import Raw, Struct

from adapters.base import Response
from adapters.sinks.openscale.answers import not_now
from adapters.sinks.openscale.link import Link
from schemas.errors import SinkUnavailableError

# The default, and largest, of IBM's SDK `ibm_ai_openscale` 2.2.1 (its `payload_logging.py`).
PAGE_ROWS = 1000
# All columns of so many rows: 64 kB a row.
_MAX_PAGE_BYTES = 64_000_000


class Transaction(Struct, frozen=True):
    """A stored row: its id, and when the call started."""

    row_id: str
    scoring_timestamp: str

    @property
    def moment(self) -> datetime:
        """When the call started, UTC where the text does not say.

        Raises:
            SinkUnavailableError: the text is no time.
        """
        try:
            moment = datetime.fromisoformat(self.scoring_timestamp)
        except ValueError:
            raise SinkUnavailableError("OpenScale lists a transaction whose scoring_timestamp is no time.") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Page(Struct, frozen=True):
    """Rows from an offset on, and how many the table has."""

    rows: Sequence[Transaction]
    total: int


class _Listing(Struct, frozen=True):
    fields: list[str]
    values: list[list[Raw]]
    total_count: int


class Transactions:
    """The transactions of one subscription.

    Args:
        link: the way to OpenScale.
        url: of the data mart.
        subscription_id: whose table it is.
        target: place in the sink's configuration, for messages.

    Attributes:
        url: of the list.
    """

    def __init__(self, link: Link, url: str, subscription_id: str, *, target: str) -> None:
        self._link = link
        self._target = target
        self.url = f"{url}/scoring_transactions?{urlencode({'subscription_id': subscription_id})}"

    async def count(self, *, deadline: float) -> int:
        """Return the number of rows.

        Raises:
            SinkUnavailableError: it can't be read now.
        """
        return (await self._page(0, deadline, limit=1)).total

    async def all(self, *, deadline: float) -> AsyncIterator[Sequence[Transaction]]:
        """Yield the whole table in pages. A row may come twice where others arrive meanwhile, but none is left out.

        Raises:
            SinkUnavailableError: it can't be read now.
        """
        offset = 0
        while rows := (await self._page(offset, deadline)).rows:
            yield rows
            offset += len(rows)

    async def ends(self, n_rows: int, *, deadline: float) -> AsyncIterator[Sequence[Transaction]]:
        """Yield the pages at both ends of the table where `n_rows` that have just arrived should be.

        Raises:
            SinkUnavailableError: it can't be read now.
        """
        reach = n_rows + PAGE_ROWS
        first = await self._page(0, deadline)
        yield first.rows
        for offset in end_offsets(first.total, reach)[1:]:
            yield (await self._page(offset, deadline)).rows

    async def _page(self, offset: int, deadline: float, *, limit: int = PAGE_ROWS) -> Page:
        page = urlencode({"limit": limit, "offset": offset, "include_total_count": "true"})
        response = await self._link.get(f"{self.url}&{page}", deadline=deadline, max_bytes=_MAX_PAGE_BYTES)
        # In a thread: a page may be large.
        return await asyncio.to_thread(read_page, response, self._target)


def end_offsets(total: int, reach: int) -> list[int]:
    """Return the offsets of the pages that hold the first and the last `reach` rows of `total`, each row once."""
    front = list(range(0, min(reach, total), PAGE_ROWS))
    after_front = len(front) * PAGE_ROWS
    return front + list(range(max(after_front, total - reach), total, PAGE_ROWS))


def read_page(response: Response, target: str) -> Page:
    """Read an answer that lists transactions and counts them.

    Args:
        response: the answer.
        target: place in the sink's configuration, for messages.

    Raises:
        SinkUnavailableError: it is no such answer.
    """
    if response.status != 200:  # noqa: PLR2004 - HTTP
        raise not_now(response, target)
    try:
        listing = msgspec.json.decode(response.body, type=_Listing)
        return Page(_transactions(listing), listing.total_count)
    except (ValueError, IndexError, RecursionError):
        raise SinkUnavailableError("OpenScale answered with something that is no list of transactions.") from None


def _transactions(listing: _Listing) -> list[Transaction]:
    if not listing.values:
        return []
    row_id, timestamp = listing.fields.index("scoring_id"), listing.fields.index("scoring_timestamp")
    return [Transaction(_text(row[row_id]), _text(row[timestamp])) for row in listing.values]


def _text(cell: Raw) -> str:
    return msgspec.json.decode(cell, type=str)
