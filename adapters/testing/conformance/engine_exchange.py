"""What an engine promises of the one exchange that a call is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.base import Engine
from adapters.testing.conformance.cancelling import SOON_SECONDS, assert_ends_when_cancelled
from adapters.testing.conformance.engine_case import Counterpart
from adapters.testing.conformance.engine_setting import EngineSetting, call_context
from adapters.testing.conformance.watched_transport import WatchedTransport
from adapters.testing.emulator import Fault
from schemas.deployment import Endpoint
from schemas.errors import EngineError, EngineReplyError, EngineTimeoutError, EngineUnavailableError

AT_ONCE = 20
LARGE_BYTES = 4 * 2**20
FEW_BYTES = 2**16


class EngineExchange(EngineSetting):
    """One attempt, by its deadline, and nothing of it left when it is cancelled."""

    @pytest.mark.asyncio
    async def test_a_call_is_one_exchange_and_returns_the_platforms_bytes(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart
    ) -> None:
        answer = await scorer.invoke(endpoint, counterpart.request, call_context())
        assert answer.body == counterpart.answer
        assert 200 <= answer.status < 300
        assert answer.content_type
        assert counterpart.emulator.requests[self.case.scoring_route] == 1

    @pytest.mark.asyncio
    async def test_calls_may_be_under_way_at_the_same_time(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart
    ) -> None:
        calls = [scorer.invoke(endpoint, counterpart.request, call_context()) for _ in range(AT_ONCE)]
        assert {answer.body for answer in await asyncio.gather(*calls)} == {counterpart.answer}
        assert counterpart.emulator.requests[self.case.scoring_route] == AT_ONCE

    @pytest.mark.asyncio
    async def test_a_large_answer_comes_back_whole(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart
    ) -> None:
        large = bytes(range(256)) * (LARGE_BYTES // 256)
        counterpart.emulator.play(Fault(route=self.case.scoring_route, status=200, body=large))
        answer = await scorer.invoke(endpoint, counterpart.request, call_context())
        assert answer.body == large

    @pytest.mark.asyncio
    async def test_every_exchange_of_a_call_is_bounded_in_bytes_and_by_the_deadline(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart, transport: WatchedTransport
    ) -> None:
        before, context = len(transport.exchanges), call_context()
        await scorer.invoke(endpoint, counterpart.request, context)
        for exchange in transport.exchanges[before:]:
            assert exchange.max_bytes is not None, "Pass `max_bytes` to the transport: an answer may be of any size."
            assert exchange.deadline <= context.deadline, "Pass `context.deadline` to the transport, or an earlier one."

    @pytest.mark.asyncio
    async def test_an_answer_beyond_the_bound_is_no_reply_and_must_not_be_asked_for_again(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart, transport: WatchedTransport
    ) -> None:
        await scorer.invoke(endpoint, counterpart.request, call_context())
        transport.at_most = FEW_BYTES
        fault = Fault(route=self.case.scoring_route, status=200, body=b" " * (FEW_BYTES + 1))
        counterpart.emulator.play(fault)
        with pytest.raises(EngineReplyError) as caught:
            await scorer.invoke(endpoint, counterpart.request, call_context())
        assert not caught.value.retryable

    @pytest.mark.asyncio
    async def test_silence_ends_at_the_deadline_and_must_not_be_retried(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart
    ) -> None:
        await scorer.invoke(endpoint, counterpart.request, call_context())
        counterpart.emulator.play(Fault(route=self.case.scoring_route, delay_seconds=20.0))
        async with asyncio.timeout(SOON_SECONDS):
            with pytest.raises(EngineTimeoutError) as caught:
                await scorer.invoke(endpoint, counterpart.request, call_context(0.3))
        assert not caught.value.retryable

    @pytest.mark.asyncio
    async def test_a_deadline_in_the_past_ends_at_once_and_calls_nobody(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart
    ) -> None:
        async with asyncio.timeout(SOON_SECONDS):
            with pytest.raises((EngineTimeoutError, EngineUnavailableError)):
                await scorer.invoke(endpoint, counterpart.request, call_context(-1.0))
        assert self.case.scoring_route not in counterpart.emulator.requests

    @pytest.mark.asyncio
    @pytest.mark.parametrize("connection", ["reset", "truncate"])
    async def test_a_lost_connection_must_not_be_retried(
        self, scorer: Engine, endpoint: Endpoint, counterpart: Counterpart, connection: str
    ) -> None:
        fault = Fault(route=self.case.scoring_route, connection="reset" if connection == "reset" else "truncate")
        counterpart.emulator.play(fault)
        with pytest.raises(EngineError) as caught:
            await scorer.invoke(endpoint, counterpart.request, call_context())
        assert not caught.value.retryable

    @pytest.mark.asyncio
    async def test_what_was_never_sent_may_be_retried(
        self, counterpart: Counterpart, transport: WatchedTransport
    ) -> None:
        async with _silent_server() as (url, _, _):
            pass
        async with self.case.plugin.connect(counterpart.settings_at(url), transport) as engine:
            endpoint = await self.endpoint_at(url, engine, counterpart, transport)
            with pytest.raises(EngineUnavailableError) as caught:
                await engine.invoke(endpoint, counterpart.request, call_context())
        assert caught.value.retryable

    @pytest.mark.asyncio
    async def test_cancelling_a_call_closes_its_exchange(
        self, counterpart: Counterpart, transport: WatchedTransport
    ) -> None:
        async with (
            _silent_server() as (url, arrived, closed),
            self.case.plugin.connect(counterpart.settings_at(url), transport) as engine,
        ):
            endpoint = await self.endpoint_at(url, engine, counterpart, transport)
            call = asyncio.create_task(engine.invoke(endpoint, counterpart.request, call_context()))
            async with asyncio.timeout(SOON_SECONDS):
                await arrived.wait()
            await assert_ends_when_cancelled(call)
            async with asyncio.timeout(SOON_SECONDS):
                await closed.wait()


@asynccontextmanager
async def _silent_server() -> AsyncIterator[tuple[str, asyncio.Event, asyncio.Event]]:
    """Listen and never answer; yield the URL, and events for the first request and for the end of its connection."""
    arrived, closed = asyncio.Event(), asyncio.Event()

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        while await reader.read(65536):
            pass
        closed.set()
        writer.close()

    server = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", arrived, closed
