"""The sinks under contract. To add one: a module with its `Bench`, and a line in `BENCHES`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.contract.sinks.benches import Bench, HttpBench
from tests.contract.sinks.case_kafka import KafkaBench
from tests.contract.sinks.case_object_store import AzureBlobBench, S3Bench
from tests.contract.sinks.case_openscale import OpenScaleBench
from tests.contract.sinks.case_postgres import PostgresBench
from tests.contract.sinks.case_webhook import WebhookBench
from tests.postgres_server import postgres_server

__all__ = ["postgres_server"]

HTTP_BENCHES = (OpenScaleBench, WebhookBench)
BENCHES = (
    *(pytest.param(bench, id=bench.plugin.kind) for bench in HTTP_BENCHES),
    pytest.param(KafkaBench, id="kafka"),
    pytest.param(S3Bench, id="object_store-s3"),
    pytest.param(AzureBlobBench, id="object_store-azure"),
    pytest.param(PostgresBench, id="postgres", marks=pytest.mark.acceptance),
)


@pytest.fixture(params=BENCHES)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """Any sink."""
    bench: Bench = request.param(request)
    async with AsyncExitStack() as stack:
        await bench.open(stack)
        yield bench


@pytest.fixture(params=HTTP_BENCHES, ids=lambda kind: kind.plugin.kind)
async def http_bench(request: pytest.FixtureRequest) -> AsyncIterator[HttpBench]:
    """A sink that speaks HTTP."""
    bench: HttpBench = request.param(request)
    async with AsyncExitStack() as stack:
        await bench.open(stack)
        yield bench


@pytest.fixture
async def openscale(request: pytest.FixtureRequest) -> AsyncIterator[OpenScaleBench]:
    """The sink that is issued credentials, and settles later than it sends."""
    bench = OpenScaleBench(request)
    async with AsyncExitStack() as stack:
        await bench.open(stack)
        yield bench
