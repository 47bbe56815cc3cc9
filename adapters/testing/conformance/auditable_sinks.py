"""What every sink promises that can be asked what it holds (adapters.base.sink.AuditableSink)."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from msgspec.structs import replace

from adapters.base import AuditableSink
from adapters.testing.conformance.records import CANARY, DEPLOYMENT, batch_of, in_seconds, payload_record
from adapters.testing.conformance.sink_bench import SinkBench
from schemas.errors import SinkUnavailableError

_NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)


class AuditableSinkConformance:
    """Subclass it beside `SinkConformance`, as `class TestMine(SinkConformance, AuditableSinkConformance)`."""

    case: ClassVar[type[SinkBench]]

    @pytest.mark.asyncio
    async def test_it_can_be_asked_what_it_holds(self, bench: SinkBench) -> None:
        assert isinstance(bench.sink, AuditableSink), (
            "Give the sink the method `held` of `adapters.base.AuditableSink`."
        )

    @pytest.mark.asyncio
    async def test_it_holds_the_rows_of_what_was_delivered_and_nothing_before(self, bench: SinkBench) -> None:
        start, end = _NOON - timedelta(days=1), _NOON + timedelta(days=1)
        assert await held(bench, start, end) == {}
        counted = "Yield the rows of each record, each once, as they are when it is asked."
        await bench.deliver(bench.batch("a", rows=2))
        assert await held(bench, start, end) == {"a": 2}, counted
        await bench.deliver(bench.batch("b", "c", rows=3))
        assert await held(bench, start, end) == {"a": 2, "b": 3, "c": 3}, counted

    @pytest.mark.asyncio
    async def test_it_tells_a_time_to_the_microsecond_with_its_end_outside(self, bench: SinkBench) -> None:
        await deliver_at(bench, {"before": _NOON - _INSTANT, "first": _NOON})
        end = _NOON + timedelta(hours=1)
        await deliver_at(bench, {"last": end - _INSTANT, "after": end})
        exactly = "Compare whole timestamps: `start` is inside, `end` outside."
        assert await held(bench, _NOON, end) == {"first": 1, "last": 1}, exactly
        assert await held(bench, _NOON - timedelta(hours=1), _NOON) == {"before": 1}, exactly

    @pytest.mark.asyncio
    async def test_it_finds_what_began_on_any_day_of_the_time(self, bench: SinkBench) -> None:
        for scoring_id, days in (("a", 0), ("b", 1), ("c", 2)):
            await deliver_at(bench, {scoring_id: _NOON + timedelta(days=days)})
        found = await held(bench, _NOON, _NOON + timedelta(days=2))
        assert found == {"a": 1, "b": 1}, "Look into every day that the time touches."

    @pytest.mark.asyncio
    async def test_it_holds_nothing_of_a_deployment_that_it_knows_nothing_of(self, bench: SinkBench) -> None:
        await bench.deliver(bench.batch("a"))
        found = await held(bench, _NOON - timedelta(days=1), _NOON, deployment_id="another")
        assert found == {}, "Yield what belongs to `deployment_id`."

    @pytest.mark.asyncio
    async def test_it_holds_more_than_a_page(self, bench: SinkBench) -> None:
        ids = [f"{n:05}" for n in range(2500)]
        for first in range(0, len(ids), 500):
            await bench.deliver(bench.batch(*ids[first : first + 500]))
        found = await held(bench, _NOON - timedelta(days=1), _NOON)
        assert found == dict.fromkeys(ids, 1), "Ask for one page after another, until there is none."

    @pytest.mark.asyncio
    async def test_nobody_there_to_be_asked_is_unavailable_and_no_secret_is_told(self, bench: SinkBench) -> None:
        await bench.deliver(bench.batch("a"))
        await bench.stop()
        async with asyncio.timeout(10):
            with pytest.raises(SinkUnavailableError) as caught:
                await held(bench, _NOON - timedelta(days=1), _NOON, seconds=2)
        said = f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
        for forbidden in (CANARY, *bench.secrets):
            assert forbidden not in said

    @pytest.mark.asyncio
    async def test_to_ask_with_a_deadline_in_the_past_is_unavailable(self, bench: SinkBench) -> None:
        await bench.deliver(bench.batch("a"))
        with pytest.raises(SinkUnavailableError):
            await held(bench, _NOON - timedelta(days=1), _NOON, seconds=-1)

    @pytest.mark.asyncio
    async def test_who_stops_listening_leaves_a_sink_that_goes_on(self, bench: SinkBench) -> None:
        await bench.deliver(bench.batch("a", "b"))
        assert isinstance(bench.sink, AuditableSink)
        asked = bench.sink.held(DEPLOYMENT, start=_NOON - timedelta(days=1), end=_NOON, deadline=in_seconds(10))
        await anext(asked)
        if isinstance(asked, AsyncGenerator):
            await asked.aclose()
        await bench.deliver(bench.batch("c"))
        found = await held(bench, _NOON - timedelta(days=1), _NOON)
        assert found == {"a": 1, "b": 1, "c": 1}, "Let go of what an answer holds when nobody reads on."


async def held(
    bench: SinkBench, start: datetime, end: datetime, *, deployment_id: str = DEPLOYMENT, seconds: float = 20
) -> dict[str, int]:
    """Return the rows that the far side holds of each record."""
    assert isinstance(bench.sink, AuditableSink)
    found: Counter[str] = Counter()
    async for one in bench.sink.held(deployment_id, start=start, end=end, deadline=in_seconds(seconds)):
        found[one.scoring_id] += one.rows
    return dict(found)


async def deliver_at(bench: SinkBench, calls: dict[str, datetime]) -> None:
    """Deliver a batch of records of calls that started at these times, by scoring id."""
    records = [
        replace(payload_record(scoring_id=scoring_id), scoring_timestamp=f"{start:%Y-%m-%dT%H:%M:%S.%f}Z")
        for scoring_id, start in calls.items()
    ]
    await bench.deliver(batch_of(records, bench.sink.partition(records[0])))
