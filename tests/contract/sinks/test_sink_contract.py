"""What every sink promises to the shipper (adapters.base.sink), over sockets, against the far side's emulator."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import msgspec
import pytest

from adapters.base import Batch, Receipt, Settlement, Sink, SinkPlugin
from adapters.sinks import openscale
from adapters.testing.emulator import Emulator, Fault
from adapters.testing.openscale import OpenScaleEmulator
from gateway.transport import HttpTransport
from schemas.errors import GatewayError, SinkRefusedError, SinkUnavailableError
from tests.contract.sinks.records import CANARY, DEPLOYMENT, batch_of, in_seconds, payload_record


class Bench(ABC):
    """A sink beside its far side."""

    plugin: SinkPlugin
    store_route: str
    emulator: Emulator
    secrets: Sequence[str]

    @abstractmethod
    async def start(self, stack: AsyncExitStack) -> dict[str, object]:
        """Start the far side and return the sink's configuration."""

    @abstractmethod
    def stored(self) -> list[str]:
        """Return the ids of the stored rows, sorted."""

    @abstractmethod
    def refuse(self, scoring_id: str) -> None:
        """Let the far side refuse a record, whenever it comes."""

    @abstractmethod
    def expire_credentials(self) -> None:
        """Make what the sink has been issued so far worthless."""

    async def open(self, stack: AsyncExitStack) -> None:
        settings = msgspec.convert(await self.start(stack), self.plugin.settings)
        transport = await stack.enter_async_context(HttpTransport())
        self.sink: Sink = await stack.enter_async_context(self.plugin.connect(settings, transport))

    def batch(self, *scoring_ids: str, rows: int = 1) -> Batch:
        records = [payload_record(rows, scoring_id=scoring_id) for scoring_id in scoring_ids]
        return batch_of(records, self.sink.partition(records[0]))

    async def settled(self, receipt: Receipt) -> Settlement:
        for _ in range(100):
            settlement = await self.sink.settle(receipt, deadline=in_seconds(10))
            if settlement.state != "not_yet":
                return settlement
        raise AssertionError("the batch never settled")

    async def deliver(self, batch: Batch) -> Settlement:
        return await self.settled(await self.sink.send(batch, deadline=in_seconds(10)))


class OpenScaleBench(Bench):
    plugin = openscale.plugin
    store_route = "store"
    secrets = ("very-secret-apikey",)

    async def start(self, stack: AsyncExitStack) -> dict[str, object]:
        self.openscale = OpenScaleEmulator(apikey=self.secrets[0], data_sets=["ds-1"], polls=2)
        self.emulator = await stack.enter_async_context(self.openscale)
        return {
            "type": "openscale",
            "url": self.emulator.url,
            "apikey": self.secrets[0],
            "token_url": self.openscale.iam_url,
            "data_sets": {DEPLOYMENT: "ds-1"},
        }

    def stored(self) -> list[str]:
        return [row["scoring_id"] for row in self.openscale.rows("ds-1")]

    def refuse(self, scoring_id: str) -> None:
        self.openscale.refused.add(scoring_id)

    def expire_credentials(self) -> None:
        self.openscale.revoke_tokens()


@pytest.fixture(params=[OpenScaleBench], ids=lambda kind: kind.plugin.kind)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    bench: Bench = request.param()
    async with AsyncExitStack() as stack:
        await bench.open(stack)
        yield bench


async def test_a_settled_batch_is_stored_with_every_row_of_every_record(bench: Bench) -> None:
    settlement = await bench.deliver(bench.batch("a", "b", rows=2))
    assert settlement == Settlement(state="stored")
    assert bench.stored() == ["a-1", "a-2", "b-1", "b-2"]


async def test_a_batch_that_comes_again_in_other_cuts_is_stored_once(bench: Bench) -> None:
    await bench.deliver(bench.batch("a", "b"))
    await bench.deliver(bench.batch("a"))
    await bench.deliver(bench.batch("b", "c"))
    assert bench.stored() == ["a-1", "b-1", "c-1"]


async def test_a_batch_whose_answer_was_lost_is_unavailable_and_stored_once_when_it_comes_again(bench: Bench) -> None:
    bench.emulator.play(Fault(route=bench.store_route, connection="lose"))
    with pytest.raises(SinkUnavailableError):
        await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))
    await bench.deliver(bench.batch("a"))
    assert bench.stored() == ["a-1"]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_far_side_that_is_down_is_unavailable_and_says_how_long_to_wait(bench: Bench, status: int) -> None:
    bench.emulator.play(Fault(route=bench.store_route, status=status, headers={"Retry-After": "7"}))
    with pytest.raises(SinkUnavailableError) as caught:
        await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))
    assert caught.value.retry_after == 7
    assert bench.stored() == []
    assert (await bench.deliver(bench.batch("a"))).state == "stored"


@pytest.mark.parametrize("connection", ["reset", "truncate"])
async def test_a_broken_connection_is_unavailable(bench: Bench, connection: str) -> None:
    bench.emulator.play(msgspec.convert({"route": bench.store_route, "connection": connection}, Fault))
    with pytest.raises(SinkUnavailableError):
        await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))


async def test_nobody_listening_is_unavailable(bench: Bench) -> None:
    await bench.emulator.__aexit__(None, None, None)
    with pytest.raises(SinkUnavailableError):
        await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_body_that_the_far_side_will_never_take_is_refused(bench: Bench, status: int) -> None:
    bench.emulator.play(Fault(route=bench.store_route, status=status))
    with pytest.raises(SinkRefusedError):
        await bench.sink.send(bench.batch("a", "b"), deadline=in_seconds(10))


async def test_a_refused_record_is_found_by_sending_the_halves(bench: Bench) -> None:
    bench.refuse("b")
    with pytest.raises(SinkRefusedError):
        await bench.sink.send(bench.batch("a", "b"), deadline=in_seconds(10))
    with pytest.raises(SinkRefusedError):
        await bench.sink.send(bench.batch("b"), deadline=in_seconds(10))
    assert (await bench.deliver(bench.batch("a"))).state == "stored"
    assert bench.stored() == ["a-1"]


@pytest.mark.parametrize("status", [403, 404])
async def test_a_fault_of_the_configuration_never_costs_a_record(bench: Bench, status: int) -> None:
    bench.emulator.play(Fault(route=bench.store_route, status=status))
    with pytest.raises(SinkUnavailableError) as caught:
        await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))
    assert str(status) in caught.value.message


async def test_credentials_that_expired_are_renewed_within_the_same_send_and_settle(bench: Bench) -> None:
    await bench.deliver(bench.batch("a"))
    bench.expire_credentials()
    receipt = await bench.sink.send(bench.batch("b"), deadline=in_seconds(10))
    bench.expire_credentials()
    assert (await bench.settled(receipt)).state == "stored"
    assert bench.stored() == ["a-1", "b-1"]


async def test_a_slow_far_side_is_left_at_the_deadline(bench: Bench) -> None:
    await bench.deliver(bench.batch("a"))
    bench.emulator.play(Fault(route=bench.store_route, delay_seconds=30))
    async with asyncio.timeout(5):
        with pytest.raises(SinkUnavailableError):
            await bench.sink.send(bench.batch("b"), deadline=in_seconds(0.1))


async def test_a_deadline_in_the_past_is_unavailable_at_once(bench: Bench) -> None:
    with pytest.raises(SinkUnavailableError):
        await bench.sink.send(bench.batch("a"), deadline=in_seconds(-1))
    receipt = await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))
    with pytest.raises(SinkUnavailableError):
        await bench.sink.settle(receipt, deadline=in_seconds(-1))


async def test_a_cancelled_send_ends_at_once_and_the_sink_goes_on(bench: Bench) -> None:
    bench.emulator.play(Fault(route=bench.store_route, delay_seconds=30))
    sending = asyncio.create_task(bench.sink.send(bench.batch("a"), deadline=in_seconds(60)))
    async with asyncio.timeout(5):
        await bench.emulator.seen(bench.store_route)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    await bench.deliver(bench.batch("b"))
    assert bench.stored() == ["b-1"]


async def test_batches_may_be_under_way_at_the_same_time(bench: Bench) -> None:
    ids = [f"{n:02}" for n in range(20)]
    settlements = await asyncio.gather(*(bench.deliver(bench.batch(scoring_id)) for scoring_id in ids))
    assert {settlement.state for settlement in settlements} == {"stored"}
    assert bench.stored() == [f"{scoring_id}-1" for scoring_id in ids]


async def test_no_error_and_no_log_line_holds_a_payload_value_or_a_secret(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    quote = f'{{"errors": [{{"code": "{CANARY} {bench.secrets[0]}", "message": "{CANARY}"}}], "trace": "{CANARY}"}}'
    texts = []
    for status in (400, 401, 401, 403, 413, 422, 429, 500, 302, 200):
        bench.emulator.play(Fault(route=bench.store_route, status=status, body=quote.encode()))
    for _ in range(9):
        with pytest.raises(GatewayError) as caught:
            await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))
        texts.append(f"{caught.value} {caught.value!r} {caught.value.__cause__!r} {caught.value.target}")
    texts += [repr(bench.sink), caplog.text]
    for forbidden in (CANARY, *bench.secrets):
        assert forbidden not in "\n".join(texts)


async def test_the_filter_and_the_partition_stay_the_same(bench: Bench) -> None:
    record = payload_record()
    assert bench.sink.filter == bench.sink.filter
    assert bench.sink.partition(record) == bench.sink.partition(record)
