"""Several serving processes behind one socket, with one spool."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from adapters.testing.openscale import OpenScaleEmulator
from adapters.testing.sagemaker import SageMakerEmulator
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import POLL_SECONDS, authorization, calling, metric, records, score
from tests.process.clouds import APPLICATION, AWS, MONITOR, OPERATOR, aws_part, configuration, openscale_sinks

CALLS = 5


@pytest.fixture
async def gateway(
    sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, start_gateway: StartGateway
) -> GatewayProcess:
    """With two workers that both know what their leader has discovered."""
    tree = configuration(
        aws_part(sagemaker.url, discover=True), sinks=openscale_sinks(openscale, AWS), server={"workers": 2}
    )
    gateway = await start_gateway(tree)
    async with asyncio.timeout(60):
        while len(gateway.workers()) < 2:
            await asyncio.sleep(POLL_SECONDS)
        for worker in gateway.workers():
            while not await _knows_the_deployment(gateway, worker):
                await asyncio.sleep(POLL_SECONDS)
    return gateway


@asynccontextmanager
async def only(gateway: GatewayProcess, worker: int) -> AsyncIterator[None]:
    """Let one worker alone accept connections: the others are halted."""
    others = [pid for pid in gateway.workers() if pid != worker]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


async def test_every_worker_scores_for_those_who_may_and_all_share_the_spool(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    answered: list[str] = []
    for worker in gateway.workers():
        async with only(gateway, worker), calling(gateway) as application, calling(gateway, MONITOR) as monitor:
            for _ in range(CALLS):
                answer = await score(application, AWS)
                assert answer.status == 200
                answered.append(answer.scoring_id)
            assert (await score(monitor, AWS)).status == 200
            assert (await score(monitor, AWS, prefix="/monitor")).status == 200
            assert (await score(application, AWS, prefix="/monitor")).status == 403
            assert await _status_with(gateway, authorization(APPLICATION)[:-3] + "AAA") == 401
    assert [record["scoring_id"] for record in records(tmp_path)] == answered
    assert {(record["origin"], record["caller"]) for record in records(tmp_path)} == {("application", APPLICATION)}


async def test_any_workers_metrics_count_all_of_them_and_balance(gateway: GatewayProcess) -> None:
    for worker in gateway.workers():
        async with only(gateway, worker), calling(gateway) as application, calling(gateway, MONITOR) as monitor:
            for _ in range(CALLS):
                await score(application, AWS)
            await score(monitor, AWS)
    calls = 2 * CALLS
    for worker in gateway.workers():
        async with only(gateway, worker), calling(gateway, OPERATOR) as session:
            scored = f'calls_total{{deployment="{AWS}",origin="%s",outcome="scored"}}'
            assert await metric(session, scored % "application") == calls
            assert await metric(session, scored % "monitor") == 2
            assert await metric(session, f'records_total{{deployment="{AWS}",outcome="scored"}}') == calls
            assert await metric(session, f'unrecorded_calls_total{{deployment="{AWS}",reason="monitor"}}') == 2
            assert await metric(session, "spool_records") == calls
            accepted, delivered, pending = await _account(session)
            assert accepted == delivered + pending == calls


async def _account(session: aiohttp.ClientSession) -> list[float]:
    """Read accepted, delivered and pending from one scrape."""
    async with session.get("/metrics") as response:
        lines = dict(line.rsplit(" ", 1) for line in (await response.text()).splitlines() if not line.startswith("#"))
    names = ("accepted_records_total", "delivered_records_total", "pending_records")
    return [float(lines[f'openscale_gateway_sink_{name}{{sink="openscale"}}']) for name in names]


async def _knows_the_deployment(gateway: GatewayProcess, worker: int) -> bool:
    async with (
        only(gateway, worker),
        calling(gateway, OPERATOR) as session,
        session.get(f"/v1/deployments/{AWS}") as response,
    ):
        return response.status == 200


async def _status_with(gateway: GatewayProcess, credential: str) -> int:
    async with (
        calling(gateway, None) as session,
        session.get("/v1/deployments", headers={"Authorization": credential}) as response,
    ):
        return response.status
