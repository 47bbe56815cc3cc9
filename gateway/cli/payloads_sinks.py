"""Sinks of the configuration, connected for a command."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from gateway.cli.errors import CommandError
from gateway.config import Configuration
from gateway.connecting import connected_sink
from gateway.payloadlog.lane import ConnectedSink
from gateway.transport import HttpTransport


def configured_sinks(configuration: Configuration, name: str | None) -> Sequence[str]:
    """Return the names of all sinks, or this one.

    Raises:
        CommandError: the configuration has no such sink.
    """
    if name is None:
        return list(configuration.sinks)
    if name not in configuration.sinks:
        known = ", ".join(sorted(configuration.sinks)) or "none"
        raise CommandError(f"The configuration has no sink {name}; it has: {known}.", target="sinks")
    return [name]


async def connected_sinks(
    stack: AsyncExitStack, configuration: Configuration, name: str | None
) -> dict[str, ConnectedSink]:
    """Connect all sinks, or this one, until the stack is closed.

    Raises:
        CommandError: the configuration has no such sink.
        ConfigurationError: one can't be connected, as where its driver is not installed; the message names it.
    """
    names = configured_sinks(configuration, name)
    transport = await stack.enter_async_context(HttpTransport())
    connected = {}
    for one in names:
        sink = configuration.sinks[one]
        opened = await stack.enter_async_context(connected_sink(sink, transport))
        connected[one] = ConnectedSink(one, opened, sink.settings)
    return connected
