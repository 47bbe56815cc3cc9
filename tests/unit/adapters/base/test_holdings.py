import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from adapters.base import Held
from adapters.base.holdings import Holding, Holdings, holding_of
from adapters.testing.conformance.records import payload_record

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def holdings() -> Iterator[Holdings]:
    holdings = Holdings()
    yield holdings
    holdings.close()


def holding(scoring_id: str, started: datetime = NOON, *, deployment_id: str = "credit", rows: int = 1) -> Holding:
    return Holding(scoring_id, deployment_id, round(started.timestamp() * 1_000_000), rows)


async def held(holdings: Holdings, start: datetime = NOON, end: datetime = LATER) -> list[Held]:
    return sorted([one async for one in holdings.held("credit", start=start, end=end)], key=str)


async def test_records_are_found_by_deployment_and_time_with_the_end_outside(holdings: Holdings) -> None:
    instant = timedelta(microseconds=1)
    holdings.add([holding("before", NOON - instant), holding("first", rows=3), holding("other", deployment_id="loans")])
    holdings.add([holding("last", LATER - instant), holding("after", LATER)])
    assert await held(holdings) == [Held("first", 3), Held("last", 1)]


async def test_a_record_that_is_held_twice_is_told_twice(holdings: Holdings) -> None:
    holdings.add([holding("a")])
    holdings.add([holding("a")])
    assert await held(holdings) == [Held("a", 1), Held("a", 1)]


async def test_a_part_that_has_a_name_is_added_once(holdings: Holdings) -> None:
    assert not holdings.knows("object")
    holdings.add([holding("a")], source="object")
    holdings.add([holding("a")], source="object")
    assert holdings.knows("object")
    assert await held(holdings) == [Held("a", 1)]


async def test_a_part_that_can_t_be_read_to_its_end_leaves_nothing_behind(holdings: Holdings) -> None:
    def broken() -> Iterator[Holding]:
        yield holding("a")
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it is this test's own
        holdings.add(broken(), source="object")
    assert not holdings.knows("object")
    assert await held(holdings) == []


async def test_many_records_take_next_to_no_memory(holdings: Holdings) -> None:
    tracemalloc.start()
    try:
        holdings.add(holding(f"{n:032x}") for n in range(10_000))
        n_held = 0
        async for _ in holdings.held("credit", start=NOON, end=LATER):
            n_held += 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert n_held == 10_000
    assert peak < 1_000_000


def test_of_a_line_only_what_counts_is_read() -> None:
    record = payload_record(2)
    moment = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
    assert holding_of(record.encode()) == holding(record.scoring_id, moment, deployment_id=record.deployment_id, rows=2)


@pytest.mark.parametrize("line", [b"", b"{}", b'{"scoring_id": 1}', b"\xff", b'{"request": ' + b"[" * 100_000])
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        holding_of(line)
