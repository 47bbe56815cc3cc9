import asyncio
from collections import deque

import pytest

from gateway.payloadlog.waiting import MAX_GROUP_BYTES, MAX_GROUP_RECORDS, Waiting, next_group, outlasting_cancellation
from schemas.errors import SpoolUnavailableError
from tests.fakes.payload_records import entry


def backlog(n: int, filler: int = 50) -> deque[Waiting]:
    return deque(Waiting(entry(filler=filler), None) for _ in range(n))


def test_groups_take_records_in_their_order_up_to_a_number() -> None:
    waiting = backlog(MAX_GROUP_RECORDS + 2)
    in_order = list(waiting)
    assert [*next_group(waiting), *next_group(waiting)] == in_order
    assert next_group(waiting) == []


def test_groups_are_bounded_in_bytes_and_take_one_record_of_any_size() -> None:
    assert [len(next_group(waiting)) for waiting in [backlog(3, MAX_GROUP_BYTES // 2)] for _ in range(3)] == [1, 1, 1]
    assert len(next_group(backlog(2, MAX_GROUP_BYTES * 2))) == 1


async def test_who_is_cancelled_learns_first_what_became_of_the_record() -> None:
    kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(outlasting_cancellation(kept))
    for _ in range(2):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    kept.set_result(None)
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_who_is_cancelled_learns_that_the_record_is_not_kept() -> None:
    kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(outlasting_cancellation(kept))
    await asyncio.sleep(0)
    waiting.cancel()
    kept.set_exception(SpoolUnavailableError("no"))
    with pytest.raises(SpoolUnavailableError):
        await waiting
