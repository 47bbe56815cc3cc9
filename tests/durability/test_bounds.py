"""Whatever sinks do, memory and disk are bounded, people are told in time, and service resumes by itself."""

import asyncio
import resource
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import json

from adapters.testing.emulator import Fault
from adapters.testing.openscale import OpenScaleEmulator
from adapters.testing.sagemaker import SageMakerEmulator
from gateway.payloadlog.reading import SpoolReader
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import SPOOL, becomes, calling, credit_rows, metric, score
from tests.process.clouds import AWS, OPERATOR, Tree, aws_part, configuration, openscale_sinks

DOWN = Fault(route="store", times=None, status=503)
MAX_BYTES = 12_000_000
ROWS = 400
REFUSALS = 500
# Caches of the allocator and of SQLite settle within this.
MEMORY_ALLOWANCE = 20_000_000
NOTES_BYTES = 60_000


def with_small_spool(sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, **payload_log: Any) -> Tree:
    sinks = openscale_sinks(openscale, AWS)
    return configuration(aws_part(sagemaker.url), sinks=sinks, payload_log={"max_gb": MAX_BYTES / 1e9, **payload_log})


async def readiness(operator: aiohttp.ClientSession) -> tuple[int, Any]:
    async with operator.get("/readyz") as response:
        return response.status, await response.json()


async def test_a_full_spool_is_announced_then_refuses_before_the_engine_is_asked_and_empties_by_itself(
    sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    openscale.play(DOWN)
    gateway = await start_gateway(with_small_spool(sagemaker, openscale))
    body = credit_rows(ROWS)
    async with calling(gateway) as session, calling(gateway, OPERATOR) as operator:
        accepted = refused = 0
        warned = False
        # A checkpoint gives some room back: full is what stays full over several sweeps.
        while refused < REFUSALS:
            answer = await score(session, AWS, body)
            if answer.status != 200:
                refused += 1
                continue
            accepted, refused = accepted + 1, 0
            status, details = await readiness(operator)
            warned = warned or (status == 200 and details["payload_log"]["warning"] is not None)
        assert warned
        assert (answer.status, answer.body["errors"][0]["code"]) == (503, "payload_log_full")
        asked = dict(sagemaker.requests)
        assert (await score(session, AWS, body)).status == 503
        assert sagemaker.requests == asked
        assert (await readiness(operator))[0] == 503
        assert SpoolReader(tmp_path / SPOOL).depth().bytes < MAX_BYTES * 1.1

        openscale.recover()
        await gateway.ready()
        assert (await score(session, AWS, body)).status == 200
        reader = SpoolReader(tmp_path / SPOOL)
        await becomes(lambda: reader.accounts()[0].pending == 0)
        (account,) = reader.accounts()
    assert (account.accepted, account.delivered, account.balances) == (accepted + 1, accepted + 1, True)


async def test_a_full_spool_answers_all_the_same_and_counts_what_it_loses(
    sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    openscale.play(DOWN)
    gateway = await start_gateway(with_small_spool(sagemaker, openscale, on_failure="answer"))
    body = credit_rows(ROWS)
    async with calling(gateway) as session, calling(gateway, OPERATOR) as operator:
        answered = lost = 0
        while lost < 3:
            assert (await score(session, AWS, body)).status == 200
            answered += 1
            lost = int(await metric(operator, f'lost_records_total{{deployment="{AWS}"}}'))
    (account,) = SpoolReader(tmp_path / SPOOL).accounts()
    assert (account.accepted + lost, account.balances) == (answered, True)


async def test_a_disk_that_takes_no_more_refuses_calls_and_serves_again_when_it_does(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    gateway = await start_gateway(configuration(aws_part(sagemaker.url)))
    async with calling(gateway) as session:
        before = [(await score(session, AWS)).scoring_id for _ in range(5)]
        # No file of the process may grow: what a full disk does to it, without filling one.
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        refused = await score(session, AWS)
        assert (refused.status, refused.body["errors"][0]["code"]) == (503, "payload_log_unavailable")
        asked = dict(sagemaker.requests)
        assert (await score(session, AWS)).status == 503
        assert sagemaker.requests == asked
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await gateway.ready()
        after = (await score(session, AWS)).scoring_id
    assert {*before, after} <= {record.scoring_id for record in SpoolReader(tmp_path / SPOOL).records()}


async def test_memory_stays_flat_while_every_sink_is_down(
    sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    openscale.play(DOWN)
    sinks = openscale_sinks(openscale, AWS)
    sinks["unreachable"] = {**sinks["openscale"], "url": "http://127.0.0.1:9", "batch": {"records": 5}}
    gateway = await start_gateway(configuration(aws_part(sagemaker.url), sinks=sinks))
    async with calling(gateway) as session:
        await _many(session, 160)
        warm, held = resident_bytes(gateway), SpoolReader(tmp_path / SPOOL).depth().records
        await _many(session, 960)
        added = SpoolReader(tmp_path / SPOOL).depth().records - held
        assert added * NOTES_BYTES > 2.5 * MEMORY_ALLOWANCE
        assert resident_bytes(gateway) - warm < MEMORY_ALLOWANCE


def resident_bytes(gateway: GatewayProcess) -> int:
    """Return the memory of a gateway of one process."""
    pages = Path(f"/proc/{gateway.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


async def _many(session: aiohttp.ClientSession, n: int, callers: int = 16) -> None:
    # Records that are large by a column which the endpoint doesn't take: memory is filled, and not the time.
    one = credit_rows()
    body = json.encode({"fields": [*one["fields"], "Notes"], "values": [[*one["values"][0], "x" * NOTES_BYTES]]})

    async def call() -> None:
        for _ in range(n // callers):
            assert (await score(session, AWS, body)).status == 200

    await asyncio.gather(*(call() for _ in range(callers)))
