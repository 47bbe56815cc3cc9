"""kill -9 at random moments under load: no answer without its record, and nothing lost or doubled on the way."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import apsw
import pytest

from adapters.testing.openscale import OpenScaleEmulator
from adapters.testing.sagemaker import SageMakerEmulator
from gateway.payloadlog.reading import SpoolReader
from tests.gateway_process import GatewayProcess, StartGateway, ended
from tests.process.calling import SPOOL, becomes, calling, score
from tests.process.clouds import AWS, DATA_SETS, aws_part, configuration, openscale_sinks

CONNECTIONS = 16
SEED = 20261121


class Load:
    """Calls without pause over many connections, until the gateway is gone or `finish`."""

    def __init__(self) -> None:
        self.answered: list[str] = []
        self._progress = asyncio.Event()
        self._finished = False

    async def run(self, gateway: GatewayProcess, *, patient: bool = False) -> None:
        """Call; `patient`: a broken connection is followed by another one."""
        await asyncio.gather(*(self._caller(gateway, patient=patient) for _ in range(CONNECTIONS)))

    async def has_answers(self, n: int) -> None:
        """Wait for so many answers."""
        while len(self.answered) < n:
            self._progress.clear()
            await self._progress.wait()

    def finish(self) -> None:
        """Let each caller end with the call that it is in."""
        self._finished = True

    async def _caller(self, gateway: GatewayProcess, *, patient: bool) -> None:
        async with calling(gateway) as session:
            while not self._finished:
                try:
                    answer = await score(session, AWS)
                except aiohttp.ClientConnectionError:
                    if not patient:
                        return
                    continue
                assert answer.status == 200, gateway.log_text()
                self.answered.append(answer.scoring_id)
                self._progress.set()


@asynccontextmanager
async def under(load: Load, gateway: GatewayProcess, *, patient: bool = False) -> AsyncIterator[None]:
    """Keep the gateway under load; at the end the callers have ended."""
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run(gateway, patient=patient))
        yield
        load.finish()


@pytest.mark.timeout(300)
async def test_killed_20_times_under_load(
    sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    await _kill_again_and_again(20, sagemaker, openscale, start_gateway, tmp_path)


@pytest.mark.soak
async def test_killed_200_times_under_load(
    sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    await _kill_again_and_again(200, sagemaker, openscale, start_gateway, tmp_path)


async def _kill_again_and_again(
    rounds: int,
    sagemaker: SageMakerEmulator,
    openscale: OpenScaleEmulator,
    start_gateway: StartGateway,
    directory: Path,
) -> None:
    choose = random.Random(SEED)  # noqa: S311 - the same moments at every run
    config = configuration(aws_part(sagemaker.url), sinks=openscale_sinks(openscale, AWS))
    recorded: list[str] = []
    for _ in range(rounds):
        gateway, load = await start_gateway(config), Load()
        async with under(load, gateway):
            await load.has_answers(choose.randint(0, 200))
            await asyncio.sleep(choose.uniform(0.0, 0.02))
            await gateway.kill()
        new = _recorded_since(directory, len(recorded))
        assert set(load.answered) <= set(new)
        recorded += new
        assert _is_clean(directory)
    assert len(set(recorded)) == len(recorded) > 0

    await _delivered(await start_gateway(config), openscale, directory, recorded)


async def test_a_killed_worker_costs_no_record_and_is_replaced(
    sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    choose = random.Random(SEED)  # noqa: S311 - the same moments at every run
    config = configuration(aws_part(sagemaker.url), sinks=openscale_sinks(openscale, AWS), server={"workers": 2})
    gateway, load = await start_gateway(config), Load()
    async with under(load, gateway, patient=True):
        # The older one of two: whoever led at first, at the second time it is the leader that dies.
        for _ in range(2):
            await becomes(lambda: len(gateway.workers()) == 2)
            await load.has_answers(len(load.answered) + choose.randint(1, 200))
            gateway.kill_worker(gateway.workers()[0])
        await load.has_answers(len(load.answered) + 200)

    recorded = _recorded_since(tmp_path, 0)
    assert set(load.answered) <= set(recorded)
    assert len(set(recorded)) == len(recorded)
    await _delivered(gateway, openscale, tmp_path, recorded)


async def test_workers_end_with_their_parent_and_the_spool_opens_again(
    sagemaker: SageMakerEmulator, openscale: OpenScaleEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    config = configuration(aws_part(sagemaker.url), sinks=openscale_sinks(openscale, AWS), server={"workers": 2})
    gateway, load = await start_gateway(config), Load()
    workers = gateway.workers()
    async with under(load, gateway):
        await load.has_answers(100)
        gateway.kill_parent()
        async with asyncio.timeout(10):
            await asyncio.gather(*(ended(pid) for pid in workers))

    recorded = _recorded_since(tmp_path, 0)
    assert set(load.answered) <= set(recorded)
    await _delivered(await start_gateway(config), openscale, tmp_path, recorded)


def _recorded_since(directory: Path, n_known: int) -> list[str]:
    return [stored.scoring_id for stored in SpoolReader(directory / SPOOL).records()][n_known:]


def _is_clean(directory: Path) -> bool:
    """Whether the file is whole and its books balance, as the killed process left them."""
    connection = apsw.Connection(str(directory / SPOOL), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        whole = connection.execute("PRAGMA integrity_check").get == "ok"
    finally:
        connection.close()
    return whole and all(account.balances for account in SpoolReader(directory / SPOOL).accounts())


async def _delivered(
    gateway: GatewayProcess, openscale: OpenScaleEmulator, directory: Path, recorded: list[str]
) -> None:
    reader = SpoolReader(directory / SPOOL)
    await becomes(lambda: all(account.pending == 0 for account in reader.accounts()))
    assert await gateway.stop() == 0
    (account,) = reader.accounts()
    assert (account.accepted, account.delivered, account.balances) == (len(recorded), len(recorded), True)
    rows = [row["scoring_id"] for row in openscale.rows(DATA_SETS[AWS])]
    assert sorted(rows) == sorted(f"{scoring_id}-1" for scoring_id in recorded)
