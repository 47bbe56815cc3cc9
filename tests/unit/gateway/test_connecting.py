import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.base import EnginePlugin, SinkPlugin, Transport
from gateway import connecting
from gateway.config import EngineConfiguration, SinkConfiguration
from gateway.connecting import configured_endpoints, connected_engine, connected_sink
from gateway.transport import HttpTransport
from schemas.configuration import EngineSettings, SinkSettings
from schemas.deployment import Endpoint
from schemas.errors import ConfigurationError, MissingExtraError
from tests.fakes.engines import ScriptedEngine
from tests.fakes.sinks import FakeSink

ENGINE = r"^engines\.e \(type odd, of odd-plugins 0\.9\): "
SINK = r"^sinks\.s \(type odd, of odd-plugins 0\.9\): "
Connect = Callable[[Any, Transport], Any]


class PanicError(BaseException):
    """As extensions in other languages raise it: no Exception."""


def engine_of(connect: Connect) -> EngineConfiguration:
    plugin = EnginePlugin(kind="odd", settings=EngineSettings, connect=connect)
    return EngineConfiguration("e", plugin, EngineSettings(type="odd"), "odd-plugins 0.9")


def sink_of(connect: Connect) -> SinkConfiguration:
    plugin = SinkPlugin(kind="odd", settings=SinkSettings, connect=connect)
    return SinkConfiguration("s", plugin, SinkSettings(type="odd"), "odd-plugins 0.9")


def giving(connected: object) -> Connect:
    @asynccontextmanager
    async def connect(settings: object, transport: Transport) -> AsyncIterator[object]:
        yield connected

    return connect


def failing(error: BaseException) -> Connect:
    def connect(settings: object, transport: Transport) -> AbstractAsyncContextManager[object]:
        raise error

    return connect


@asynccontextmanager
async def entering_badly(settings: object, transport: Transport) -> AsyncIterator[object]:
    raise ZeroDivisionError("planted-value")
    yield


@asynccontextmanager
async def waiting(settings: object, transport: Transport) -> AsyncIterator[object]:
    await asyncio.Event().wait()
    yield


@asynccontextmanager
async def impatient(settings: object, transport: Transport) -> AsyncIterator[object]:
    raise TimeoutError("planted-value")
    yield


BROKEN = [
    (failing(RuntimeError("planted-value")), r"its `connect` failed with RuntimeError \(.*test_connecting\.py:\d+ "),
    (failing(PanicError("planted-value")), r"its `connect` failed with PanicError \("),
    (failing(SystemExit(3)), r"its `connect` failed with SystemExit \("),
    (entering_badly, r"its `connect` failed with ZeroDivisionError \(.*:\d+ entering_badly\)\."),
    (impatient, r"its `connect` failed with TimeoutError \(.*:\d+ impatient\)\."),
    (failing(MissingExtraError(needed_by="It", package="odd-sdk", extra="odd")), r"It needs the package odd-sdk"),
    (lambda *_: 7, r"Its `connect` returned a int, expected is an async context manager\."),
]


@pytest.mark.parametrize(("connect", "reason"), BROKEN)
async def test_what_a_plugin_does_wrong_names_the_entry_the_kind_and_the_package(connect: Connect, reason: str) -> None:
    async with HttpTransport() as transport:
        for title, connecting_it in (
            (ENGINE, connected_engine(engine_of(connect), transport)),
            (SINK, connected_sink(sink_of(connect), transport)),
        ):
            with pytest.raises(ConfigurationError, match=title + reason) as caught:
                await connecting_it.__aenter__()
            assert "planted-value" not in caught.value.message


async def test_a_connect_that_waits_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "CONNECT_SECONDS", 0.05)
    async with HttpTransport() as transport:
        with pytest.raises(ConfigurationError, match=ENGINE + r"Its `connect` did not end within 0\.05 s\."):
            await connected_engine(engine_of(waiting), transport).__aenter__()


async def test_what_lacks_the_methods_of_an_engine_or_a_sink_is_refused_and_left() -> None:
    left = asyncio.Event()

    @asynccontextmanager
    async def connect(settings: object, transport: Transport) -> AsyncIterator[object]:
        try:
            yield FakeSink()
        finally:
            left.set()

    async with HttpTransport() as transport:
        with pytest.raises(ConfigurationError, match=ENGINE + "its `connect` gave a FakeSink without configured, "):
            await connected_engine(engine_of(connect), transport).__aenter__()
        assert left.is_set()
        with pytest.raises(ConfigurationError, match=SINK + "its `connect` gave a NoneType without partition, send, "):
            await connected_sink(sink_of(giving(None)), transport).__aenter__()


async def test_a_sink_without_a_filter_is_refused() -> None:
    class Unfiltered(FakeSink):
        filter = None  # type: ignore[assignment]

    sink = Unfiltered()
    async with HttpTransport() as transport:
        with pytest.raises(ConfigurationError, match=SINK + "its `filter` is no RecordFilter"):
            await connected_sink(sink_of(giving(sink)), transport).__aenter__()


async def test_a_plugin_that_fails_to_close_is_told_in_the_log_and_keeps_nothing_else_from_closing() -> None:
    @asynccontextmanager
    async def connect(settings: object, transport: Transport) -> AsyncIterator[object]:
        try:
            yield ScriptedEngine()
        finally:
            raise RuntimeError("planted-value")

    async with HttpTransport() as transport:
        with capture_logs() as log:
            async with connected_engine(engine_of(connect), transport):
                pass
            with pytest.raises(KeyError, match="of the block"):
                async with connected_engine(engine_of(connect), transport):
                    raise KeyError("of the block")
    assert [(line["event"], line["plugin"], line["fault"]) for line in log] == [
        ("plugin not closed", "engines.e (type odd, of odd-plugins 0.9)", "RuntimeError")
    ] * 2
    assert "planted-value" not in str(log)


async def test_an_error_of_the_block_passes_through_the_plugin() -> None:
    async with HttpTransport() as transport:
        with capture_logs() as log, pytest.raises(KeyError, match="of the block"):
            async with connected_sink(sink_of(giving(FakeSink())), transport):
                raise KeyError("of the block")
    assert log == []


async def test_endpoints_of_the_configuration_are_known_by_name() -> None:
    engine = ScriptedEngine(endpoints=(Endpoint(name="a"), Endpoint(name="b", native={"key": (1, 2)})))
    known = configured_endpoints(engine_of(giving(engine)), engine)
    assert list(known) == ["a", "b"]
    assert known["b"].native == {"key": (1, 2)}


@pytest.mark.parametrize("endpoints", [None, 7, {"a"}, ["a"], [Endpoint(name=7)], [Endpoint(name="")]])
async def test_what_are_no_endpoints_is_refused(endpoints: Any) -> None:
    engine = ScriptedEngine()
    engine.configured = lambda: endpoints  # type: ignore[method-assign]
    with pytest.raises(ConfigurationError, match=ENGINE + "its `configured` returned no sequence of Endpoints"):
        configured_endpoints(engine_of(giving(engine)), engine)


async def test_an_engine_that_fails_to_tell_its_endpoints_is_named() -> None:
    engine = ScriptedEngine()
    engine.configured = lambda: [1 / 0]  # type: ignore[method-assign,list-item,return-value]
    with pytest.raises(ConfigurationError, match=ENGINE + r"its `configured` failed with ZeroDivisionError \(.*:\d+ "):
        configured_endpoints(engine_of(giving(engine)), engine)
