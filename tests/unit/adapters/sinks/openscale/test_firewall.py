from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from adapters.base import Sink
from adapters.sinks.openscale import connect, plugin
from adapters.testing.conformance import gateway_transport
from adapters.testing.conformance.records import CANARY, DEPLOYMENT, batch_of, in_seconds, payload_record
from adapters.testing.emulator import Fault
from adapters.testing.openscale import OpenScaleEmulator
from schemas.errors import SinkRefusedError, SinkUnavailableError

PAGE = f"<html>Blocked: {CANARY}</html>".encode()
APIS: dict[str, tuple[dict[str, Any], str, str]] = {
    "v2": ({"data_sets": {DEPLOYMENT: "t"}}, "store", "records"),
    "v1": (
        {
            "api": "v1",
            "data_mart_id": "dm",
            "subscriptions": {DEPLOYMENT: {"binding_id": "b", "subscription_id": "t"}},
        },
        "store_v1",
        "transactions",
    ),
}


@pytest.fixture
async def openscale() -> AsyncIterator[OpenScaleEmulator]:
    async with OpenScaleEmulator() as emulator:
        yield emulator


@pytest.fixture(params=APIS)
async def sink(request: pytest.FixtureRequest, openscale: OpenScaleEmulator) -> AsyncIterator[tuple[Sink, str, str]]:
    """A sink, and the names of its routes that store and list."""
    members, store, listing = APIS[request.param]
    base = {"type": "openscale", "url": openscale.url, "token_url": openscale.iam_url, "apikey": "openscale-apikey"}
    settings = msgspec.convert({**base, **members}, plugin.settings)
    async with gateway_transport() as transport, connect(settings, transport) as connected:
        yield connected, store, listing


async def test_records_that_a_firewall_blocks_are_refused_and_its_page_is_not_repeated(
    openscale: OpenScaleEmulator, sink: tuple[Sink, str, str]
) -> None:
    connected, store, listing = sink
    openscale.play(Fault(route=store, status=403, body=PAGE, content_type="text/html"))
    with pytest.raises(SinkRefusedError, match="firewall") as caught:
        await connected.send(batch_of([payload_record()], "t"), deadline=in_seconds(10))
    assert openscale.requests[listing] == 1
    assert CANARY not in str(caught.value)


async def test_what_keeps_everything_out_costs_no_record(
    openscale: OpenScaleEmulator, sink: tuple[Sink, str, str]
) -> None:
    connected, _, _ = sink
    await connected.send(batch_of([payload_record()], "t"), deadline=in_seconds(10))
    openscale.play(Fault(status=403, body=PAGE, content_type="text/html", times=None))
    with pytest.raises(SinkUnavailableError, match="status 403"):
        await connected.send(batch_of([payload_record()], "t"), deadline=in_seconds(10))


async def test_credentials_that_may_read_and_not_write_cost_no_record(
    openscale: OpenScaleEmulator, sink: tuple[Sink, str, str]
) -> None:
    connected, store, listing = sink
    openscale.play(Fault(route=store, status=403, body=b'{"errors": []}'))
    with pytest.raises(SinkUnavailableError, match="role of their owner"):
        await connected.send(batch_of([payload_record()], "t"), deadline=in_seconds(10))
    assert listing not in openscale.requests
