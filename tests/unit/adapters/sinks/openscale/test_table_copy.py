from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from adapters.base import AuditableSink
from adapters.sinks.openscale import OpenScaleSettings, connect
from adapters.testing.conformance.records import DEPLOYMENT, batch_of, in_seconds, payload_record
from adapters.testing.emulator import Fault
from adapters.testing.openscale import OpenScaleEmulator
from gateway.transport import HttpTransport
from schemas.errors import SinkUnavailableError
from schemas.payload import PayloadRecord

TABLE = "subscription-1"
FIRST = datetime.fromisoformat(payload_record().scoring_timestamp)
HOUR = timedelta(hours=1)


class Audited:
    """A payload table, and the sink that is asked what it holds."""

    def __init__(self, openscale: OpenScaleEmulator, sink: AuditableSink) -> None:
        self.openscale = openscale
        self._sink = sink

    async def deliver(self, *records: PayloadRecord) -> None:
        await self._sink.send(batch_of(records, TABLE), deadline=in_seconds(20))

    async def held(self, hour: int) -> Counter[str]:
        """Return the rows by record of one hour."""
        start, rows = FIRST + hour * HOUR, Counter[str]()
        async for found in self._sink.held(DEPLOYMENT, start=start, end=start + HOUR, deadline=in_seconds(20)):
            rows[found.scoring_id] += found.rows
        return rows

    @property
    def pages(self) -> int:
        return self.openscale.requests["transactions"]


@pytest.fixture
async def audited() -> AsyncIterator[Audited]:
    async with HttpTransport() as transport, OpenScaleEmulator() as openscale:
        settings = msgspec.convert(
            {
                "type": "openscale",
                "api": "v1",
                "url": openscale.url,
                "username": "openscale-user",
                "password": "openscale-password",
                "subscriptions": {DEPLOYMENT: {"binding_id": "binding-1", "subscription_id": TABLE}},
            },
            OpenScaleSettings,
        )
        async with connect(settings, transport) as sink:
            assert isinstance(sink, AuditableSink)
            yield Audited(openscale, sink)


def records_of(hour: int, scoring_ids: Sequence[str], rows: int = 1) -> list[PayloadRecord]:
    moment = (FIRST + hour * HOUR).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return [replace(payload_record(rows, scoring_id=one), scoring_timestamp=moment) for one in scoring_ids]


async def test_a_table_that_has_not_grown_is_read_once_however_many_windows_there_are(audited: Audited) -> None:
    await audited.deliver(*records_of(0, ["a", "b"], 600), *records_of(1, ["c"]))
    assert await audited.held(0) == {"a": 600, "b": 600}
    read = audited.pages
    assert (await audited.held(1), await audited.held(2)) == ({"c": 1}, {})
    assert (read, audited.pages) == (1 + 3, read + 2)


async def test_what_is_delivered_between_two_windows_is_there_in_the_second(audited: Audited) -> None:
    await audited.deliver(*records_of(0, ["a"]))
    assert await audited.held(0) == {"a": 1}
    await audited.deliver(*records_of(1, ["b"], 2))
    assert await audited.held(1) == {"b": 2}
    assert await audited.held(0) == {"a": 1}


async def test_a_row_that_is_there_twice_is_told_twice(audited: Audited) -> None:
    await audited.deliver(*records_of(0, ["a"], 2))
    audited.openscale.repeat_row(TABLE, "a-2")
    assert await audited.held(0) == {"a": 3}


async def test_a_table_that_could_not_be_read_to_its_end_is_read_again(audited: Audited) -> None:
    await audited.deliver(*records_of(0, ["a", "b"], 600))
    audited.openscale.play(Fault(route="transactions", times=2), Fault(route="transactions", status=500))
    with pytest.raises(SinkUnavailableError):
        await audited.held(0)
    assert await audited.held(0) == {"a": 600, "b": 600}
