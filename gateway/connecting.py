"""Connecting the engines and sinks of a configuration: whatever a plugin does wrong meanwhile names it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Any

import msgspec
import structlog

from adapters.base import Engine, RecordFilter, Sink, Transport
from gateway.config.configuration import EngineConfiguration, SinkConfiguration
from gateway.faults import blaming
from gateway.logs import fault
from schemas.deployment import Endpoint
from schemas.errors import ConfigurationError, GatewayError

# `connect` is to be quick, and without network.
CONNECT_SECONDS = 30.0

_ENGINE_METHODS = ("configured", "endpoints", "invoke")
_SINK_METHODS = ("partition", "send", "settle")

log = structlog.get_logger(__name__)


@asynccontextmanager
async def connected_engine(configuration: EngineConfiguration, transport: Transport) -> AsyncIterator[Engine]:
    """Connect an engine until the end of the block.

    Raises:
        ConfigurationError: it can't be connected; the message names the entry, its kind and its distribution.
    """
    async with AsyncExitStack() as stack:
        with blaming(configuration.title, "its `connect`"):
            engine: Engine = await _connected(configuration, transport, stack, _ENGINE_METHODS)
        yield engine


@asynccontextmanager
async def connected_sink(configuration: SinkConfiguration, transport: Transport) -> AsyncIterator[Sink]:
    """Connect a sink until the end of the block.

    Raises:
        ConfigurationError: as for an engine.
    """
    async with AsyncExitStack() as stack:
        with blaming(configuration.title, "its `connect`"):
            sink: Sink = await _connected(configuration, transport, stack, _SINK_METHODS)
        with blaming(configuration.title, "its `filter`"):
            if not isinstance(sink.filter, RecordFilter):
                raise ConfigurationError([f"{configuration.title}: its `filter` is no RecordFilter."])
        yield sink


def configured_endpoints(configuration: EngineConfiguration, engine: Engine) -> dict[str, Endpoint]:
    """Return the endpoints that the configuration itself describes, by name.

    Raises:
        ConfigurationError: the engine can't tell them; the message names it as above.
    """
    with blaming(configuration.title, "its `configured`"):
        found = engine.configured()
        if not isinstance(found, Sequence) or not all(map(_is_endpoint, found)):
            raise ConfigurationError([f"{configuration.title}: its `configured` returned no sequence of Endpoints."])
        return {endpoint.name: endpoint for endpoint in found}


def _is_endpoint(item: object) -> bool:
    try:
        return isinstance(item, Endpoint) and bool(msgspec.convert(msgspec.structs.asdict(item), Endpoint).name)
    except msgspec.ValidationError:
        return False


async def _connected(
    part: EngineConfiguration | SinkConfiguration, transport: Transport, stack: AsyncExitStack, methods: Sequence[str]
) -> Any:
    try:
        connected = await _entered(part, transport, stack)
    except GatewayError as error:
        raise ConfigurationError([f"{part.title}: {error.message}"]) from error
    lacking = [name for name in methods if not callable(getattr(connected, name, None))]
    if lacking:
        raise ConfigurationError(
            [f"{part.title}: its `connect` gave a {type(connected).__name__} without {', '.join(lacking)}."]
        )
    return connected


async def _entered(
    part: EngineConfiguration | SinkConfiguration, transport: Transport, stack: AsyncExitStack
) -> object:
    manager = part.plugin.connect(part.settings, transport)
    if not isinstance(manager, AbstractAsyncContextManager):
        raise ConfigurationError(
            [f"Its `connect` returned a {type(manager).__name__}, expected is an async context manager."]
        )
    try:
        async with asyncio.timeout(CONNECT_SECONDS) as patience:
            connected: object = await manager.__aenter__()
    except TimeoutError as error:
        if not patience.expired():
            raise
        raise ConfigurationError([f"Its `connect` did not end within {CONNECT_SECONDS:g} s."]) from error
    stack.push_async_exit(partial(_leave, part.title, manager))
    return connected


async def _leave(
    title: str,
    manager: AbstractAsyncContextManager[object],
    kind: type[BaseException] | None,
    error: BaseException | None,
    traceback: TracebackType | None,
) -> None:
    try:
        await manager.__aexit__(kind, error, traceback)
    except Exception as closing:  # noqa: BLE001 - a plugin is anybody's code, and the others have to be left, too
        if closing is not error:
            log.error("plugin not closed", plugin=title, **fault(closing))
