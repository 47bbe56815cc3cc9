"""The plugin: settings to the sink of the API that they name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.base import Sink, SinkPlugin, Transport
from adapters.sinks.openscale.data_marts import DataMarts
from adapters.sinks.openscale.data_sets import DataSets
from adapters.sinks.openscale.link import link
from adapters.sinks.openscale.settings import OpenScaleSettings


@asynccontextmanager
async def connect(settings: OpenScaleSettings, transport: Transport) -> AsyncIterator[Sink]:
    """Open the sink; the first record asks for a token."""
    if settings.api == "v1":
        yield DataMarts(link(settings, transport), settings)
    else:
        yield DataSets(link(settings, transport), settings)


plugin = SinkPlugin(kind="openscale", settings=OpenScaleSettings, connect=connect)
