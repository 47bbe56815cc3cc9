"""Who leads ships and discovers; who follows takes over."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.base import RecordFilter, Sink, SinkPlugin, Transport
from gateway import leading as leading_module
from gateway.config.configuration import SinkConfiguration
from gateway.directory import Directory
from gateway.directory_store import DirectoryStore
from gateway.leading import Leading
from gateway.payloadlog.appending import Appender
from gateway.payloadlog.cursors import Cursors, Registration
from gateway.payloadlog.leader import LeaderLock
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.spool import Spool
from gateway.transport import HttpTransport
from schemas.configuration import SinkSettings
from schemas.deployment import Endpoint
from schemas.errors import ConfigurationError, MissingExtraError
from tests.fakes.engines import ScriptedEngine
from tests.fakes.gateways import configuration_of
from tests.fakes.payload_records import entry
from tests.fakes.sinks import FakeSink


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with capture_logs():
        yield


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return Spool.open(tmp_path / "payloads.db", max_bytes=1_000_000_000).path


def sink_of(sink: FakeSink) -> dict[str, SinkConfiguration]:
    @asynccontextmanager
    async def connect(settings: SinkSettings, transport: Transport) -> AsyncIterator[Sink]:
        yield sink

    plugin = SinkPlugin(kind="fake", settings=SinkSettings, connect=connect)
    return {"fake": SinkConfiguration("fake", plugin, SinkSettings(type="fake", start="beginning"))}


@asynccontextmanager
async def led(folder: Path, engine: ScriptedEngine, sink: FakeSink) -> AsyncIterator[tuple[Leading, Directory]]:
    configuration = configuration_of(folder, engine, discover=True, sinks=sink_of(sink), deployments={})
    directory = Directory(configuration, {"aws": engine}, DirectoryStore(folder / "directory.json"), time.time)
    async with HttpTransport() as transport, Leading(configuration, directory, transport) as leading:
        running = asyncio.create_task(leading.run())
        try:
            yield leading, directory
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def append(spool: Path, n: int) -> list[str]:
    # Of now: retention would take older ones, which nobody is owed yet.
    entries = [entry(scored_at_us=time.time_ns() // 1000) for _ in range(n)]
    appender = Appender(spool)
    appender.append(entries)
    appender.close()
    return [item.scoring_id for item in entries]


async def known(directory: Directory, deployment_id: str) -> None:
    async with asyncio.timeout(10):
        while deployment_id not in [deployment.id for deployment in directory.deployments()]:
            await asyncio.sleep(0.01)


async def test_first_process_leads_at_once_ships_and_discovers(tmp_path: Path, spool: Path) -> None:
    sink, engine = FakeSink(), ScriptedEngine(endpoints=(), found=(Endpoint(name="loan"),))
    async with led(tmp_path, engine, sink) as (leading, directory):
        ids = append(spool, 3)
        leading.wake()
        await sink.has(3)
        assert sink.stored == ids
        await known(directory, "aws--loan")


async def test_second_process_follows_and_ships_nothing(
    tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading_module, "TAKE_OVER_SECONDS", 0.02)
    first, second = FakeSink(), FakeSink()
    engine = ScriptedEngine(endpoints=(), found=(Endpoint(name="loan"),))
    async with (
        led(tmp_path, engine, first) as (leader, _),
        led(tmp_path, ScriptedEngine(endpoints=()), second) as (follower, directory),
    ):
        # What the leader has discovered is served by the follower, whose own engine was never asked.
        await known(directory, "aws--loan")
        append(spool, 2)
        follower.wake()
        leader.wake()
        await first.has(2)
        assert second.stored == []


async def test_follower_serves_only_when_the_leader_has_told_what_sinks_are_owed(
    tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Semaphore(0)
    really_ask = SpoolReader.configured_sinks

    def ask(self: SpoolReader) -> frozenset[str]:
        asked.release()
        return really_ask(self)

    monkeypatch.setattr(SpoolReader, "configured_sinks", ask)
    lock = LeaderLock(spool)
    assert lock.try_acquire()
    sink = FakeSink()
    async with AsyncExitStack() as stack:
        starting = asyncio.create_task(stack.enter_async_context(led(tmp_path, ScriptedEngine(), sink)))
        # It asks again only because it goes on waiting.
        for _ in range(3):
            assert await asyncio.to_thread(asked.acquire, timeout=10)
        cursors = Cursors(spool)
        cursors.register({"fake": Registration(RecordFilter(), "now")})
        cursors.close()
        await starting
        append(spool, 1)
        (account,) = SpoolReader(spool).accounts()
        assert account.pending == 1
    assert sink.stored == []
    lock.release()


async def test_leader_that_dies_before_it_has_told_what_sinks_are_owed_is_replaced_at_once(
    tmp_path: Path, spool: Path
) -> None:
    lock = LeaderLock(spool)
    assert lock.try_acquire()
    sink = FakeSink()
    asyncio.get_running_loop().call_later(0.1, lock.release)
    async with led(tmp_path, ScriptedEngine(), sink) as (leading, _):
        append(spool, 1)
        leading.wake()
        await sink.has(1)


async def test_follower_takes_over_when_the_leader_is_gone(
    tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading_module, "TAKE_OVER_SECONDS", 0.02)
    monkeypatch.setattr(leading_module, "REGISTER_SECONDS", 0.0)
    sink = FakeSink()
    lock = LeaderLock(spool)
    assert lock.try_acquire()
    async with led(tmp_path, ScriptedEngine(), sink):
        ids = append(spool, 1)
        assert sink.stored == []
        lock.release()
        await sink.has(1)
    assert sink.stored == ids


async def test_what_is_left_at_the_end_is_shipped_by_the_next_leader(tmp_path: Path, spool: Path) -> None:
    sink = FakeSink()
    async with led(tmp_path, ScriptedEngine(), sink):
        ids = append(spool, 5)
    async with led(tmp_path, ScriptedEngine(), sink):
        await sink.has(5)
    assert sink.stored == ids
    (account,) = SpoolReader(spool).accounts()
    assert (account.accepted, account.delivered, account.pending) == (5, 5, 0)


async def test_sink_that_cannot_be_connected_keeps_a_process_from_leading(tmp_path: Path, spool: Path) -> None:
    @asynccontextmanager
    async def connect(settings: SinkSettings, transport: Transport) -> AsyncIterator[Sink]:
        raise MissingExtraError(needed_by="a sink", package="x", extra="y")
        yield FakeSink()

    plugin = SinkPlugin(kind="fake", settings=SinkSettings, connect=connect)
    sinks = {"fake": SinkConfiguration("fake", plugin, SinkSettings(type="fake"), "fakes 1")}
    configuration = configuration_of(tmp_path, ScriptedEngine(), sinks=sinks)
    store = DirectoryStore(tmp_path / "directory.json")
    directory = Directory(configuration, {"aws": ScriptedEngine()}, store, time.time)
    async with HttpTransport() as transport:
        with pytest.raises(ConfigurationError, match=r"^sinks\.fake \(type fake, of fakes 1\): a sink needs"):
            await Leading(configuration, directory, transport).__aenter__()
