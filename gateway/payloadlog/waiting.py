"""Records that wait to be written, and those who wait for them."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import NamedTuple

from gateway.payloadlog.entry import SpoolEntry

MAX_GROUP_RECORDS = 128
MAX_GROUP_BYTES = 8_000_000


class Waiting(NamedTuple):
    """A record, and the future of the one who waits until it is kept; None where nobody does."""

    entry: SpoolEntry
    kept: asyncio.Future[None] | None


def next_group(backlog: deque[Waiting]) -> list[Waiting]:
    """Take off the records of the next transaction: the oldest ones, as many as its bounds allow, at least one."""
    group: list[Waiting] = []
    n_bytes = 0
    while backlog and len(group) < MAX_GROUP_RECORDS:
        n_bytes += len(backlog[0].entry.line)
        if group and n_bytes > MAX_GROUP_BYTES:
            break
        group.append(backlog.popleft())
    return group


async def outlasting_cancellation(kept: asyncio.Future[None]) -> None:
    """Wait for a record to be kept; where this is cancelled, it ends when that is decided, all the same.

    Raises:
        SpoolUnavailableError: it is not kept.
    """
    try:
        await asyncio.shield(kept)
    except asyncio.CancelledError:
        # The record is on its way to the disk: nobody can take it back, but its call should know what became of it.
        while not kept.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait((kept,))
        kept.result()
        raise
